#include "proto/file/hugging_face_value.h"

#include "proto/schema/node.h"

#include <string.h>

void hugging_face_value_tidy(struct node *root)
{
    if (root->kind == NODE_LITERAL) {
        size_t digits = strspn(root->text, "0123456789");
        const char *rest = root->text + digits;
        if (digits && *rest == '.' && rest[1 + strspn(rest + 1, "0")] == 0)
            root->text[digits] = 0;
    }
    char *texts[] = {root->key, root->text};
    for (int i = 0; i < 2; i++)
        for (char *c = texts[i]; c && *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
    for (size_t i = 0; i < root->n; i++)
        hugging_face_value_tidy(&root->children[i]);
}

const struct node *hugging_face_value_node(const struct node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (!strcmp(map->children[i].key, key))
            return &map->children[i];
    return NULL;
}

const char *hugging_face_value(const struct node *map, const char *key)
{
    const struct node *node = hugging_face_value_node(map, key);
    return !node || node->kind == NODE_NULL ? "null" : node->text ? node->text : "{...}";
}

bool hugging_face_value_one_of(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; length && (at = strstr(at, word)); at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}
