/* The gradient of a lease: leaves are computed one by one and summed along the tree, one subtree at
 * a time.
 *
 * Partial sums are arrays of the model's size, one more than the depth of the tree. Each is
 * allocated when a lease first needs it, and kept. */
#pragma once
#include "base/err.h"
#include "proto/tensor/sum_tree.h"

#include <stddef.h>
#include <stdint.h>

struct dataset;
struct model;
struct order;

struct subtree_job {
    struct model *model; /* borrowed, all of them */
    const struct dataset *dataset;
    struct order *order; /* of the trial */
    const float *weights;
    uint64_t first_sample; /* of the step */
    uint32_t microbatch;   /* samples of a leaf */
    size_t context;        /* tokens of a sample */
    float scale;           /* of the gradient: 1 / tokens of the step */
    double *losses; /* sum over the tokens of each leaf of the step, written at the leaf's index */
};

struct subtree;

struct subtree *subtree_new(size_t n_params);
void subtree_free(struct subtree *subtree);

/* Makes room for steps of n_leaves leaves of microbatch samples of context tokens; does nothing
 * where there is enough. */
void subtree_reserve(struct subtree *subtree, uint32_t n_leaves, uint32_t microbatch,
                     size_t context);

/* Returns the sum of the gradients over a node's leaves, in tree order; borrowed until the next
 * call. NULL if the model's tick abandoned the pass (err->code is ERR_NONE) or a sample could not
 * be read (err has the sentence). */
const float *subtree_gradient(struct subtree *subtree, const struct subtree_job *job,
                              struct tree_node node, struct err *err);
