#include "tests/unit/worker/data/data_fixture.h"

#include "base/digest.h"
#include "base/file.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"
#include "worker/data/whole_files.h"

#include <sched.h>
#include <unistd.h>

static struct dataset *must_open(const char *folder)
{
    struct err err;
    Trireme__Data data = TRIREME__DATA__INIT;
    Trireme__Source source = source_config("text", folder, 1), *sources = &source;
    data.n_sources = 1, data.sources = &sources;
    struct dataset *dataset = dataset_open(&data, 8, 1 << 16, 1, &err);
    if (!dataset)
        fail_msg("%s", err.text);
    return dataset;
}

static void digest_hex_of(char hex[DIGEST_HEX_SIZE], const char *folder, const char *name)
{
    struct err err;
    char *path = file_join(folder, name);
    size_t size = 0;
    char *bytes = file_read(path, &size, ERR_DATA, &err);
    assert_non_null(bytes);
    digest_hex(hex, digest_of(bytes, size));
    free(bytes);
    free(path);
}

static void every_file_that_is_read_gets_the_digest_of_all_its_bytes(void **state)
{
    write_tokens_16(*state, "train_0.bin", 0, 2000000); // several pieces
    write_tokens_16(*state, "train_1.bin", 7, 100);
    write_tokens_16(*state, "val_0.bin", 9, 300);
    write_tokens_16(*state, "other.bin", 9, 300);
    struct dataset *dataset = must_open(*state);
    struct whole_files *files = whole_files_begin(dataset);
    while (!whole_files_done(files))
        sched_yield();
    assert_int_equal(whole_files_bytes(files), 3 * 1024 + 2 * (2000000 + 100 + 300));
    struct err err;
    Trireme__RunData *data = whole_files_end(files, &err);
    assert_non_null(data);
    assert_int_equal(data->n_files, 4);
    static const char *const names[] = {"train_0.bin", "train_1.bin", "val_0.bin"};
    for (size_t i = 0; i < 3; i++) {
        char hex[DIGEST_HEX_SIZE];
        digest_hex_of(hex, *state, names[i]);
        assert_true(file_name_ends(data->files[i]->path, names[i]));
        assert_string_equal(data->files[i]->digest, hex);
        assert_string_equal(data->files[i]->source, "text");
        assert_int_equal(data->files[i]->use, i < 2 ? TRIREME__READ_FILE__USE__training
                                                    : TRIREME__READ_FILE__USE__validation);
    }
    assert_int_equal(data->files[1]->bytes, 1024 + 200);
    assert_int_equal(data->files[1]->tokens, 100);
    assert_int_equal(data->files[3]->use, TRIREME__READ_FILE__USE__unread);
    assert_null(data->files[3]->digest);
    message_free(data);
    dataset_free(dataset);
}

static void write_prepared(const char *folder, const char *digest)
{
    write_tokens_16(folder, "t.bin", 0, 1000);
    char *yaml = mem_format("format: 1\nvocab: 256\ntrain: {file: t.bin, tokens: 1000%s%s}\n",
                            digest ? ", digest: " : "", digest ? digest : "");
    must_write_in(folder, "data.yaml", yaml, strlen(yaml));
    free(yaml);
}

static Trireme__RunData *read_all(const char *folder, struct err *err)
{
    struct dataset *dataset = must_open(folder);
    Trireme__RunData *data = whole_files_end(whole_files_begin(dataset), err);
    dataset_free(dataset);
    return data;
}

static void a_prepared_file_of_other_bytes_is_refused_with_both_digests(void **state)
{
    char hex[DIGEST_HEX_SIZE];
    struct err err = {0};
    write_prepared(*state, NULL);
    digest_hex_of(hex, *state, "t.bin");
    Trireme__RunData *data = read_all(*state, &err);
    assert_non_null(data); // data.yaml does not say
    message_free(data);
    write_prepared(*state, hex);
    data = read_all(*state, &err);
    assert_non_null(data);
    message_free(data);
    char *path = file_join(*state, "t.bin");
    FILE *file = fopen(path, "r+b");
    assert_true(file && fseek(file, 2000, SEEK_SET) == 0 && fputc(0x55, file) == 0x55);
    fclose(file);
    assert_null(read_all(*state, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, path);
    assert_contains(err.text, hex);
    digest_hex_of(hex, *state, "t.bin");
    assert_contains(err.text, hex);
    free(path);
}

/* Eight gigabytes of zeros: seconds to read, nothing to keep. */
static void reading_ends_when_it_is_told_to(void **state)
{
    const int32_t head[3] = {20240801, 7, INT32_MAX};
    must_write_in(*state, "train.bin", head, sizeof head);
    char *path = file_join(*state, "train.bin");
    if (truncate(path, 1024 + 4 * (off_t)INT32_MAX) < 0)
        skip();
    struct dataset *dataset = must_open(*state);
    whole_files_stop(whole_files_begin(dataset));
    whole_files_stop(NULL);
    dataset_free(dataset);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(every_file_that_is_read_gets_the_digest_of_all_its_bytes),
        test_in_folder(a_prepared_file_of_other_bytes_is_refused_with_both_digests),
        test_in_folder(reading_ends_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
