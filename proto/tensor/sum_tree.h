/* The sum tree: the one order in which the gradients of a step's microbatches are added.
 *
 * A step has n leaves, one per microbatch. A node covers `count` leaves, beginning at `first`. A
 * node of more than one leaf is the sum of its left child (the largest power of two of leaves below
 * count) and its right child (the rest). The rank that has both children adds them, so the sum has
 * the same bits wherever its parts were computed. Pure functions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    uint32_t first, count;
};

enum { SUM_TREE_COVER_MAX = 64, SUM_TREE_DEPTH_MAX = 33 };

/* Leaves in the left child of a node of count > 1 leaves. */
uint32_t sum_tree_left(uint32_t count);

/* Levels below a node; 0 for a leaf. A depth-first sum over the node holds depth + 1 partial sums
 * at once. */
uint32_t sum_tree_depth(uint32_t count);

/* Writes the fewest whole nodes of the tree over n leaves that cover [first, first + count), left
 * to right. Returns their number. */
size_t sum_tree_cover(struct tree_node nodes[SUM_TREE_COVER_MAX], uint32_t n, uint32_t first,
                      uint32_t count);

/* Whether node is in the tree over n leaves. If it is, and is not the root, writes its sibling and
 * its parent. */
bool sum_tree_family(struct tree_node *sibling, struct tree_node *parent, uint32_t n,
                     struct tree_node node);
