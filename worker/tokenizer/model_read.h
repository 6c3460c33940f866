/* Reads the parts of a BPE model that all files write alike: a map of tokens to ids, and merges.
 * Errors (ERR_DATA) begin with where. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct node;
struct vocabulary;

/* The whole number of a JSON value as an id. */
int model_read_id(uint32_t *id, const struct node *node, const char *where, struct err *err);

/* {"token": id, ...}, tokens in letters of bytes. One with other characters is kept as it is
 * written, and never comes out of merges. */
int model_read_vocab(struct vocabulary *vocabulary, const struct node *map, const char *where,
                     struct err *err);

/* "a b" in size bytes. */
int model_read_merge(struct vocabulary *vocabulary, const char *merge, size_t size,
                     const char *where, struct err *err);

/* ["a b", ...] or [["a", "b"], ...] */
int model_read_merges(struct vocabulary *vocabulary, const struct node *list, const char *where,
                      struct err *err);
