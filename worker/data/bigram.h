/* The loss that a table of token pairs, fitted to a text, reaches on that same text: the entropy of
 * a token given the one before it, in nats, from the text's own counts. A model below it has learnt
 * more than pairs. Byte tokens only. */
#pragma once
#include "files.pb-c.h"
#include "worker/data/token_file.h"

#include <stddef.h>

/* Over the pairs inside the ranges, whose tokens are below 256; rounded to 1e-6, so that a
 * mathematics library's last bit does not show. Negative where there is no pair. A range counts
 * through all files, and lies in one of them. */
double bigram_nats(const struct token_file *files, size_t n_files, Trireme__Range *const *ranges,
                   size_t n_ranges);
