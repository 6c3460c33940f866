#include "tests/unit/proto/file/hub_fixture.h"

#include "base/half.h"
#include "proto/file/hugging_face_export.h"

#include <sys/stat.h>
#include <unistd.h>

/* Exports the fixture's weights into root/out. */
static int export_as(const struct hub *hub, const char *root, const char *run, bool force,
                     enum safetensors_type type, uint64_t shard_bytes, struct err *err)
{
    const struct hugging_face_form form = {.type = type, .shard_bytes = shard_bytes};
    char *out = file_join(root, "out");
    int rc = hugging_face_export(out, run, force, hub->model, hub->layout, hub->expected, &form,
                                 NULL, 0, err);
    free(out);
    return rc;
}

static void must_export(const struct hub *hub, const char *root, const char *run, bool force,
                        uint64_t shard_bytes)
{
    struct err err;
    if (export_as(hub, root, run, force, SAFETENSORS_F32, shard_bytes, &err) < 0)
        fail_msg("%s", err.text);
}

/* The names in root/out, each followed by a blank. The caller frees them. */
static char *names_of(const char *root)
{
    struct err err;
    size_t n = 0;
    char *out = file_join(root, "out"), **names = file_names(out, &n, ERR_USAGE, &err),
         *all = mem_strdup("");
    for (size_t i = 0; i < n; i++) {
        char *longer = mem_format("%s%s ", all, names[i]);
        free(all);
        all = longer;
    }
    file_names_free(names);
    free(out);
    return all;
}

static void check_names(const char *root, const char *expected)
{
    char *names = names_of(root);
    assert_string_equal(names, expected);
    free(names);
}

/* Fails unless root/out is read with the scene's numbers. */
static void check_out(const struct hub *hub, const char *root)
{
    char *out = file_join(root, "out");
    struct hub written = *hub;
    written.folder = out;
    hub_check_read(&written);
    free(out);
}

static void put(const char *root, const char *name, const char *text)
{
    char *out = file_join(root, "out"), *path = file_join(out, name);
    struct err err;
    assert_int_equal(file_make_dirs(out, ERR_USAGE, &err), 0);
    must_write(path, text, strlen(text));
    free(path);
    free(out);
}

static char *get(const char *root, const char *name, size_t *size)
{
    char *path = mem_format("%s/out/%s", root, name), *bytes = must_read(path, size);
    free(path);
    return bytes;
}

static void shards_hold_as_much_as_fits_and_are_read_back(void **state)
{
    static const uint64_t sizes[] = {1, 9000, 40000};
    for (int fixture = GPT2; fixture <= LLAMA; fixture++)
        for (size_t s = 0; s < 3; s++) {
            struct hub hub = hub_new(*state, fixture);
            must_export(&hub, *state, "a", true, sizes[s]);
            check_out(&hub, *state);
            struct err err;
            size_t n = 0;
            char *out = file_join(*state, "out"), **names = file_names(out, &n, ERR_USAGE, &err);
            size_t n_files = 0, n_tensors = 0;
            for (size_t i = 0; i < n; i++) {
                if (!file_name_ends(names[i], ".safetensors"))
                    continue;
                char *path = file_join(out, names[i]), *end = NULL;
                struct safetensors file;
                assert_int_equal(safetensors_open(&file, path, &err), 0);
                uint64_t bytes = 0;
                for (size_t k = 0; k < file.n; k++)
                    bytes += 4 * file.entries[k].count;
                assert_true(bytes <= sizes[s] || file.n == 1);
                n_tensors += file.n;
                n_files++;
                assert_int_equal(strtoul(names[i] + strlen("model-"), &end, 10), n_files);
                safetensors_close(&file);
                free(path);
            }
            assert_int_equal(n_tensors, hub.n);
            if (sizes[s] == 1)
                assert_int_equal(n_files, hub.n);
            assert_int_equal(n, n_files + 2); // the index and config.json
            file_names_free(names);
            free(out);
            hub_free(&hub);
        }
}

static void sixteen_bit_numbers_are_rounded_to_the_nearest(void **state)
{
    for (int bf16 = 0; bf16 < 2; bf16++) {
        struct err err;
        struct hub hub = hub_new(*state, GPT2);
        assert_int_equal(export_as(&hub, *state, "a", true,
                                   bf16 ? SAFETENSORS_BF16 : SAFETENSORS_F16, 1000000, &err),
                         0);
        for (size_t i = 0; i < hub.layout->n_params; i++)
            hub.expected[i] = bf16 ? half_from_bf16(half_to_bf16(hub.expected[i]))
                                   : half_from_fp16(half_to_fp16(hub.expected[i]));
        check_out(&hub, *state);
        size_t size = 0;
        char *config = get(*state, "config.json", &size);
        assert_contains(config, bf16 ? "\"torch_dtype\": \"bfloat16\",\n  \"dtype\": \"bfloat16\""
                                     : "\"torch_dtype\": \"float16\",\n  \"dtype\": \"float16\"");
        free(config);
        hub_free(&hub);
    }
}

