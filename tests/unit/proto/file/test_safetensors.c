#include "tests/unit/proto/file/file_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "proto/file/safetensors.h"

#include <math.h>

static char *write_raw(const char *folder, uint64_t length, const char *json, const void *data,
                       size_t data_size)
{
    char *path = file_join(folder, "f.safetensors");
    size_t n = strlen(json);
    char *bytes = mem_new(8 + n + data_size, 1);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, json, n);
    if (data_size)
        memcpy(bytes + 8 + n, data, data_size);
    must_write(path, bytes, 8 + n + data_size);
    free(bytes);
    return path;
}

static void check_refused(const char *folder, const char *json, size_t data_size,
                          const char *sentence)
{
    static const char data[256];
    struct err err;
    struct safetensors file;
    char *path = write_raw(folder, strlen(json), json, data, data_size);
    if (safetensors_open(&file, path, &err) == 0)
        fail_msg("taken, expected a refusal with \"%s\": %s", sentence, json);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, path);
    assert_contains(err.text, sentence);
    assert_true(file.n == 0 && file.entries == NULL && file.map.bytes == NULL);
    free(path);
}

/* Two tensors, as two servers' parts would be. */
static char *write_sample(const char *folder, struct digest *digest, uint64_t *bytes)
{
    static const float numbers[] = {1, -0.0f, 3.5f, 1e-45f, INFINITY, 6, 7, 8};
    struct safetensors_part parts[] = {
        {.name = "weight/b",      .n_dims = 1, .shape = {2},    .numbers = numbers + 6},
        {.name = "weight/a[0:3]", .n_dims = 2, .shape = {3, 2}, .numbers = numbers    }
    };
    struct err err;
    char *path = file_join(folder, "s.safetensors");
    if (safetensors_write(path, parts, 2, digest, bytes, ERR_TRAIN, &err) < 0)
        fail_msg("%s", err.text);
    return path;
}

static void what_was_written_is_read_back_with_the_same_bits(void **state)
{
    struct err err;
    struct digest digest;
    uint64_t bytes = 0;
    char *path = write_sample(*state, &digest, &bytes);
    struct safetensors file;
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    assert_int_equal(file.n, 2);
    assert_int_equal(bytes, file.map.size);
    struct digest whole = digest_of(file.map.bytes, file.map.size);
    assert_true(whole.high == digest.high && whole.low == digest.low);
    assert_null(safetensors_find(&file, "weight/c"));
    const struct safetensors_entry *a = safetensors_find(&file, "weight/a[0:3]"),
                                   *b = safetensors_find(&file, "weight/b");
    assert_true(a && a->type == SAFETENSORS_F32 && a->n_dims == 2 && a->shape[0] == 3 &&
                a->shape[1] == 2 && a->count == 6);
    assert_true(b && b->n_dims == 1 && b->count == 2);
    assert_int_equal((a->bytes - file.map.bytes) % 8, 0);
    float found[3];
    const float expected[] = {1e-45f, INFINITY, 6};
    assert_true(safetensors_floats(a, 3, 3, found));
    check_bits(found, expected, 3);
    safetensors_close(&file);
    free(path);
}

/* The example of the format's description. */
static const char vector_json[] =
    "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  ";
static const unsigned char vector_data[] = {0, 0, 0x80, 0x3f, 0, 0, 0, 0x40};

static void the_known_file_is_read(void **state)
{
    struct err err;
    struct safetensors file;
    char *path = write_raw(*state, 0x38, vector_json, vector_data, 8);
    assert_int_equal(strlen(vector_json), 0x38);
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    float w[2];
    assert_true(safetensors_floats(safetensors_find(&file, "w"), 0, 2, w));
    assert_true(w[0] == 1 && w[1] == 2);
    safetensors_close(&file);
    free(path);
}

