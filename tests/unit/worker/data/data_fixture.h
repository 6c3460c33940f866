/* Token files, sources and shares for the tests of worker/data. The token with number i of a file
 * has the value base + i, so a window shows where it comes from. */
#pragma once
#include "tests/unit/support.h"

#include "base/mem.h"

#include "config.pb-c.h"

#include <math.h>

/* Writes a file of llm.c's format with 32-bit tokens. */
static inline void write_tokens(const char *folder, const char *name, uint32_t base, uint32_t n)
{
    uint32_t *words = mem_new(256 + n, sizeof *words);
    words[0] = 20240801;
    words[1] = 7;
    words[2] = n;
    for (uint32_t i = 0; i < n; i++)
        words[256 + i] = base + i;
    must_write_in(folder, name, words, (256 + n) * sizeof *words);
    free(words);
}

/* Writes a file of llm.c's format with these 16-bit tokens. */
static inline void write_token_file(const char *folder, const char *name, const uint16_t *tokens,
                                    uint32_t n)
{
    uint16_t *halves = mem_new(512 + n, sizeof *halves);
    const int32_t head[3] = {20240520, 1, (int32_t)n};
    memcpy(halves, head, sizeof head);
    memcpy(halves + 512, tokens, n * sizeof *tokens);
    must_write_in(folder, name, halves, (512 + n) * sizeof *halves);
    free(halves);
}

/* Writes a file of llm.c's format with 16-bit tokens. */
static inline void write_tokens_16(const char *folder, const char *name, uint32_t base, uint32_t n)
{
    uint16_t *tokens = mem_new(n, sizeof *tokens);
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = (uint16_t)(base + i);
    write_token_file(folder, name, tokens, n);
    free(tokens);
}

/* Borrows name and path. */
static inline Trireme__Source source_config(const char *name, const char *path, double weight)
{
    Trireme__Source source = TRIREME__SOURCE__INIT;
    source.name = (char *)name;
    source.path = (char *)path;
    source.weight = weight;
    return source;
}

/* Checks that the share of `tokens` in `of` is the expected one, give or take `within`. */
static inline void check_share(double tokens, double of, double expected, double within)
{
    if (fabs(tokens / of - expected) > within)
        fail_msg("share is %g, expected %g +- %g", tokens / of, expected, within);
}
