#include "proto/schema/node.h"

#include "base/mem.h"
#include "proto/schema/number.h"
#include "proto/schema/value.h"

#include <jansson.h>
#include <string.h>

struct source {
    const char *where;
    enum err_code code;
    struct err *err;
};

/* jansson reads whole numbers below 2^63 only; from there on json_write puts them into quotes. */
static bool is_large_whole(const char *text)
{
    bool negative;
    uint64_t size;
    return number_read_whole(&negative, &size, text) && *text != '+' && !negative &&
           size > INT64_MAX;
}

static int read_value(struct source *source, struct node *node, const json_t *value, unsigned depth)
{
    if (depth > NODE_DEPTH_MAX)
        return err_set(source->err, source->code, "%s: found more than %d levels of lists and maps",
                       source->where, NODE_DEPTH_MAX);
    char real[NUMBER_SIZE];
    switch (json_typeof(value)) {
    case JSON_NULL:
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        node->kind = NODE_LITERAL;
        node->text = mem_strdup(json_is_true(value) ? "true" : "false");
        return 0;
    case JSON_INTEGER:
        node->kind = NODE_LITERAL;
        node->text = mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return 0;
    case JSON_REAL:
        node->kind = NODE_LITERAL;
        number_write_real(real, json_real_value(value));
        node->text = mem_strdup(real);
        return 0;
    case JSON_STRING:
        node->text = mem_strdup(json_string_value(value));
        node->kind = is_large_whole(node->text) ? NODE_PLAIN : NODE_STRING;
        return 0;
    case JSON_ARRAY:
        node->kind = NODE_LIST;
        for (size_t i = 0; i < json_array_size(value); i++)
            if (read_value(source, node_add(node), json_array_get(value, i), depth + 1) != 0)
                return -1;
        return 0;
    case JSON_OBJECT: {
        node->kind = NODE_MAP;
        for (void *at = json_object_iter((json_t *)value); at;
             at = json_object_iter_next((json_t *)value, at)) {
            struct node *child = node_add(node);
            child->key = mem_strdup(json_object_iter_key(at));
            if (read_value(source, child, json_object_iter_value(at), depth + 1) != 0)
                return -1;
        }
        return 0;
    }
    }
    return 0;
}

/* jansson passes over a NUL behind a number. */
static int check_no_nul(const struct source *source, const char *text, size_t size)
{
    const char *nul = memchr(text, 0, size);
    int line = 1;
    for (const char *c = text; nul && c < nul; c++)
        line += *c == '\n';
    return nul ? err_set(source->err, source->code, "%s:%d: not JSON: found a NUL", source->where,
                         line)
               : 0;
}

static struct node *read_text(const char *text, size_t size, bool is_foreign, const char *where,
                              enum err_code code, struct err *err)
{
    json_error_t mistake;
    struct source source = {where, code, err};
    size_t flags = JSON_REJECT_DUPLICATES;
    text = text ? text : "";
    if (check_no_nul(&source, text, size) < 0)
        return NULL;
    json_t *value = json_loadb(text, size, flags, &mistake);
    if (!value && is_foreign && json_error_code(&mistake) == json_error_numeric_overflow)
        value = json_loadb(text, size, flags | JSON_DECODE_INT_AS_REAL, &mistake);
    if (!value) {
        struct text clean = {0}; // jansson's message quotes the input
        value_write_clean(&clean, mistake.text);
        err_set(err, code, "%s:%d: not JSON: %s", where, mistake.line,
                clean.bytes ? clean.bytes : "");
        text_clear(&clean);
        return NULL;
    }
    struct node *root = mem_new(1, sizeof *root);
    if (read_value(&source, root, value, 1) != 0) {
        node_free(root);
        root = NULL;
    }
    json_decref(value);
    return root;
}

struct node *json_node_read(const char *text, size_t size, const char *where, enum err_code code,
                            struct err *err)
{
    return read_text(text, size, false, where, code, err);
}

struct node *json_node_read_foreign(const char *text, size_t size, const char *where,
                                    enum err_code code, struct err *err)
{
    return read_text(text, size, true, where, code, err);
}
