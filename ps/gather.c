#include "ps/gather.h"

#include "base/check.h"
#include "base/mem.h"
#include "math/reduce.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"

#include <stdlib.h>
#include <string.h>

/* A node's sum that waits for its sibling. */
struct part {
    struct part *next;
    struct tree_node node;
    float *numbers; /* owned */
};

struct gather {
    const struct layout *layout; /* borrowed */
    struct shard shard;
    uint32_t n_leaves;
    size_t n_complete, buffer_count;
    struct part **parts; /* a list for each block of the shard */
    struct part *spare;  /* parts to reuse, each with a buffer for the largest block */
    double *squares;
};

struct gather *gather_new(const struct layout *layout, const struct shard *shard)
{
    struct gather *g = mem_new(1, sizeof *g);
    g->layout = layout;
    g->shard = *shard;
    g->parts = mem_new(shard->n_blocks, sizeof *g->parts);
    g->squares = mem_new(shard->n_blocks, sizeof *g->squares);
    for (size_t b = 0; b < shard->n_blocks; b++) {
        size_t count = layout->blocks[shard->first_block + b].count;
        g->buffer_count = count > g->buffer_count ? count : g->buffer_count;
    }
    return g;
}

static struct part *part_take(struct gather *g)
{
    struct part *part = g->spare;
    if (part) {
        g->spare = part->next;
        return part;
    }
    part = mem_new(1, sizeof *part);
    part->numbers = mem_floats(g->buffer_count);
    return part;
}

static void part_give(struct gather *g, struct part *part)
{
    part->next = g->spare;
    g->spare = part;
}

static void parts_free(struct part *part)
{
    while (part) {
        struct part *next = part->next;
        free(part->numbers);
        free(part);
        part = next;
    }
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    for (size_t b = 0; b < g->shard.n_blocks; b++)
        parts_free(g->parts[b]);
    parts_free(g->spare);
    free(g->parts);
    free(g->squares);
    free(g);
}

void gather_begin(struct gather *g, uint32_t n_leaves)
{
    for (size_t b = 0; b < g->shard.n_blocks; b++)
        while (g->parts[b]) {
            struct part *part = g->parts[b];
            g->parts[b] = part->next;
            part_give(g, part);
        }
    g->n_leaves = n_leaves;
    g->n_complete = 0;
}

static int check(const struct gather *g, size_t block, struct tree_node node, size_t count,
                 struct err *err)
{
    struct tree_node sibling, parent;
    if (block < g->shard.first_block || block >= g->shard.first_block + g->shard.n_blocks)
        return err_set(err, ERR_MACHINE, "a push of block %zu, expected blocks %zu to %zu", block,
                       g->shard.first_block, g->shard.first_block + g->shard.n_blocks - 1);
    if (count != g->layout->blocks[block].count)
        return err_set(err, ERR_MACHINE, "a push of block %zu with %zu numbers, expected %zu",
                       block, count, g->layout->blocks[block].count);
    if (!sum_tree_family(&sibling, &parent, g->n_leaves, node))
        return err_set(err, ERR_MACHINE,
                       "a push of leaves %u to %u, which are no node of a tree of %u", node.first,
                       node.first + node.count - 1, g->n_leaves);
    for (const struct part *p = g->parts[block - g->shard.first_block]; p; p = p->next)
        if (node.first < p->node.first + p->node.count && p->node.first < node.first + node.count)
            return err_set(err, ERR_MACHINE,
                           "a push of block %zu, leaves %u to %u, which were pushed before", block,
                           node.first, node.first + node.count - 1);
    return 0;
}

/* Takes the part of that node out of a block's list. NULL if it is not in the list. */
static struct part *part_find(struct part **list, struct tree_node node)
{
    for (struct part **at = list; *at; at = &(*at)->next)
        if ((*at)->node.first == node.first && (*at)->node.count == node.count) {
            struct part *part = *at;
            *at = part->next;
            return part;
        }
    return NULL;
}

int gather_push(struct gather *g, size_t block, struct tree_node node, const float *numbers,
                size_t count, struct err *err)
{
    if (check(g, block, node, count, err) < 0)
        return -1;
    struct part **list = &g->parts[block - g->shard.first_block];
    struct part *part = NULL; // after the first sibling, its buffer holds the sum so far
    struct tree_node sibling, parent;
    while (node.count < g->n_leaves) {
        sum_tree_family(&sibling, &parent, g->n_leaves, node);
        struct part *other = part_find(list, sibling);
        if (!other)
            break;
        reduce_add(other->numbers, part ? part->numbers : numbers, count);
        if (part)
            part_give(g, part);
        part = other;
        node = parent;
    }
    if (!part) {
        part = part_take(g);
        memcpy(part->numbers, numbers, count * sizeof *numbers);
    }
    part->node = node;
    part->next = *list;
    *list = part;
    if (node.count == g->n_leaves) {
        g->squares[block - g->shard.first_block] = reduce_squares(part->numbers, count);
        g->n_complete++;
    }
    return 0;
}

bool gather_complete(const struct gather *g)
{
    return g->n_complete == g->shard.n_blocks;
}

const float *gather_sum(const struct gather *g, size_t block)
{
    const struct part *part = g->parts[block - g->shard.first_block];
    ASSERT(part && part->node.count == g->n_leaves);
    return part->numbers;
}

const double *gather_squares(const struct gather *g)
{
    return g->squares;
}
