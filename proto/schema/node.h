/* A text as a tree, the same for YAML and JSON: read.c reads it into messages.
 *
 * A plain YAML word may be a number, a bool or text; its field decides which, so it stays a word
 * here. JSON itself marks the difference: its numbers and bools are literals, which are never
 * text. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind {
    NODE_NULL,    /* nothing, "~" or "null" */
    NODE_PLAIN,   /* a word without quotes: of any scalar type */
    NODE_STRING,  /* in quotes, or a block of text: text only */
    NODE_LITERAL, /* JSON's number, true or false: anything but text */
    NODE_LIST,
    NODE_MAP, /* keys in the order of the text; YAML's may be there twice */
};
enum { NODE_DEPTH_MAX = 64 };

struct node {
    enum node_kind kind;
    unsigned line; /* from 1; 0 where it is not known */
    char *key;     /* in a map; else NULL */
    char *text;    /* of PLAIN, STRING, LITERAL; else NULL */
    struct node *children;
    size_t n, room;
};

/* Read a whole text into a new tree, freed by node_free. NULL with a sentence that names where and
 * line. Refused: anchors, aliases, tags, several documents, more than NODE_DEPTH_MAX levels, a NUL
 * inside of a text, text that is not UTF-8; JSON's duplicate keys. A YAML text without a document
 * is NODE_NULL. with_lines false: no line numbers in sentences and nodes. */
struct node *yaml_node_read(const char *text, size_t size, const char *where, bool with_lines,
                            enum err_code code, struct err *err);
struct node *json_node_read(const char *text, size_t size, const char *where, enum err_code code,
                            struct err *err);

/* The same for files of other programs: where a whole number is too large for 64 bits, as in
 * model_max_length of tokenizer_config.json, all numbers of the text are read as reals. */
struct node *json_node_read_foreign(const char *text, size_t size, const char *where,
                                    enum err_code code, struct err *err);
void node_free(struct node *node); /* accepts NULL */

/* Adds an empty child at the end, owned by the node. The pointer is valid until the next one is
 * added. */
struct node *node_add(struct node *node);

/* The first child of a map with that key, or NULL; of what is no map, or NULL, too. */
struct node *node_get(const struct node *node, const char *key);

/* Removes all children with that key. Whether there was one; node as in node_get. */
bool node_remove(struct node *node, const char *key);
