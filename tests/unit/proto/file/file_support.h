/* What the tests of proto/file share: a folder for each test, files written and damaged, a small
 * model's state. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "proto/tensor/shard_map.h"

static inline int folder_setup(void **state)
{
    *state = test_folder_new();
    return 0;
}

static inline int folder_teardown(void **state)
{
    test_folder_free(*state);
    return 0;
}

#define test_in_folder(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

static inline void must_write(const char *path, const void *bytes, size_t size)
{
    struct err err;
    if (file_write_atomic(path, bytes, size, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
}

static inline char *must_read(const char *path, size_t *size)
{
    struct err err;
    char *bytes = file_read(path, size, ERR_USAGE, &err);
    if (!bytes)
        fail_msg("%s", err.text);
    return bytes;
}

static inline void flip_bit(const char *path, size_t byte)
{
    size_t size = 0;
    char *bytes = must_read(path, &size);
    assert_true(byte < size);
    bytes[byte] ^= 4;
    must_write(path, bytes, size);
    free(bytes);
}

static inline void cut_file(const char *path, size_t size)
{
    size_t whole = 0;
    char *bytes = must_read(path, &whole);
    assert_true(size < whole);
    must_write(path, bytes, size);
    free(bytes);
}

static inline void set_small_model(Trireme__Model *model, Trireme__Model__Arch arch)
{
    struct err err;
    model->has_arch = 1, model->arch = arch;
    model->has_layers = 1, model->layers = 2;
    model->has_heads = 1, model->heads = 4;
    model->has_width = 1, model->width = 32;
    model->has_context = 1, model->context = 16;
    model->has_vocab = 1, model->vocab = 61;
    assert_int_equal(model_shape_resolve(model, &err), 0);
}

static inline float *random_floats(uint64_t key, size_t n)
{
    float *floats = mem_floats(n);
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)random_normal(key, i);
    return floats;
}

static inline void check_bits(const float *found, const float *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&found[i], &expected[i], sizeof *found))
            fail_msg("at %zu of %zu: found %.9g, expected %.9g", i, n, (double)found[i],
                     (double)expected[i]);
}
