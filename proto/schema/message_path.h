/* The scalars of a message by their paths, as --set writes them: "data.sources.0.weight", each with
 * its value as text (value_write). Pure. */
#pragma once
#include "proto/schema/walk.h"

#include <stdbool.h>

struct message_path {
    const char *path;            /* borrowed, for the call */
    const struct field_doc *doc; /* of its field */
    enum scalar_kind kind;
    const char *text; /* the value as in --set; borrowed, for the call */
};
typedef void (*message_path_fn)(void *context, const struct message_path *leaf);

/* Calls visit for every scalar that has a value, in the order of declaration. */
void message_path_visit(const void *message, message_path_fn visit, void *context);

/* Returns the value at a path as text, which the caller frees. NULL if the message has none
 * there. */
char *message_path_value(const void *message, const char *path);

/* Whether a path matches a pattern in which * stands for any one part: "data.sources.*.weight",
 * "optimizer.*". */
bool message_path_match(const char *pattern, const char *path);
