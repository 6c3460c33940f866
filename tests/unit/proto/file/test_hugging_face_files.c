#include "tests/unit/proto/file/hub_fixture.h"

#include <math.h>
#include <unistd.h>

#define FIRST  "model-00001-of-00002.safetensors"
#define SECOND "model-00002-of-00002.safetensors"

/* Writes two shards, tensors by turns, and the index; `extra` stands in front of its rows. */
static void write_shards(const struct hub *hub, const char *extra)
{
    char *index = mem_format("{\"metadata\": {}, \"weight_map\": {%s", extra);
    for (size_t i = 0; i < hub->n; i++) {
        char *longer = mem_format("%s%s\"%s\": \"%s\"", index, i ? "," : "", hub->parts[i].name,
                                  i % 2 ? SECOND : FIRST);
        free(index);
        index = longer;
    }
    char *whole = mem_format("%s}}", index);
    hub_write(hub, FIRST, 0, 2);
    hub_write(hub, SECOND, 1, 2);
    hub_text(hub, "model.safetensors.index.json", whole);
    free(whole);
    free(index);
}

static void the_whole_file_goes_before_shards_and_other_files_are_never_read(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_numbers(&hub, "model.norm.weight")[0] += 1;
    write_shards(&hub, "");
    hub_write(&hub, "consolidated.safetensors", 0, 1);
    hub_write(&hub, "zz.safetensors", 0, 1);
    hub_text(&hub, "model.ema.safetensors", "no safetensors at all");
    hub_check_read(&hub);
    hub_free(&hub);
}

static void without_it_exactly_the_files_of_the_index_are_read(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    write_shards(&hub, "");
    hub_numbers(&hub, "model.norm.weight")[0] += 1;
    hub_write(&hub, "model-00001-of-00005.safetensors", 0, 1);
    hub_write(&hub, "adapter.safetensors", 0, 1);
    hub_check_read(&hub);
    hub_free(&hub);
}

static void an_index_that_disagrees_with_its_files_is_refused(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    write_shards(&hub, "\"model.more.weight\": \"" FIRST "\",");
    hub_check_refused(&hub, false, "hub/" FIRST,
                      "tensor 'model.more.weight' is missing, but model.safetensors.index.json "
                      "says that it is there");
    write_shards(&hub, "\"a\": \"model-00003-of-00002.safetensors\",");
    hub_check_refused(&hub, false, "hub/model-00003-of-00002.safetensors: missing, but ",
                      "hub/model.safetensors.index.json names it");
    write_shards(&hub, "\"a\": \"../model.safetensors\",");
    hub_check_refused(&hub, false, "index.json: tensor 'a': found '../model.safetensors'",
                      "expected the name of a .safetensors file in this folder");
    write_shards(&hub, "\"a\\nb\": \"model.safetensors\",");
    hub_check_refused(&hub, false, "index.json: row ", "has control characters");
    write_shards(&hub, "");
    struct safetensors_part first = hub.parts[0]; // which the index says is in FIRST
    hub.parts[0] = hub.parts[1], hub.parts[1] = first;
    hub_write(&hub, FIRST, 0, 2);
    hub_check_refused(&hub, false, "hub/" FIRST ": tensor '",
                      "' is there, but model.safetensors.index.json says that it is in " SECOND);
    hub_text(&hub, "model.safetensors.index.json",
             "{\"weight_map\": {\"model.norm.weight\": \"" FIRST "\"}}");
    hub_check_refused(&hub, false, "hub/" FIRST,
                      "is there, but model.safetensors.index.json does not name it");
    hub_text(&hub, "model.safetensors.index.json", "{\"weight_map\": {}}");
    hub_check_refused(&hub, false, "index.json", "found no weight_map");
    hub_free(&hub);
}

static void tensors_without_a_place_are_refused_with_name_and_file(void **state)
{
    static const char *const more[] = {
        "model.layers.0.self_attn.q_proj.bias",         "model.layers.1.mlp.gate_proj.bias",
        "model.layers.0.self_attn.q_norm.weight",       "model.layers.2.input_layernorm.weight",
        "model.layers.2.self_attn.rotary_emb.inv_freq", "score.weight"};
    const float ones[32] = {1};
    struct hub hub = hub_new(*state, LLAMA);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        hub_add(&hub, more[i], 32, 0, SAFETENSORS_F32, ones);
        hub_write(&hub, "model.safetensors", 0, 1);
        char *sentence = mem_format("tensor '%s' has no place in the model", more[i]);
        hub_check_refused(&hub, false, "hub/model.safetensors: ", sentence);
        free(sentence);
        hub_remove(&hub, more[i]);
    }
    hub_add(&hub, "norm.weight", 32, 0, SAFETENSORS_F32, ones);
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_refused(&hub, false, "hub/model.safetensors",
                      "tensor 'norm.weight' is there twice, also as 'model.norm.weight' in ");
    hub_free(&hub);
}

static void masks_and_rotary_frequencies_are_passed_over(void **state)
{
    const float numbers[16] = {NAN};
    for (int fixture = GPT2; fixture <= LLAMA; fixture++) {
        struct hub hub = hub_new(*state, fixture);
        hub_add(&hub,
                fixture == GPT2 ? "transformer.h.1.attn.bias"
                                : "model.layers.1.self_attn.rotary_emb.inv_freq",
                4, 4, SAFETENSORS_F32, numbers);
        hub_add(&hub, fixture == GPT2 ? "h.0.attn.masked_bias" : "rotary_emb.inv_freq", 1, 0,
                SAFETENSORS_F32, numbers);
        hub_write(&hub, "model.safetensors", 0, 1);
        hub_check_read(&hub);
        hub_free(&hub);
    }
}

