#include "worker/subtree.h"

#include "base/check.h"
#include "base/mem.h"
#include "math/reduce.h"
#include "worker/data/dataset.h"
#include "worker/model/model.h"

#include <stdlib.h>

struct subtree {
    size_t n_params;
    uint32_t n_levels;
    float **levels; /* n_levels arrays of n_params; level 0 holds the sum so far, level i the sum of
                       a right child */
    int32_t *tokens; /* of a leaf: (microbatch, context + 1) */
    size_t n_tokens; /* room */
};

struct subtree *subtree_new(size_t n_params)
{
    struct subtree *s = mem_new(1, sizeof *s);
    *s = (struct subtree){.n_params = n_params};
    return s;
}

void subtree_reserve(struct subtree *s, uint32_t n_leaves, uint32_t microbatch, size_t context)
{
    const size_t n_tokens = microbatch * (context + 1);
    const uint32_t n_levels = sum_tree_depth(n_leaves) + 1;
    if (n_levels > s->n_levels) {
        s->levels = mem_resize(s->levels, n_levels, sizeof *s->levels);
        while (s->n_levels < n_levels)
            // arrays are allocated at their first use: short leases need few
            s->levels[s->n_levels++] = NULL;
    }
    if (n_tokens > s->n_tokens) {
        s->tokens = mem_resize(s->tokens, n_tokens, sizeof *s->tokens);
        s->n_tokens = n_tokens;
    }
}

void subtree_free(struct subtree *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_levels; i++)
        free(s->levels[i]);
    free(s->levels);
    free(s->tokens);
    free(s);
}

static int leaf(struct subtree *s, const struct subtree_job *job, uint32_t index, float *gradient,
                struct err *err)
{
    for (uint32_t i = 0; i < job->microbatch; i++) {
        uint64_t sample = job->first_sample + (uint64_t)index * job->microbatch + i;
        if (dataset_sample(job->dataset, job->order, s->tokens + i * (job->context + 1), sample,
                           err) < 0)
            return -1;
    }
    err->code = ERR_NONE;
    return model_gradient(job->model, gradient, &job->losses[index], job->weights, s->tokens,
                          job->microbatch, job->context, job->scale)
               ? 0
               : -1;
}

static int sum_node(struct subtree *s, const struct subtree_job *job, struct tree_node node,
                    uint32_t level, struct err *err)
{
    ASSERT(level < s->n_levels && job->microbatch * (job->context + 1) <= s->n_tokens);
    if (!s->levels[level])
        s->levels[level] = mem_floats(s->n_params);
    if (node.count == 1)
        return leaf(s, job, node.first, s->levels[level], err);
    uint32_t left = sum_tree_left(node.count);
    if (sum_node(s, job, (struct tree_node){node.first, left}, level, err) < 0 ||
        sum_node(s, job, (struct tree_node){node.first + left, node.count - left}, level + 1, err) <
            0)
        return -1;
    reduce_add(s->levels[level], s->levels[level + 1], s->n_params);
    return 0;
}

const float *subtree_gradient(struct subtree *s, const struct subtree_job *job,
                              struct tree_node node, struct err *err)
{
    return sum_node(s, job, node, 0, err) < 0 ? NULL : s->levels[0];
}
