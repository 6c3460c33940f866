/* The sum of one step's gradients over a server's blocks, completed along the sum tree
 * (proto/tensor/sum_tree.h) in whatever order the parts arrive: so its bits do not depend on who
 * sent which part, or when.
 *
 * A block's sum of squares is taken as soon as its root is there. Buffers are made once and used
 * again. No I/O. */
#pragma once
#include "base/err.h"
#include "proto/tensor/sum_tree.h"

#include <stdbool.h>
#include <stddef.h>

struct layout;
struct shard;

/* Borrowed: the layout. */
struct gather *gather_new(const struct layout *layout, const struct shard *shard);
void gather_free(struct gather *gather);

/* Forgets the last step and awaits parts of a tree of n_leaves. */
void gather_begin(struct gather *gather, uint32_t n_leaves);

/* Adds the sum over a node's leaves of one block's gradient. Refuses, and leaves the sums as they
 * were: a block of another server, a wrong count, a node that is none, a leaf that is there
 * already. */
int gather_push(struct gather *gather, size_t block, struct tree_node node, const float *numbers,
                size_t count, struct err *err);

/* Whether every block has its root. */
bool gather_complete(const struct gather *gather);

/* The root of a block of the shard, and its squares for each block in order; only when complete.
 * Borrowed until begin. */
const float *gather_sum(const struct gather *gather, size_t block);
const double *gather_squares(const struct gather *gather);
