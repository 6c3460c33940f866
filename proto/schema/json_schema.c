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

/* What a schema is written for, and where to. */
struct writer {
    struct json_out out;
    bool of_tool, is_reply, is_public;
    const struct field_doc *without;          /* or NULL */
    const ProtobufCMessageDescriptor **types; /* below the root, each once, as they are found */
    size_t n, room;
};

/* "Model": the full name without the package. */
static const char *name_of(const ProtobufCMessageDescriptor *type)
{
    return type->name + strlen(type->package_name) + 1;
}

static bool is_left_out(const struct writer *w, const struct field_doc *doc)
{
    return (w->is_public && doc->is_private) || (w->of_tool && doc->of_terminal) ||
           doc == w->without;
}

static void collect(struct writer *w, const ProtobufCMessageDescriptor *type)
{
    const struct message_doc *docs = message_doc(type);
    for (size_t i = 0; i < docs->n; i++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, &docs->fields[i]);
        size_t k = 0;
        while (k < w->n && w->types[k] != field->descriptor)
            k++;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || docs->fields[i].map || k < w->n ||
            is_left_out(w, &docs->fields[i]))
            continue;
        w->types = mem_grow(w->types, w->n, &w->room, sizeof *w->types);
        w->types[w->n++] = field->descriptor;
        collect(w, field->descriptor);
    }
}

static void write_bounds(struct writer *w, const ProtobufCFieldDescriptor *field,
                         const struct field_doc *doc)
{
    struct whole_range range;
    if (value_whole_range(&range, field, doc)) {
        json_out_text(&w->out, "type", "integer");
        json_out_scalar(&w->out, "minimum", (struct scalar){SCALAR_INT, .i = range.min});
        // 2^64-1 as a real: a number that JSON readers take
        bool is_large = range.max > INT64_MAX;
        json_out_scalar(&w->out, "maximum",
                        is_large ? (struct scalar){SCALAR_REAL, .r = (double)range.max}
                                 : (struct scalar){SCALAR_UINT, .u = range.max});
        return;
    }
    if (w->is_reply) {
        json_out_open(&w->out, "type", '[');
        json_out_text(&w->out, NULL, "number");
        json_out_text(&w->out, NULL, "null");
        json_out_close(&w->out, ']');
        return;
    }
    json_out_text(&w->out, "type", "number");
    if (isfinite(doc->min))
        json_out_scalar(&w->out, "minimum", (struct scalar){SCALAR_REAL, .r = doc->min});
    if (isfinite(doc->max))
        json_out_scalar(&w->out, "maximum", (struct scalar){SCALAR_REAL, .r = doc->max});
}

static void write_names(struct writer *w, const ProtobufCEnumDescriptor *type)
{
    json_out_open(&w->out, "enum", '[');
    for (unsigned i = 0; i < type->n_values; i++)
        json_out_text(&w->out, NULL, type->values[i].name);
    json_out_close(&w->out, ']');
    json_out_open(&w->out, "x-values", '{');
    for (unsigned i = 0; i < type->n_values; i++)
        json_out_text(&w->out, type->values[i].name, enum_value_comment(type, &type->values[i]));
    json_out_close(&w->out, '}');
}

/* Writes the type of a value, or of each element of a list. */
static void write_type(struct writer *w, const ProtobufCFieldDescriptor *field,
                       const struct field_doc *doc)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
        char *ref = mem_format("#/$defs/%s", name_of(field->descriptor));
        json_out_text(&w->out, "$ref", ref);
        free(ref);
        return;
    }
    case PROTOBUF_C_TYPE_ENUM:
        write_names(w, field->descriptor);
        return;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        json_out_text(&w->out, "type", "string");
        return;
    case PROTOBUF_C_TYPE_BOOL:
        json_out_text(&w->out, "type", "boolean");
        return;
    default:
        write_bounds(w, field, doc);
    }
}

