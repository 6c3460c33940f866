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
        test_in_folder(the_weights_stand_in_the_order_of_the_layout),
        test_in_folder(any_range_is_what_the_whole_has_there),
        test_in_folder(tensors_that_are_missing_or_of_another_shape_are_refused),
        test_in_folder(names_without_their_prefix_are_found_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
