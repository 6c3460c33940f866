/* What tests of files begin with: damage to a file, and comparison of its numbers. */
#pragma once
#include "tests/unit/support.h"

static inline void flip_bit(const char *path, size_t byte)
{
    size_t size = 0;
    char *bytes = must_read(path, &size);
    assert_true(byte < size);
    bytes[byte] ^= 4;
    must_write(path, bytes, size);
    free(bytes);
}

/* Keeps the first `size` bytes of a longer file. */
static inline void cut_file(const char *path, size_t size)
{
    size_t whole = 0;
    char *bytes = must_read(path, &whole);
    assert_true(size < whole);
    must_write(path, bytes, size);
    free(bytes);
}

/* Fails with both numbers and the index unless all numbers have the same bits. */
static inline void check_bits(const float *found, const float *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&found[i], &expected[i], sizeof *found))
            fail_msg("at %zu of %zu: found %.9g, expected %.9g", i, n, (double)found[i],
                     (double)expected[i]);
}
