/* Shards are read by any number of servers, whatever number wrote them. */
#include "tests/unit/proto/file/model_fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <unistd.h>

static void shards_of_any_number_of_servers_are_read_by_any_other(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    const size_t numbers[] = {1, 2, 3, 5, 8};
    for (size_t w = 0; w < 5; w++) {
        char *folder = mem_format("%s/%zu", (char *)*state, numbers[w]);
        Trireme__Manifest *m = write_shards(&f, folder, numbers[w], 7);
        for (size_t r = 0; r < 5; r++) {
            struct shard shards[SERVERS_MAX];
            assert_int_equal(shard_map(shards, numbers[r], f.layout, &err), 0);
            for (size_t k = 0; k < numbers[r]; k++) {
                size_t offset = shards[k].offset, count = shards[k].count;
                float *found = mem_floats(count),
                      *moments[2] = {mem_floats(count), mem_floats(count)};
                if (shard_files_read(folder, m, f.layout, offset, count, found, moments, 2, &err) <
                    0)
                    fail_msg("%s", err.text);
                check_bits(found, f.weights + offset, count);
                check_bits(moments[0], f.moments[0] + offset, count);
                check_bits(moments[1], f.moments[1] + offset, count);
                free(found);
                free(moments[0]);
                free(moments[1]);
            }
        }
        message_free(m);
        free(folder);
    }
    model_fixture_free(&f);
}

static void a_shard_of_part_of_a_tensor_is_read_back(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    message_free(f.config);
    layout_free(f.layout);
    free(f.weights);
    f.config = message_new(&trireme__config__descriptor);
    shape_fixture_set(f.config->model, TRIREME__MODEL__ARCH__llama);
    f.config->model->layers = 1, f.config->model->vocab = 9000; // the embedding is cut into blocks
    f.layout = layout_new(f.config->model);
    f.weights = random_floats(5, f.layout->n_params);
    free(f.moments[0]);
    free(f.moments[1]);
    f.moments[0] = random_floats(6, f.layout->n_params),
    f.moments[1] = random_floats(7, f.layout->n_params);
    Trireme__Manifest *m = write_shards(&f, *state, 3, 7);
    char *names = mem_format("%s/%s", (char *)*state, m->shards[0]->file);
    size_t size = 0;
    char *bytes = must_read(names, &size);
    assert_contains(bytes + 8, "embed.token.weight[0:");
    float *found = mem_floats(f.layout->n_params), *moments[2] = {0};
    assert_int_equal(
        shard_files_read(*state, m, f.layout, 0, f.layout->n_params, found, moments, 0, &err), 0);
    check_bits(found, f.weights, f.layout->n_params);
    free(found);
    free(bytes);
    free(names);
    message_free(m);
    model_fixture_free(&f);
}

static void slices_that_are_missing_doubled_or_foreign_are_refused(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *two = file_join(*state, "two");
    Trireme__Manifest *m = write_shards(&f, two, 2, 7);
    float *found = mem_floats(f.layout->n_params),
          *moments[2] = {mem_floats(f.layout->n_params), mem_floats(f.layout->n_params)};
    m->n_shards = 1;
    assert_int_equal(
        shard_files_read(two, m, f.layout, 0, f.layout->n_params, found, moments, 2, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "numbers of kind weight, expected");
    m->n_shards = 2;
    free(m->shards[1]->file);
    m->shards[1]->file = mem_strdup(m->shards[0]->file);
    m->shards[1]->bytes = m->shards[0]->bytes;
    assert_int_equal(
        shard_files_read(two, m, f.layout, 0, f.layout->n_params, found, moments, 2, &err), -1);
    assert_contains(err.text, "is in the checkpoint twice");
    Trireme__Model other = *f.config->model;
    other.width = 64;
    struct layout *other_layout = layout_new(&other);
    float *other_found = mem_floats(other_layout->n_params);
    assert_int_equal(shard_files_read(two, m, other_layout, 0, other_layout->n_params, other_found,
                                      NULL, 0, &err),
                     -1);
    assert_contains(err.text, "does not belong to this model");
    free(other_found);
    layout_free(other_layout);
    free(found);
    free(moments[0]);
    free(moments[1]);
    message_free(m);
    free(two);
    model_fixture_free(&f);
}

static void a_shard_that_is_cut_short_or_cannot_be_read_is_told_apart(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *one = file_join(*state, "one");
    Trireme__Manifest *m = write_shards(&f, one, 1, 7);
    float *found = mem_floats(f.layout->n_params);
    char *path = file_join(one, m->shards[0]->file);
    cut_file(path, m->shards[0]->bytes - 4);
    assert_int_equal(
        shard_files_read(one, m, f.layout, 0, f.layout->n_params, found, NULL, 0, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "bytes, expected ");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(path, path), 0); // opening it fails, and says nothing about its bytes
    assert_int_equal(
        shard_files_read(one, m, f.layout, 0, f.layout->n_params, found, NULL, 0, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, path);
    free(path);
    free(found);
    message_free(m);
    free(one);
    model_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(shards_of_any_number_of_servers_are_read_by_any_other),
        test_in_folder(a_shard_of_part_of_a_tensor_is_read_back),
        test_in_folder(slices_that_are_missing_doubled_or_foreign_are_refused),
        test_in_folder(a_shard_that_is_cut_short_or_cannot_be_read_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
