#include "tests/unit/proto/file/file_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/hugging_face.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/hugging_face_write.h"
#include "proto/file/safetensors.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

static const char *const fixtures[] = {FIXTURES "/gpt2", FIXTURES "/llama"};

static Trireme__Model *shape_of(const char *folder)
{
    struct err err;
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    if (hugging_face_shape(model, folder, &err) < 0 || model_shape_resolve(model, &err) < 0)
        fail_msg("%s", err.text);
    return model;
}

/* Tensors, shapes and bytes of one file stand in the other too. */
static void check_tensors(const char *found_folder, const char *expected_folder)
{
    struct err err;
    struct safetensors found, expected;
    char *found_path = file_join(found_folder, "model.safetensors"),
         *path = file_join(expected_folder, "model.safetensors");
    assert_int_equal(safetensors_open(&found, found_path, &err), 0);
    assert_int_equal(safetensors_open(&expected, path, &err), 0);
    assert_int_equal(found.n, expected.n);
    for (size_t i = 0; i < found.n; i++) {
        const struct safetensors_entry *f = &found.entries[i], *e = &expected.entries[i];
        assert_string_equal(f->name, e->name);
        assert_int_equal(f->type, e->type);
        assert_int_equal(f->n_dims, e->n_dims);
        assert_memory_equal(f->shape, e->shape, sizeof f->shape);
        if (memcmp(f->bytes, e->bytes, 4 * e->count))
            fail_msg("tensor %s has other bytes", f->name);
    }
    safetensors_close(&found);
    safetensors_close(&expected);
    free(path);
    free(found_path);
}

static void a_directory_that_was_read_and_written_has_the_same_tensors(void **state)
{
    struct err err;
    for (int i = 0; i < 2; i++) {
        char *from = file_join(fixtures[i], "hf"), *to = mem_format("%s/%d", (char *)*state, i);
        assert_int_equal(file_make_dirs(to, ERR_USAGE, &err), 0);
        Trireme__Model *model = shape_of(from);
        struct layout *layout = layout_new(model);
        float *weights = mem_floats(layout->n_params), *again = mem_floats(layout->n_params);
        if (hugging_face_read(from, model, layout, 0, layout->n_params, weights, &err) < 0 ||
            hugging_face_write(to, model, layout, weights, NULL, &err) < 0)
            fail_msg("%s", err.text);
        check_tensors(to, from);
        Trireme__Model *model_again = shape_of(to);
        assert_true(message_equal(model_again, model));
        assert_int_equal(
            hugging_face_read(to, model_again, layout, 0, layout->n_params, again, &err), 0);
        check_bits(again, weights, layout->n_params);
        message_free(model_again);
        free(again);
        free(weights);
        layout_free(layout);
        message_free(model);
        free(to);
        free(from);
    }
}

/* The bias of a fused matrix is read from the parts that Hugging Face keeps apart. */
static void check_parts(const char *folder, const struct layout *layout, const float *weights)
{
    static const struct {
        const char *ours, *theirs;
        size_t row, rows;
    } parts[] = {
        {"layers.1.attn.qkv.bias", "model.layers.1.self_attn.q_proj.bias", 0,  40},
        {"layers.1.attn.qkv.bias", "model.layers.1.self_attn.k_proj.bias", 40, 20},
        {"layers.1.attn.qkv.bias", "model.layers.1.self_attn.v_proj.bias", 60, 20},
        {"layers.1.attn.out.bias", "model.layers.1.self_attn.o_proj.bias", 0,  32},
        {"layers.1.mlp.up.bias",   "model.layers.1.mlp.gate_proj.bias",    0,  96},
        {"layers.1.mlp.up.bias",   "model.layers.1.mlp.up_proj.bias",      96, 96},
        {"layers.1.mlp.down.bias", "model.layers.1.mlp.down_proj.bias",    0,  32},
    };
    struct err err;
    struct safetensors file;
    char *path = file_join(folder, "model.safetensors");
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct safetensors_entry *e = safetensors_find(&file, parts[i].theirs);
        assert_non_null(e);
        assert_int_equal(e->count, parts[i].rows);
        assert_memory_equal(
            e->bytes, weights + layout_find(layout, "%s", parts[i].ours)->offset + parts[i].row,
            4 * e->count);
    }
    safetensors_close(&file);
    free(path);
}

static void a_llama_with_biases_and_wide_heads_is_written_and_read_again(void **state)
{
    struct err err;
    Trireme__Model *model = shape_of(FIXTURES "/llama/hf"), *again = NULL;
    model->head_dim = 10, model->attention_bias = model->mlp_bias = 1;
    model->rope_type = TRIREME__MODEL__ROPE_TYPE__llama3;
    model->rope_factor = 3.3, model->rope_low_freq_factor = 1, model->rope_high_freq_factor = 4,
    model->rope_original_context = 8;
    assert_int_equal(model_shape_resolve(model, &err), 0);
    struct layout *layout = layout_new(model);
    float *weights = random_floats(1, layout->n_params), *found = mem_floats(layout->n_params);
    if (hugging_face_write(*state, model, layout, weights, NULL, &err) < 0)
        fail_msg("%s", err.text);
    check_parts(*state, layout, weights);
    again = shape_of(*state);
    assert_true(message_equal(again, model));
    if (hugging_face_read(*state, again, layout, 0, layout->n_params, found, &err) < 0)
        fail_msg("%s", err.text);
    check_bits(found, weights, layout->n_params);
    model->attention_bias = 0; // then these tensors have no place
    struct layout *poorer = layout_new(model);
    assert_int_equal(hugging_face_check(*state, model, poorer, &err), -1);
    assert_contains(err.text, "bias' has no place in the model that config.json describes");
    layout_free(poorer);
    layout_free(layout);
    free(found);
    free(weights);
    message_free(again);
    message_free(model);
}