static void a_number_too_large_is_refused_and_the_older_export_stays(void **state)
{
    struct err err;
    struct hub hub = hub_new(*state, GPT2);
    const struct tensor *t = layout_find(hub.layout, "layers.1.attn.qkv.weight");
    hub.expected[t->offset + 2 * t->columns + 5] = 70000; // stored as [5, 2]
    assert_int_equal(export_as(&hub, *state, "a", false, SAFETENSORS_F16, 1000000, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "tensor 'transformer.h.1.attn.c_attn.weight': found 70000 at [5, 2], "
                              "which is too large for float16");
    char *out = file_join(*state, "out");
    assert_false(file_exists(out));
    free(out);
    must_export(&hub, *state, "a", false, 1000000);
    assert_int_equal(export_as(&hub, *state, "a", false, SAFETENSORS_F16, 1000000, &err), -1);
    check_names(*state, "config.json model.safetensors ");
    check_out(&hub, *state);
    hub_free(&hub);
}

static void an_export_of_the_same_run_is_replaced_and_other_files_stay(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    must_export(&hub, *state, "a", false, 40000);
    put(*state, "tokenizer.json", "mine");
    put(*state, ".trireme-export", "what a killed process left");
    must_export(&hub, *state, "a", false, 1000000);
    check_names(*state, "config.json model.safetensors tokenizer.json ");
    check_out(&hub, *state);
    must_export(&hub, *state, "a", false, 60000);
    check_names(*state, "config.json model-00001-of-00002.safetensors "
                        "model-00002-of-00002.safetensors model.safetensors.index.json "
                        "tokenizer.json ");
    check_out(&hub, *state);
    hub_free(&hub);
}

static void a_tokenizer_takes_the_place_of_all_of_another(void **state)
{
    struct err err;
    struct hub hub = hub_new(*state, LLAMA);
    must_export(&hub, *state, "a", false, 1000000);
    put(*state, "tokenizer.json", "other");
    put(*state, "tokenizer.model", "other");
    put(*state, "vocab.json", "other");
    put(*state, "notes.txt", "mine");
    const struct hugging_face_file files[] = {
        {"vocab.json", (char *)"{}",  2},
        {"merges.txt", (char *)"a b", 3}
    };
    const struct hugging_face_form form = {.type = SAFETENSORS_F32, .shard_bytes = 1000000};
    char *out = file_join(*state, "out");
    if (hugging_face_export(out, "a", false, hub.model, hub.layout, hub.expected, &form, files, 2,
                            &err) < 0)
        fail_msg("%s", err.text);
    check_names(*state, "config.json merges.txt model.safetensors notes.txt vocab.json ");
    char *merges = must_read_in(out, "merges.txt", NULL),
         *vocab = must_read_in(out, "vocab.json", NULL);
    assert_string_equal(merges, "a b");
    assert_string_equal(vocab, "{}");
    free(vocab);
    free(merges);
    free(out);
    hub_free(&hub);
}

static void check_taken_with_force_only(const struct hub *hub, const char *root, const char *run,
                                        const char *sentence, const char *after)
{
    struct err err;
    char *before = names_of(root);
    assert_int_equal(export_as(hub, root, run, false, SAFETENSORS_F32, 1000000, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
    assert_contains(err.text, "--force");
    check_names(root, before);
    free(before);
    must_export(hub, root, run, true, 1000000);
    check_names(root, after);
    check_out(hub, root);
}

static void anything_else_is_refused_and_with_force_the_model_in_it_replaced(void **state)
{
    struct hub hub = hub_new(*state, LLAMA);
    put(*state, "notes.txt", "mine");
    check_taken_with_force_only(&hub, *state, "a", "found notes.txt and no export of this run",
                                "config.json model.safetensors notes.txt ");
    check_taken_with_force_only(&hub, *state, "b",
                                "found model.safetensors there, which no export of this run wrote",
                                "config.json model.safetensors notes.txt ");
    check_taken_with_force_only(&hub, *state, "", "found model.safetensors there",
                                "config.json model.safetensors notes.txt ");
    put(*state, "pytorch_model.bin", "old");
    put(*state, "model-00001-of-00002.safetensors", "old");
    put(*state, "model.safetensors.index.json", "{\"weight_map\": {}}");
    put(*state, "generation_config.json", "{}");
    put(*state, "adapter_config.json", "{}");
    put(*state, "tokenizer.json", "mine");
    check_taken_with_force_only(&hub, *state, "b", "found adapter_config.json there",
                                "config.json model.safetensors notes.txt tokenizer.json ");
    hub_free(&hub);
}

static void what_cannot_be_moved_into_place_leaves_the_old_model(void **state)
{
    struct err err;
    struct hub hub = hub_new(*state, GPT2);
    must_export(&hub, *state, "a", false, 20000);
    char *names = names_of(*state), *dir = file_join(*state, "out/model.safetensors");
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(export_as(&hub, *state, "a", true, SAFETENSORS_F32, 1000000, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "cannot move to ");
    assert_int_equal(rmdir(dir), 0);
    check_names(*state, names);
    check_out(&hub, *state);
    free(dir);
    free(names);
    hub_free(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(shards_hold_as_much_as_fits_and_are_read_back),
        test_in_folder(sixteen_bit_numbers_are_rounded_to_the_nearest),
        test_in_folder(a_number_too_large_is_refused_and_the_older_export_stays),
        test_in_folder(an_export_of_the_same_run_is_replaced_and_other_files_stay),
        test_in_folder(a_tokenizer_takes_the_place_of_all_of_another),
        test_in_folder(anything_else_is_refused_and_with_force_the_model_in_it_replaced),
        test_in_folder(what_cannot_be_moved_into_place_leaves_the_old_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
