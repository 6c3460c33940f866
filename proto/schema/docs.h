/* The table that gen/schema_gen writes at build time (generated/schema_docs.c): what protoc knows
 * of the schema and protobuf-c leaves out. Inside proto/schema only; others ask walk.h. */
#pragma once
#include "proto/schema/walk.h"

struct message_doc {
    const char *name; /* "trireme.Optimizer" */
    const char *comment;
    size_t n;
    const struct field_doc *fields; /* in the order of their declaration */
};
/* Positions of the two fields of a map's entry. */
enum { MAP_KEY, MAP_VALUE };

struct value_doc {
    const char *type; /* "trireme.Model.Arch" */
    const char *value;
    const char *comment;
};

extern const struct message_doc schema_messages[]; /* sorted by name */
extern const size_t schema_n_messages;
extern const struct value_doc schema_values[]; /* sorted by type, then by value */
extern const size_t schema_n_values;
extern const char *const schema_when_names[];

/* Returns the docs of all fields of a message type, for code that works on types, not on
 * messages. */
const struct message_doc *message_doc(const ProtobufCMessageDescriptor *type);

/* protobuf-c's descriptor of a field in that list. */
static inline const ProtobufCFieldDescriptor *doc_field(const ProtobufCMessageDescriptor *type,
                                                        const struct field_doc *doc)
{
    return &type->fields[doc->slot];
}
