#include "worker/prepare/bigram.h"

#include "base/check.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { BYTES = 256, PIECE = 65536 };

/* Adds the pairs of one range to counts (BYTES, BYTES): row the token before, column the token. */
static void count_pairs(uint64_t *counts, int32_t *piece, const struct token_file *file,
                        const Trireme__Range *range)
{
    struct err err;
    uint64_t first = range->first;
    for (; first >= file->n_tokens; file++)
        first -= file->n_tokens;
    for (uint64_t done = 0; done + 1 < range->tokens;) {
        const uint64_t left = range->tokens - done;
        const size_t n = left < PIECE ? left : PIECE;
        int rc = token_file_read(file, piece, first + done, n, BYTES, &err);
        ASSERT(rc == 0);
        for (size_t i = 1; i < n; i++)
            counts[piece[i - 1] * BYTES + piece[i]]++;
        done += n - 1; // the last token of a piece is the first of the next pair
    }
}

double bigram_nats(const struct token_file *files, size_t n_files, Trireme__Range *const *ranges,
                   size_t n_ranges)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < n_files; i++)
        tokens += files[i].n_tokens;
    uint64_t *counts = mem_new(BYTES * BYTES, sizeof *counts);
    int32_t *piece = mem_new(PIECE, sizeof *piece);
    for (size_t i = 0; i < n_ranges; i++) {
        ASSERT(ranges[i]->first < tokens && ranges[i]->tokens <= tokens - ranges[i]->first);
        count_pairs(counts, piece, files, ranges[i]);
    }
    double sum = 0;
    uint64_t pairs = 0;
    for (size_t a = 0; a < BYTES; a++) {
        uint64_t row = 0;
        for (size_t b = 0; b < BYTES; b++)
            row += counts[a * BYTES + b];
        for (size_t b = 0; b < BYTES; b++)
            if (counts[a * BYTES + b])
                sum -= (double)counts[a * BYTES + b] *
                       log((double)counts[a * BYTES + b] / (double)row);
        pairs += row;
    }
    free(piece);
    free(counts);
    return pairs ? round(fabs(sum) / (double)pairs * 1e6) / 1e6 : -1;
}
