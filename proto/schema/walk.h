/* The walk over a message: the one place that knows how protobuf-c lays a message out in memory.
 *
 * Everything that is said about configuration, control messages, files and commands comes from the descriptors, through
 * this walk; YAML, JSON, JSON Schema, help and options are visitors of it. Field comments, bounds and units are not in
 * protobuf-c's descriptors: a build-time tool (proto/schema/gen) puts them into a const table from protoc's descriptor
 * set, and fails on a field without a comment.
 *
 * Supported: singular and repeated fields of all scalar types, enums, strings and messages (proto2). Not supported, by
 * ASSERT: oneof, maps, groups, extensions. `bytes` fields have no text form; such messages go over the wire only. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the schema says of a field beyond protobuf-c's descriptor. */
enum schema_when { WHEN_NEVER, WHEN_LIVE, WHEN_CHECKPOINT, WHEN_GROWTH };
struct field_doc {
    const char *message;   /* full name, "trireme.Optimizer" */
    const char *field;     /* "lr" */
    const char *comment;   /* one paragraph, no line ends */
    const char *unit;      /* or NULL */
    const char *place;     /* word in the usage line of a positional argument, or NULL */
    double min, max;       /* -INFINITY, INFINITY where not given */
    enum schema_when when;
};
struct type_doc { /* of a message or an enum value ("trireme.Model.Arch" + "gpt2"; value is NULL for a message) */
    const char *name, *value, *comment;
};
const struct field_doc *field_doc(const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *field);
const char *message_comment(const ProtobufCMessageDescriptor *message);
const char *enum_value_comment(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value);

/* A scalar value in one of four shapes. An enum travels as its name in text. */
enum scalar_kind { SCALAR_BOOL, SCALAR_INT, SCALAR_UINT, SCALAR_REAL, SCALAR_TEXT };
struct scalar {
    enum scalar_kind kind;
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double r;
        const char *text; /* borrowed */
    };
};

struct visitor {
    void *context;
    /* Return false from enter to skip what is inside. name is NULL for list elements and for the root. field is NULL
     * for the root. */
    bool (*enter_message)(void *context, const char *name, const ProtobufCMessageDescriptor *type, const struct field_doc *doc);
    void (*leave_message)(void *context, const char *name);
    bool (*enter_list)(void *context, const char *name, const struct field_doc *doc, size_t n);
    void (*leave_list)(void *context, const char *name);
    void (*scalar)(void *context, const char *name, const struct field_doc *doc, struct scalar value, bool is_default);
};

/* Visits the fields of a message in the order of their declaration. Absent optional fields: a scalar with a declared
 * default is visited with it (is_default true), others are skipped. */
void message_walk(const ProtobufCMessage *message, const struct visitor *visitor);
