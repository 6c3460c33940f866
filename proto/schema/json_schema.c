#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/json_out.h"
#include "proto/schema/message.h"
#include "proto/schema/value.h"
#include "proto/schema/write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Message types below a root, each once, in the order in which they are found. */
struct types {
    const ProtobufCMessageDescriptor **types;
    size_t n, room;
};

/* "Model": the full name without the package. */
static const char *name_of(const ProtobufCMessageDescriptor *type)
{
    return type->name + strlen(type->package_name) + 1;
}

static void collect(struct types *types, const ProtobufCMessageDescriptor *type)
{
    const struct message_doc *docs = message_doc(type);
    for (size_t i = 0; i < docs->n; i++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, &docs->fields[i]);
        size_t k = 0;
        while (k < types->n && types->types[k] != field->descriptor)
            k++;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || docs->fields[i].map || k < types->n)
            continue;
        types->types = mem_grow(types->types, types->n, &types->room, sizeof *types->types);
        types->types[types->n++] = field->descriptor;
        collect(types, field->descriptor);
    }
}

static void write_bounds(struct json_out *out, const ProtobufCFieldDescriptor *field,
                         const struct field_doc *doc)
{
    struct whole_range range;
    if (value_whole_range(&range, field, doc)) {
        json_out_text(out, "type", "integer");
        json_out_scalar(out, "minimum", (struct scalar){SCALAR_INT, .i = range.min});
        // 2^64-1 as a real: a number that JSON readers take
        bool is_large = range.max > INT64_MAX;
        json_out_scalar(out, "maximum",
                        is_large ? (struct scalar){SCALAR_REAL, .r = (double)range.max}
                                 : (struct scalar){SCALAR_UINT, .u = range.max});
        return;
    }
    json_out_text(out, "type", "number");
    if (isfinite(doc->min))
        json_out_scalar(out, "minimum", (struct scalar){SCALAR_REAL, .r = doc->min});
    if (isfinite(doc->max))
        json_out_scalar(out, "maximum", (struct scalar){SCALAR_REAL, .r = doc->max});
}

static void write_names(struct json_out *out, const ProtobufCEnumDescriptor *type)
{
    json_out_open(out, "enum", '[');
    for (unsigned i = 0; i < type->n_values; i++)
        json_out_text(out, NULL, type->values[i].name);
    json_out_close(out, ']');
    json_out_open(out, "x-values", '{');
    for (unsigned i = 0; i < type->n_values; i++)
        json_out_text(out, type->values[i].name, enum_value_comment(type, &type->values[i]));
    json_out_close(out, '}');
}

/* Writes the type of a value, or of each element of a list. */
static void write_type(struct json_out *out, const ProtobufCFieldDescriptor *field,
                       const struct field_doc *doc)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
        char *ref = mem_format("#/$defs/%s", name_of(field->descriptor));
        json_out_text(out, "$ref", ref);
        free(ref);
        return;
    }
    case PROTOBUF_C_TYPE_ENUM:
        write_names(out, field->descriptor);
        return;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        json_out_text(out, "type", "string");
        return;
    case PROTOBUF_C_TYPE_BOOL:
        json_out_text(out, "type", "boolean");
        return;
    default:
        write_bounds(out, field, doc);
    }
}

static void write_field(struct json_out *out, const void *defaults,
                        const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    json_out_open(out, field->name, '{');
    json_out_text(out, "description", doc->comment);
    if (doc->map) {
        json_out_text(out, "type", "object");
        json_out_open(out, "additionalProperties", '{');
        json_out_open(out, "type", '[');
        json_out_text(out, NULL, "string");
        json_out_text(out, NULL, "number");
        json_out_text(out, NULL, "boolean");
        json_out_close(out, ']');
        json_out_close(out, '}');
    } else if (field_is_list(field)) {
        json_out_text(out, "type", "array");
        json_out_open(out, "items", '{');
        write_type(out, field, doc);
        json_out_close(out, '}');
    } else {
        write_type(out, field, doc);
        if (field->default_value)
            json_out_scalar(out, "default", field_scalar(defaults, field, 0));
    }
    if (doc->unit)
        json_out_text(out, "x-unit", doc->unit);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        json_out_text(out, "x-when", when_name(doc->when));
    json_out_close(out, '}');
}

static void write_message(struct json_out *out, const ProtobufCMessageDescriptor *type)
{
    const struct message_doc *docs = message_doc(type);
    void *defaults = message_new(type);
    size_t n_required = 0;
    json_out_text(out, "description", docs->comment);
    json_out_text(out, "type", "object");
    json_out_open(out, "properties", '{');
    for (size_t i = 0; i < docs->n; i++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, &docs->fields[i]);
        n_required += field->label == PROTOBUF_C_LABEL_REQUIRED;
        write_field(out, defaults, field, &docs->fields[i]);
    }
    json_out_close(out, '}');
    if (n_required) {
        json_out_open(out, "required", '[');
        for (size_t i = 0; i < docs->n; i++)
            if (doc_field(type, &docs->fields[i])->label == PROTOBUF_C_LABEL_REQUIRED)
                json_out_text(out, NULL, docs->fields[i].field);
        json_out_close(out, ']');
    }
    json_out_scalar(out, "additionalProperties", (struct scalar){SCALAR_BOOL, .b = false});
    message_free(defaults);
}

char *json_schema_write(const ProtobufCMessageDescriptor *type)
{
    struct json_out out = {.pretty = true};
    struct types types = {0};
    collect(&types, type);
    json_out_open(&out, NULL, '{');
    json_out_text(&out, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_out_text(&out, "title", name_of(type));
    write_message(&out, type);
    json_out_open(&out, "$defs", '{');
    for (size_t i = 0; i < types.n; i++) {
        json_out_open(&out, name_of(types.types[i]), '{');
        write_message(&out, types.types[i]);
        json_out_close(&out, '}');
    }
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    free(types.types);
    return json_out_take(&out);
}