static void names_of_a_base_model_are_read(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    for (size_t i = 0; i < hub.n; i++)
        if (!strncmp(hub.parts[i].name, "model.", 6)) {
            char *name = mem_strdup(hub.parts[i].name + 6);
            hub_rename(&hub, hub.parts[i].name, name);
            free(name);
        }
    write_shards(&hub, "");
    hub_check_read(&hub);
    hub_free(&hub);
}

static void the_head_of_a_tied_model_may_stand_for_the_embedding_or_equal_it(void **state)
{
    struct hub hub = hub_new(*state, GPT2);
    size_t i = hub_find(&hub, "transformer.wte.weight"), rows = hub.parts[i].shape[0],
           columns = hub.parts[i].shape[1];
    hub_add(&hub, "lm_head.weight", rows, columns, SAFETENSORS_F32, hub.parts[i].numbers);
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_read(&hub);
    uint32_t *last = (uint32_t *)(void *)&hub_numbers(&hub, "lm_head.weight")[rows * columns - 1];
    *last ^= 1;
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_refused(&hub, false, "hub/model.safetensors: tensor 'lm_head.weight' differs from ",
                      "'transformer.wte.weight', but config.json says tie_word_embeddings");
    *last ^= 1;
    hub_remove(&hub, "transformer.wte.weight");
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_read(&hub);
    hub_free(&hub);
}

static void a_folder_without_them_is_refused_with_what_was_found(void **state)
{
    struct hub hub = hub_new(*state, GPT2);
    hub_check_refused(&hub, false, "hub: found no file of weights",
                      "expected model.safetensors or model.safetensors.index.json");
    hub_text(&hub, "pytorch_model.bin", "");
    hub_write(&hub, "consolidated.safetensors", 0, 1);
    hub_check_refused(&hub, false, "hub: found consolidated.safetensors, pytorch_model.bin, ",
                      "expected model.safetensors or model.safetensors.index.json");
    char *link = file_join(hub.folder, "model.safetensors");
    assert_int_equal(symlink("../blobs/nothing", link), 0);
    hub_check_refused(&hub, false, "model.safetensors (a link to nothing)", "expected ");
    free(link);
    hub_free(&hub);
}

static void a_pointer_of_git_lfs_is_called_that(void **state)
{
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2c"
                                  "a24d17e2393\nsize 12345\n";
    struct err err;
    struct hub hub = hub_new(*state, GPT2);
    hub_text(&hub, "model.safetensors.index.json", pointer);
    hub_check_refused(&hub, false, "index.json: found a Git LFS pointer", "git lfs pull");
    hub_text(&hub, "model.safetensors", pointer);
    hub_check_refused(&hub, false, "model.safetensors: found a Git LFS pointer", "git lfs pull");
    hub_text(&hub, "config.json", pointer);
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    assert_int_equal(hugging_face_shape(model, hub.folder, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "config.json: found a Git LFS pointer");
    message_free(model);
    hub_free(&hub);
}

static void numbers_that_are_not_finite_are_refused_with_their_place(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    size_t columns = hub.parts[hub_find(&hub, "model.layers.1.mlp.up_proj.weight")].shape[1];
    float *number = &hub_numbers(&hub, "model.layers.1.mlp.up_proj.weight")[5 * columns + 7];
    *number = NAN;
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_refused(&hub, true, "hub/model.safetensors: ",
                      "tensor 'model.layers.1.mlp.up_proj.weight': found nan at [5, 7]");
    *number = 0;
    hub_numbers(&hub, "model.norm.weight")[3] = -INFINITY;
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_refused(&hub, true,
                      "hub/model.safetensors: ", "tensor 'model.norm.weight': found -inf at [3]");
    hub_free(&hub);
}

static void numbers_of_64_bits_are_rounded_to_the_nearest(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    const struct safetensors_part *p = &hub.parts[hub_find(&hub, "model.norm.weight")];
    const float *numbers = p->numbers;
    size_t n = p->shape[0];
    double *wide = mem_new(n, sizeof *wide);
    for (size_t i = 0; i < n; i++)
        wide[i] =
            (double)numbers[i] + 0.4 * ((double)nextafterf(numbers[i], 9) - (double)numbers[i]);
    hub_remove(&hub, "model.norm.weight");
    hub_add(&hub, "model.norm.weight", n, 0, SAFETENSORS_F64, wide);
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_read(&hub);
    wide[2] = 1e300;
    hub_remove(&hub, "model.norm.weight");
    hub_add(&hub, "model.norm.weight", n, 0, SAFETENSORS_F64, wide);
    hub_write(&hub, "model.safetensors", 0, 1);
    hub_check_refused(&hub, true, "tensor 'model.norm.weight': found inf at [2]",
                      "expected finite 32-bit numbers");
    free(wide);
    hub_free(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(the_whole_file_goes_before_shards_and_other_files_are_never_read),
        test_in_folder(without_it_exactly_the_files_of_the_index_are_read),
        test_in_folder(an_index_that_disagrees_with_its_files_is_refused),
        test_in_folder(tensors_without_a_place_are_refused_with_name_and_file),
        test_in_folder(masks_and_rotary_frequencies_are_passed_over),
        test_in_folder(names_of_a_base_model_are_read),
        test_in_folder(the_head_of_a_tied_model_may_stand_for_the_embedding_or_equal_it),
        test_in_folder(a_folder_without_them_is_refused_with_what_was_found),
        test_in_folder(a_pointer_of_git_lfs_is_called_that),
        test_in_folder(numbers_that_are_not_finite_are_refused_with_their_place),
        test_in_folder(numbers_of_64_bits_are_rounded_to_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
