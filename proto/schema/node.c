#include "proto/schema/node.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

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

struct node *node_get(const struct node *node, const char *key)
{
    for (size_t i = 0; node && node->kind == NODE_MAP && i < node->n; i++)
        if (strcmp(node->children[i].key, key) == 0)
            return &node->children[i];
    return NULL;
}

bool node_remove(struct node *node, const char *key)
{
    if (!node_get(node, key))
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < node->n; i++)
        if (strcmp(node->children[i].key, key) == 0)
            clear(&node->children[i]);
        else
            node->children[kept++] = node->children[i];
    node->n = kept;
    return true;
}