static void a_file_that_was_cut_anywhere_is_refused(void **state)
{
    struct err err;
    struct safetensors file;
    char *path = write_sample(*state, NULL, NULL), *cut = file_join(*state, "cut");
    size_t size = 0;
    char *bytes = must_read(path, &size);
    for (size_t n = 0; n < size; n++) {
        must_write(cut, bytes, n);
        if (safetensors_open(&file, cut, &err) == 0)
            fail_msg("the first %zu of %zu bytes were taken", n, size);
        assert_int_equal(err.code, ERR_DATA);
    }
    char *longer = mem_new(size + 1, 1);
    memcpy(longer, bytes, size);
    must_write(cut, longer, size + 1);
    assert_int_equal(safetensors_open(&file, cut, &err), -1);
    assert_contains(err.text, "bytes of tensors, expected");
    free(longer);
    free(bytes);
    free(cut);
    free(path);
}

static void a_header_longer_than_the_file_or_than_any_is_refused(void **state)
{
    struct err err;
    struct safetensors file;
    const uint64_t lengths[] = {0x39 + 8, 100000001, (uint64_t)1 << 42, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *path = write_raw(*state, lengths[i], vector_json, vector_data, 8);
        assert_int_equal(safetensors_open(&file, path, &err), -1);
        assert_contains(err.text, "cut short, or no safetensors file");
        free(path);
    }
}