static void the_weights_stand_in_the_order_of_the_layout(void **state)
{
    (void)state;
    struct err err;
    for (int i = 0; i < 2; i++) {
        char *from = file_join(fixtures[i], "hf"), *path = file_join(fixtures[i], "weights.bin");
        Trireme__Model *model = shape_of(from);
        struct layout *layout = layout_new(model);
        size_t size = 0;
        char *expected = must_read(path, &size);
        assert_int_equal(size, 4 * layout->n_params);
        float *weights = mem_floats(layout->n_params);
        assert_int_equal(hugging_face_read(from, model, layout, 0, layout->n_params, weights, &err),
                         0);
        check_bits(weights, (const float *)(const void *)expected, layout->n_params);
        free(weights);
        free(expected);
        layout_free(layout);
        message_free(model);
        free(path);
        free(from);
    }
}

static void any_range_is_what_the_whole_has_there(void **state)
{
    (void)state;
    struct err err;
    for (int i = 0; i < 2; i++) {
        char *from = file_join(fixtures[i], "hf");
        Trireme__Model *model = shape_of(from);
        struct layout *layout = layout_new(model);
        size_t n = layout->n_params;
        float *whole = mem_floats(n), *part = mem_floats(n);
        assert_int_equal(hugging_face_read(from, model, layout, 0, n, whole, &err), 0);
        for (size_t offset = 0, count = 1; offset < n; offset += count, count = count * 5 % 7919) {
            count = count < n - offset ? count : n - offset;
            assert_int_equal(hugging_face_read(from, model, layout, offset, count, part, &err), 0);
            check_bits(part, whole + offset, count);
        }
        free(part);
        free(whole);
        layout_free(layout);
        message_free(model);
        free(from);
    }
}

static void tensors_that_are_missing_or_of_another_shape_are_refused(void **state)
{
    struct err err;
    char *from = file_join(fixtures[0], "hf");
    Trireme__Model *model = shape_of(from);
    model->layers = 3;
    struct layout *layout = layout_new(model);
    float *weights = mem_floats(layout->n_params);
    assert_int_equal(hugging_face_read(from, model, layout, 0, layout->n_params, weights, &err),
                     -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "tensor 'transformer.h.2.ln_1.weight' is missing");
    layout_free(layout);
    free(weights);
    model->layers = 2, model->ffn = 48;
    layout = layout_new(model);
    weights = mem_floats(layout->n_params);
    assert_int_equal(hugging_face_read(from, model, layout, 0, layout->n_params, weights, &err),
                     -1);
    assert_contains(err.text, "tensor 'transformer.h.0.mlp.c_fc.weight': found shape [24, 96], "
                              "expected [24, 48]");
    assert_int_equal(hugging_face_read(*state, model, layout, 0, layout->n_params, weights, &err),
                     -1);
    assert_contains(err.text, "found no file of weights, expected model.safetensors or ");
    layout_free(layout);
    free(weights);
    message_free(model);
    free(from);
}

static void names_without_their_prefix_are_found_too(void **state)
{
    struct err err;
    char *from = file_join(fixtures[0], "hf"), *path = file_join(*state, "model.safetensors");
    Trireme__Model *model = shape_of(from);
    struct layout *layout = layout_new(model);
    float *expected = mem_floats(layout->n_params), *found = mem_floats(layout->n_params);
    assert_int_equal(hugging_face_read(from, model, layout, 0, layout->n_params, expected, &err),
                     0);
    assert_int_equal(hugging_face_write(*state, model, layout, expected, NULL, &err), 0);
    struct safetensors file;
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    struct safetensors_part *parts = mem_new(file.n, sizeof *parts);
    for (size_t i = 0; i < file.n; i++) {
        float *numbers = mem_floats(file.entries[i].count);
        safetensors_floats(&file.entries[i], 0, file.entries[i].count, numbers);
        parts[i] = (struct safetensors_part){
            .name = file.entries[i].name + strlen("transformer."),
            .numbers = numbers,
            .n_dims = file.entries[i].n_dims,
            .shape = {file.entries[i].shape[0], file.entries[i].shape[1]}
        };
    }
    assert_int_equal(safetensors_write(path, parts, file.n, NULL, NULL, ERR_DATA, &err), 0);
    if (hugging_face_read(*state, model, layout, 0, layout->n_params, found, &err) < 0)
        fail_msg("%s", err.text);
    check_bits(found, expected, layout->n_params);
    for (size_t i = 0; i < file.n; i++)
        free((float *)parts[i].numbers);
    free(parts);
    safetensors_close(&file);
    free(expected);
    free(found);
    layout_free(layout);
    message_free(model);
    free(path);
    free(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_directory_that_was_read_and_written_has_the_same_tensors),
        test_in_folder(a_llama_with_biases_and_wide_heads_is_written_and_read_again),
        test_in_folder(the_weights_stand_in_the_order_of_the_layout),
        test_in_folder(any_range_is_what_the_whole_has_there),
        test_in_folder(tensors_that_are_missing_or_of_another_shape_are_refused),
        test_in_folder(names_without_their_prefix_are_found_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
