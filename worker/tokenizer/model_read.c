#include "worker/tokenizer/model_read.h"

#include "base/text.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "worker/tokenizer/byte_letters.h"
#include "worker/tokenizer/vocabulary.h"

#include <string.h>

int model_read_id(uint32_t *id, const struct node *node, const char *where, struct err *err)
{
    bool negative;
    uint64_t size;
    if (node->kind != NODE_LITERAL || !number_read_whole(&negative, &size, node->text) ||
        negative || size > VOCABULARY_ID_MAX)
        return err_set(err, ERR_DATA, "%s: id of \"%.100s\": found %.100s, expected 0 to %d", where,
                       node->key ? node->key : "", node->text ? node->text : "no number",
                       VOCABULARY_ID_MAX);
    *id = (uint32_t)size;
    return 0;
}

int model_read_vocab(struct vocabulary *vocabulary, const struct node *map, const char *where,
                     struct err *err)
{
    if (map->kind != NODE_MAP || map->n == 0)
        return err_set(err, ERR_DATA, "%s: found no tokens, expected a map of tokens to ids",
                       where);
    struct text bytes = {0};
    int result = 0;
    for (size_t i = 0; i < map->n && result == 0; i++) {
        const struct node *node = &map->children[i];
        uint32_t id = 0;
        result = model_read_id(&id, node, where, err);
        if (result != 0)
            break;
        bytes.size = 0;
        size_t size = strlen(node->key);
        if (size > 0 && byte_letters_read(&bytes, node->key, size))
            result = vocabulary_add(vocabulary, id, bytes.bytes, bytes.size, true, where, err);
        else
            result = vocabulary_add(vocabulary, id, node->key, size, false, where, err);
    }
    text_clear(&bytes);
    return result;
}

static int add_merge(struct vocabulary *vocabulary, const char *left, size_t left_size,
                     const char *right, size_t right_size, const char *where, struct err *err)
{
    struct text a = {0}, b = {0};
    int result;
    if (left_size == 0 || right_size == 0 || !byte_letters_read(&a, left, left_size) ||
        !byte_letters_read(&b, right, right_size))
        result = err_set(err, ERR_DATA,
                         "%s: merge %zu: found \"%.*s\" and \"%.*s\", expected two tokens in the "
                         "letters of byte-level BPE",
                         where, vocabulary->n_merges + 1, (int)(left_size < 60 ? left_size : 60),
                         left, (int)(right_size < 60 ? right_size : 60), right);
    else
        result = vocabulary_add_merge(vocabulary, a.bytes, a.size, b.bytes, b.size, where, err);
    text_clear(&a);
    text_clear(&b);
    return result;
}

int model_read_merge(struct vocabulary *vocabulary, const char *merge, size_t size,
                     const char *where, struct err *err)
{
    const char *space = memchr(merge, ' ', size);
    size_t left_size = space ? (size_t)(space - merge) : size;
    size_t right_size = space ? size - left_size - 1 : 0;
    if (space && memchr(space + 1, ' ', right_size))
        return err_set(err, ERR_DATA,
                       "%s: merge %zu: found \"%.*s\", expected two tokens with a space between "
                       "them",
                       where, vocabulary->n_merges + 1, (int)(size < 60 ? size : 60), merge);
    return add_merge(vocabulary, merge, left_size, space ? space + 1 : merge, right_size, where,
                     err);
}

int model_read_merges(struct vocabulary *vocabulary, const struct node *list, const char *where,
                      struct err *err)
{
    if (list->kind != NODE_LIST)
        return err_set(err, ERR_DATA, "%s: model.merges: expected a list", where);
    for (size_t i = 0; i < list->n; i++) {
        const struct node *node = &list->children[i];
        int result;
        if (node->kind == NODE_STRING)
            result = model_read_merge(vocabulary, node->text, strlen(node->text), where, err);
        else if (node->kind == NODE_LIST && node->n == 2 && node->children[0].kind == NODE_STRING &&
                 node->children[1].kind == NODE_STRING) {
            const char *left = node->children[0].text, *right = node->children[1].text;
            result = add_merge(vocabulary, left, strlen(left), right, strlen(right), where, err);
        } else
            result =
                err_set(err, ERR_DATA, "%s: merge %zu: expected \"a b\" or a list of two tokens",
                        where, i + 1);
        if (result != 0)
            return -1;
    }
    return 0;
}
