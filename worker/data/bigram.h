/* What a table of token pairs, fitted to a text itself, would reach on it: the entropy of a token
 * given the one before it, in nats, of the text's own counts. A model that has learnt more than
 * pairs is below it. Byte tokens only. */
#pragma once
#include "files.pb-c.h"
#include "worker/data/token_file.h"

#include <stddef.h>

/* Over the pairs inside the ranges, which lie in the file and whose tokens are below 256; rounded
 * to 1e-6, so that a mathematics library's last bit does not show. Negative where there is no pair.
 */
double bigram_nats(const struct token_file *file, Trireme__Range *const *ranges, size_t n_ranges);
