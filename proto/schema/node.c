#include "proto/schema/node.h"

#include "base/mem.h"

#include <stdlib.h>

static void clear(struct node *node)
{
    for (size_t i = 0; i < node->n; i++)
        clear(&node->children[i]);
    free(node->children);
    free(node->key);
    free(node->text);
}

void node_free(struct node *node)
{
    if (!node)
        return;
    clear(node);
    free(node);
}

struct node *node_add(struct node *node)
{
    node->children = mem_grow(node->children, node->n, &node->room, sizeof *node->children);
    struct node *child = &node->children[node->n++];
    *child = (struct node){.kind = NODE_NULL};
    return child;
}
