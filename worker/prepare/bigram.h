/* The loss that a table of token pairs, fitted to a text, reaches on that same text: the entropy of
 * a token given the one before it, in nats, from the text's own counts. A model below it has learnt
 * more than pairs. Byte tokens only. */
#pragma once
#include "files.pb-c.h"
#include "worker/data/token_file.h"

#include <stddef.h>

/* Returns that entropy over the pairs inside the ranges. A range counts through all files and must
 * lie in one of them; its tokens must be below 256. Rounded to 1e-6, so that it does not depend on
 * the last bit of a mathematics library. Negative if there is no pair. */
double bigram_nats(const struct token_file *files, size_t n_files, Trireme__Range *const *ranges,
                   size_t n_ranges);