static void tensors_that_lie_wrong_are_refused(void **state)
{
#define T(name, shape, begin, end)                                                                 \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"
    const char *folder = *state;
    check_refused(folder, "{" T("a", "[2]", "0", "8") "}", 4, "data_offsets lie outside");
    check_refused(folder, "{" T("a", "[2]", "8", "0") "}", 8, "data_offsets lie outside");
    check_refused(folder, "{" T("a", "[2]", "9223372036854775804", "4") "}", 8,
                  "data_offsets lie outside");
    check_refused(folder, "{" T("a", "[2]", "0", "99999999999999999999") "}", 8, "too big integer");
    check_refused(folder, "{" T("a", "[2]", "0", "4") "}", 4, "do not fit its shape");
    check_refused(folder, "{" T("a", "[3]", "0", "8") "}", 8, "do not fit its shape");
    check_refused(folder, "{" T("a", "[4611686018427387906]", "0", "8") "}", 8,
                  "its shape is no list of sizes"); // * 4 = 8 mod 2^64
    check_refused(folder, "{" T("a", "[4294967296,4294967296]", "0", "0") "}", 0,
                  "its shape is no list of sizes");
    check_refused(folder, "{" T("a", "[-1]", "0", "4") "}", 4, "its shape is no list of sizes");
    check_refused(folder, "{" T("a", "[1.0]", "0", "4") "}", 4, "its shape is no list of sizes");
    check_refused(folder, "{" T("a", "[\"1\"]", "0", "4") "}", 4, "its shape is no list of sizes");
    check_refused(folder, "{" T("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4,
                  "more than 8 dimensions");
    check_refused(folder, "{" T("a", "[1]", "0", "4") "," T("b", "[1]", "8", "12") "}", 12,
                  "leave a hole or overlap at byte 4");
    check_refused(folder, "{" T("a", "[2]", "0", "8") "," T("b", "[2]", "4", "12") "}", 12,
                  "leave a hole or overlap at byte 8");
    check_refused(folder, "{" T("a", "[2]", "0", "8") "," T("b", "[2]", "0", "8") "}", 8,
                  "leave a hole or overlap");
    check_refused(folder, "{" T("a", "[1]", "4", "8") "}", 8, "leave a hole or overlap at byte 0");
    check_refused(folder, "{" T("a", "[1]", "0", "4") "}", 8,
                  "found 8 bytes of tensors, expected 4");
    check_refused(folder, "{}", 4, "found 4 bytes of tensors, expected 0");
    check_refused(folder, "{" T("a", "[1]", "0", "4") "," T("a", "[1]", "4", "8") "}", 8, "a");
}

static void descriptions_that_are_none_are_refused(void **state)
{
    const char *folder = *state;
    check_refused(folder, "[]", 0, "no JSON object");
    check_refused(folder, "", 0, "f.safetensors");
    check_refused(folder, "{\"a\":", 0, "f.safetensors");
    check_refused(folder, "{\"a\":1}", 0, "its description is no object");
    check_refused(folder, "{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", 0,
                  "data_offsets is missing");
    check_refused(folder, "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0]}}", 0,
                  "data_offsets is missing");
    check_refused(folder, "{\"a\":{\"dtype\":7,\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
                  "dtype, shape or");
    check_refused(folder, "{\"a\":{\"dtype\":\"F33\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
                  "its dtype is not known");
}

static void scalars_and_tensors_of_no_elements_are_taken(void **state)
{
    struct err err;
    struct safetensors file;
    const char *json = "{\"__metadata__\":{\"format\":\"pt\"},\"e\":{\"dtype\":\"F32\",\"shape\":["
                       "0,5],\"data_offsets\":[4,4]},"
                       "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
    char *path = write_raw(*state, strlen(json), json, vector_data, 4);
    if (safetensors_open(&file, path, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.n, 2);
    assert_int_equal(safetensors_find(&file, "s")->count, 1);
    assert_int_equal(safetensors_find(&file, "e")->count, 0);
    safetensors_close(&file);
    free(path);
}

static void half_precision_is_widened_and_other_types_are_no_floats(void **state)
{
    struct err err;
    struct safetensors file;
    const char *json = "{\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]},"
                       "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[2,6]},"
                       "\"i\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[6,8]}}";
    const uint16_t data[] = {0x3fc0, 0xc000, 0x3c01, 1};
    char *path = write_raw(*state, strlen(json), json, data, sizeof data);
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    float x[2];
    assert_true(safetensors_floats(safetensors_find(&file, "b"), 0, 1, x) && x[0] == 1.5f);
    assert_true(safetensors_floats(safetensors_find(&file, "h"), 0, 2, x) && x[0] == -2 &&
                x[1] == 1 + 0x1p-10f);
    assert_false(safetensors_floats(safetensors_find(&file, "i"), 0, 1, x));
    safetensors_close(&file);
    free(path);
}

/* A file with a damaged byte is refused, or all its tensors lie inside of it. */
static void damaged_bytes_never_lead_outside_the_file(void **state)
{
    struct err err;
    char *path = write_sample(*state, NULL, NULL), *damaged = file_join(*state, "damaged");
    size_t size = 0;
    char *bytes = must_read(path, &size);
    int taken = 0, refused = 0;
    for (uint64_t round = 0; round < 4000; round++) {
        char *copy = mem_new(size, 1);
        memcpy(copy, bytes, size);
        for (uint64_t i = 0; i <= round % 3; i++)
            copy[random_u64(1, 8 * round + i) % size] = (char)random_u64(2, 8 * round + i);
        FILE *out = fopen(damaged, "w"); // not durably: four thousand of them
        assert_int_equal(fwrite(copy, 1, size, out), size);
        fclose(out);
        struct safetensors file;
        if (safetensors_open(&file, damaged, &err) < 0) {
            refused++;
        } else {
            taken++;
            for (size_t i = 0; i < file.n; i++) {
                float *out_floats = mem_floats(file.entries[i].count);
                safetensors_floats(&file.entries[i], 0, file.entries[i].count, out_floats);
                free(out_floats);
            }
            safetensors_close(&file);
        }
        free(copy);
    }
    assert_true(taken > 0 && refused > 1000);
    free(bytes);
    free(damaged);
    free(path);
}

static void a_folder_that_is_not_there_is_named_and_nothing_is_left(void **state)
{
    struct err err;
    const float one = 1;
    struct safetensors_part part = {.name = "a", .n_dims = 1, .shape = {1}, .numbers = &one};
    char *path = file_join(*state, "none/f.safetensors");
    uint64_t bytes = 77;
    assert_int_equal(safetensors_write(path, &part, 1, NULL, &bytes, ERR_TRAIN, &err), -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(err.text, path);
    assert_int_equal(bytes, 77);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(what_was_written_is_read_back_with_the_same_bits),
        test_in_folder(the_known_file_is_read),
        test_in_folder(a_file_that_was_cut_anywhere_is_refused),
        test_in_folder(a_header_longer_than_the_file_or_than_any_is_refused),
        test_in_folder(tensors_that_lie_wrong_are_refused),
        test_in_folder(descriptions_that_are_none_are_refused),
        test_in_folder(scalars_and_tensors_of_no_elements_are_taken),
        test_in_folder(half_precision_is_widened_and_other_types_are_no_floats),
        test_in_folder(damaged_bytes_never_lead_outside_the_file),
        test_in_folder(a_folder_that_is_not_there_is_named_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
