#include "proto/tensor/sum_tree.h"

#include "base/check.h"

uint32_t sum_tree_left(uint32_t count)
{
    uint32_t left = 1;
    while (left < count - left)
        left *= 2;
    return left;
}

uint32_t sum_tree_depth(uint32_t count)
{
    uint32_t depth = 0;
    while (count > 1) {
        count = sum_tree_left(count); // the left child is never the shallower one
        depth++;
    }
    return depth;
}

static size_t cover(struct tree_node *nodes, size_t n_nodes, struct tree_node at, uint32_t first,
                    uint32_t end)
{
    if (first >= at.first + at.count || end <= at.first)
        return n_nodes;
    if (first <= at.first && end >= at.first + at.count) {
        ASSERT(n_nodes < SUM_TREE_COVER_MAX);
        nodes[n_nodes] = at;
        return n_nodes + 1;
    }
    uint32_t left = sum_tree_left(at.count);
    n_nodes = cover(nodes, n_nodes, (struct tree_node){at.first, left}, first, end);
    return cover(nodes, n_nodes, (struct tree_node){at.first + left, at.count - left}, first, end);
}

size_t sum_tree_cover(struct tree_node nodes[SUM_TREE_COVER_MAX], uint32_t n, uint32_t first,
                      uint32_t count)
{
    ASSERT(first <= n && count <= n - first);
    return count ? cover(nodes, 0, (struct tree_node){0, n}, first, first + count) : 0;
}

bool sum_tree_family(struct tree_node *sibling, struct tree_node *parent, uint32_t n,
                     struct tree_node node)
{
    if (node.count == 0 || node.first >= n || node.count > n - node.first)
        return false;
    struct tree_node at = {0, n};
    while (at.first != node.first || at.count != node.count) {
        if (at.count == 1)
            return false;
        uint32_t count = sum_tree_left(at.count);
        struct tree_node left = {at.first, count}, right = {at.first + count, at.count - count};
        *parent = at;
        bool goes_left = node.first < right.first;
        *sibling = goes_left ? right : left;
        at = goes_left ? left : right;
    }
    return true;
}
