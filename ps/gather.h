/* The sum of one step's gradients over a server's blocks, completed along the sum tree
 * (proto/tensor/sum_tree.h). The parts may arrive in any order: the bits do not depend on who sent
 * which part, or when.
 *
 * A block's sum of squares is computed as soon as its root is complete. Buffers are allocated once
 * and reused. No I/O. */
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

/* Discards the last step's sums and expects parts of a tree of n_leaves. */
void gather_begin(struct gather *gather, uint32_t n_leaves);

/* Adds the sum over a node's leaves of one block's gradient. Fails with ERR_MACHINE, with the sums
 * unchanged, for a block of another server, a wrong count, a node that is not in the tree, or a
 * leaf that was pushed before. */
int gather_push(struct gather *gather, size_t block, struct tree_node node, const float *numbers,
                size_t count, struct err *err);

/* Whether the root of every block is complete. */
bool gather_complete(const struct gather *gather);

/* The root of a block of the shard; the sums of squares of all its blocks, in order. Only when
 * complete. Borrowed until gather_begin. */
const float *gather_sum(const struct gather *gather, size_t block);
const double *gather_squares(const struct gather *gather);