static void write_field(struct writer *w, const void *defaults,
                        const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    json_out_open(&w->out, field->name, '{');
    json_out_text(&w->out, "description", doc->comment);
    if (doc->map) {
        json_out_text(&w->out, "type", "object");
        json_out_open(&w->out, "additionalProperties", '{');
        json_out_open(&w->out, "type", '[');
        json_out_text(&w->out, NULL, "string");
        json_out_text(&w->out, NULL, "number");
        json_out_text(&w->out, NULL, "boolean");
        json_out_close(&w->out, ']');
        json_out_close(&w->out, '}');
    } else if (field_is_list(field)) {
        json_out_text(&w->out, "type", "array");
        json_out_open(&w->out, "items", '{');
        write_type(w, field, doc);
        json_out_close(&w->out, '}');
    } else {
        write_type(w, field, doc);
        if (field->default_value)
            json_out_scalar(&w->out, "default", field_scalar(defaults, field, 0));
    }
    if (doc->unit)
        json_out_text(&w->out, "x-unit", doc->unit);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && !w->of_tool)
        json_out_text(&w->out, "x-when", when_name(doc->when));
    json_out_close(&w->out, '}');
}

static void write_message(struct writer *w, const ProtobufCMessageDescriptor *type)
{
    const struct message_doc *docs = message_doc(type);
    void *defaults = message_new(type);
    size_t n_required = 0;
    json_out_text(&w->out, "description", docs->comment);
    json_out_text(&w->out, "type", "object");
    json_out_open(&w->out, "properties", '{');
    for (size_t i = 0; i < docs->n; i++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, &docs->fields[i]);
        if (is_left_out(w, &docs->fields[i]))
            continue;
        n_required += field->label == PROTOBUF_C_LABEL_REQUIRED;
        write_field(w, defaults, field, &docs->fields[i]);
    }
    json_out_close(&w->out, '}');
    if (n_required) {
        json_out_open(&w->out, "required", '[');
        for (size_t i = 0; i < docs->n; i++)
            if (doc_field(type, &docs->fields[i])->label == PROTOBUF_C_LABEL_REQUIRED &&
                !is_left_out(w, &docs->fields[i]))
                json_out_text(&w->out, NULL, docs->fields[i].field);
        json_out_close(&w->out, ']');
    }
    json_out_scalar(&w->out, "additionalProperties", (struct scalar){SCALAR_BOOL, .b = false});
    message_free(defaults);
}

/* Writes the schema of a type and of what is below it. Returns the text. */
static char *write_schema(struct writer *w, const ProtobufCMessageDescriptor *type)
{
    collect(w, type);
    json_out_open(&w->out, NULL, '{');
    if (!w->of_tool) {
        json_out_text(&w->out, "$schema", "https://json-schema.org/draft/2020-12/schema");
        json_out_text(&w->out, "title", name_of(type));
    }
    write_message(w, type);
    if (w->n || !w->of_tool) {
        json_out_open(&w->out, "$defs", '{');
        for (size_t i = 0; i < w->n; i++) {
            json_out_open(&w->out, name_of(w->types[i]), '{');
            write_message(w, w->types[i]);
            json_out_close(&w->out, '}');
        }
        json_out_close(&w->out, '}');
    }
    json_out_close(&w->out, '}');
    free(w->types);
    return json_out_take(&w->out);
}

char *json_schema_write(const ProtobufCMessageDescriptor *type)
{
    struct writer w = {.out = {.pretty = true}};
    return write_schema(&w, type);
}

char *json_schema_request(const ProtobufCMessageDescriptor *type, const struct field_doc *without)
{
    struct writer w = {.of_tool = true, .without = without};
    return write_schema(&w, type);
}

char *json_schema_reply(const ProtobufCMessageDescriptor *type, bool is_public)
{
    struct writer w = {.of_tool = true, .is_reply = true, .is_public = is_public};
    return write_schema(&w, type);
}
