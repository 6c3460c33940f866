/* The walk over a message.
 *
 * All texts about configuration, control messages, files and commands come from the descriptors:
 * YAML, JSON, JSON Schema, help and options are visitors of a message or of its type. Field
 * comments, bounds and units are not in protobuf-c's descriptors: a build-time tool
 * (proto/schema/gen) puts them into a const table from protoc's descriptor set, and fails on a
 * field without a comment.
 *
 * Supported: singular and repeated fields of all scalar types, enums, strings, bytes and messages
 * (proto2). `bytes` are written as text (utf8_from_bytes) and never read from text. Refused while
 * building: oneof, groups, extensions.
 *
 * An optional scalar counts as set if its has_ flag is on or its value differs from the default
 * (from 0 where none is declared), so `lease->step = 5` is enough. All functions are local. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a field of a run that exists may change (enum When of knob.proto). */
enum schema_when { WHEN_NEVER, WHEN_LIVE, WHEN_CHECKPOINT, WHEN_GROWTH };
const char *when_name(enum schema_when when); /* "checkpoint" */

/* How an experiment that changes a field is judged (enum Judged of knob.proto). */
enum schema_judged { JUDGED_UNJUDGED, JUDGED_FAST, JUDGED_SLOW };

/* Which changes of a field are calm (enum Calm of knob.proto). */
enum schema_calm { CALM_NEITHER, CALM_DOWN, CALM_UP };

/* What the schema says of a field beyond protobuf-c's descriptor. */
struct field_doc {
    const char *message; /* full name, "trireme.Optimizer" */
    const char *field;   /* "lr" */
    const char *comment; /* one paragraph, no line ends */
    const char *unit;    /* or NULL */
    const char
        *names; /* of an enum field: full name of the type whose values it takes; else NULL */
    const char *place; /* word in the usage line of a positional argument, or NULL */
    double min, max;   /* -INFINITY, INFINITY where not given */
    enum schema_when when;
    enum schema_judged judged;
    enum schema_calm calm;
    const char *calm_from; /* the word from which every change is calm, or NULL */
    bool is_private;       /* only for who may approve */
    bool of_terminal;      /* only for people at a terminal: no tool has it */
    bool map;    /* a list of (key, value) messages that texts write as an object {key: value} */
    size_t slot; /* index in protobuf-c's fields, which are in the order of their numbers */
};
const struct field_doc *field_doc(const ProtobufCMessageDescriptor *message,
                                  const ProtobufCFieldDescriptor *field);
const char *message_comment(const ProtobufCMessageDescriptor *message);
const char *enum_value_comment(const ProtobufCEnumDescriptor *type,
                               const ProtobufCEnumValue *value);

/* The value of one element of a field. An enum is given by its name, as text. */
enum scalar_kind {
    SCALAR_BOOL,
    SCALAR_INT,
    SCALAR_UINT,
    SCALAR_REAL,
    SCALAR_FLOAT,
    SCALAR_TEXT,
    SCALAR_BYTES
};
struct scalar {
    enum scalar_kind kind;
    union {
        bool b;     /* SCALAR_BOOL */
        int64_t i;  /* SCALAR_INT */
        uint64_t u; /* SCALAR_UINT */
        double r; /* SCALAR_REAL; SCALAR_FLOAT: the same of a float field, which fewer digits write
                     exactly */
        const char *text;                 /* SCALAR_TEXT, borrowed */
        const ProtobufCBinaryData *bytes; /* SCALAR_BYTES, borrowed */
    };
};

/* All functions are required but `unset`, which may be NULL. leave_x is called if enter_x returned
 * true; false skips what is inside. name is the field's name, NULL for an element of a list and for
 * the root; doc is the field's (for an element: its list's), NULL for the root. The elements of a
 * map (doc->map) are scalars: name is the key, the text is the value. */
struct visitor {
    void *context;
    bool (*enter_message)(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc);
    void (*leave_message)(void *context, const char *name);
    bool (*enter_list)(void *context, const char *name, const struct field_doc *doc, size_t n);
    void (*leave_list)(void *context, const char *name, const struct field_doc *doc);
    void (*scalar)(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default);
    void (*unset)(void *context, const char *name, const struct field_doc *doc);
};

/* Visits the fields of a message in the order of their declaration. A scalar that is not set is
 * visited with its declared default (is_default true, as for one that was set to that value), or
 * shown to `unset` if none is declared. So is a submessage that is NULL. */
void message_walk(const ProtobufCMessage *message, const struct visitor *visitor);
