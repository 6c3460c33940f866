/* Reading of a tree of nodes into a message: shared by read.c and message_set.c. Private to
 * proto/schema. */
#pragma once
#include "proto/schema/place.h"

#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct node;

struct reader {
    const char *where;
    enum err_code code;
    struct err *err;
};

/* Both change the message step by step, so callers read into a copy and use read_swap at the
 * end. */
int read_field(const struct reader *reader, const struct place *place, void *message,
               const ProtobufCFieldDescriptor *field, const struct node *node);
int read_element(const struct reader *reader, const struct place *place, void *message,
                 const ProtobufCFieldDescriptor *field, size_t i, const struct node *node);

/* Swaps the contents of two messages of one type. */
void read_swap(void *a, void *b);

/* "one of name, lr, beta1 (did you mean lr?)" */
void read_names(struct text *names, const ProtobufCMessageDescriptor *type, const char *word);
