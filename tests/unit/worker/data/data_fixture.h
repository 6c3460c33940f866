/* Token files for the tests of worker/data: token number i of a file has the value base + i, so a
 * window shows where it comes from. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "config.pb-c.h"

static inline void must_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    struct err err;
    char *path = file_join(folder, name);
    if (file_make_dirs(folder, ERR_USAGE, &err) < 0 ||
        file_write_atomic(path, bytes, size, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    free(path);
}

/* llm.c's format with 32-bit tokens. */
static inline void write_tokens(const char *folder, const char *name, uint32_t base, uint32_t n)
{
    uint32_t *words = mem_new(256 + n, sizeof *words);
    words[0] = 20240801;
    words[1] = 7;
    words[2] = n;
    for (uint32_t i = 0; i < n; i++)
        words[256 + i] = base + i;
    must_write(folder, name, words, (256 + n) * sizeof *words);
    free(words);
}

/* llm.c's format with 16-bit tokens. */
static inline void write_tokens_16(const char *folder, const char *name, uint32_t base, uint32_t n)
{
    uint16_t *halves = mem_new(512 + n, sizeof *halves);
    const int32_t head[3] = {20240520, 1, (int32_t)n};
    memcpy(halves, head, sizeof head);
    for (uint32_t i = 0; i < n; i++)
        halves[512 + i] = (uint16_t)(base + i);
    must_write(folder, name, halves, (512 + n) * sizeof *halves);
    free(halves);
}

static inline Trireme__Source source_config(const char *name, const char *path, double weight)
{
    Trireme__Source source = TRIREME__SOURCE__INIT;
    source.name = (char *)name;
    source.path = (char *)path;
    source.weight = weight;
    return source;
}

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
