#include "proto/schema/walk.h"

#include "base/check.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"

#include <stdlib.h>
#include <string.h>

static int compare_message(const void *name, const void *row)
{
    return strcmp(name, ((const struct message_doc *)row)->name);
}

const struct message_doc *message_doc(const ProtobufCMessageDescriptor *type)
{
    const struct message_doc *doc = bsearch(type->name, schema_messages, schema_n_messages,
                                            sizeof *schema_messages, compare_message);
    ASSERT(doc && doc->n == type->n_fields);
    return doc;
}

const struct field_doc *field_doc(const ProtobufCMessageDescriptor *message,
                                  const ProtobufCFieldDescriptor *field)
{
    const struct message_doc *doc = message_doc(message);
    for (size_t i = 0; i < doc->n; i++)
        if (doc_field(message, &doc->fields[i]) == field)
            return &doc->fields[i];
    ASSERT(!"the field is of this message");
    return NULL;
}

const char *message_comment(const ProtobufCMessageDescriptor *message)
{
    return message_doc(message)->comment;
}

static int compare_value(const void *key, const void *row)
{
    const struct value_doc *a = key, *b = row;
    int order = strcmp(a->type, b->type);
    return order ? order : strcmp(a->value, b->value);
}

const char *enum_value_comment(const ProtobufCEnumDescriptor *type, const ProtobufCEnumValue *value)
{
    struct value_doc key = {.type = type->name, .value = value->name};
    const struct value_doc *doc =
        bsearch(&key, schema_values, schema_n_values, sizeof *schema_values, compare_value);
    ASSERT(doc);
    return doc->comment;
}

const char *when_name(enum schema_when when)
{
    return schema_when_names[when];
}

static void walk_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i,
                         const char *name, const struct field_doc *doc,
                         const struct visitor *visitor);

static const char *text_of(const void *message, const struct field_doc *doc)
{
    const char *text =
        field_scalar(message, doc_field(((const ProtobufCMessage *)message)->descriptor, doc), 0)
            .text;
    return text ? text : "";
}

static void walk_entry(const ProtobufCMessage *entry, const struct field_doc *doc,
                       const struct visitor *visitor)
{
    const struct message_doc *docs = message_doc(entry->descriptor);
    struct scalar value = {SCALAR_TEXT, .text = text_of(entry, &docs->fields[MAP_VALUE])};
    visitor->scalar(visitor->context, text_of(entry, &docs->fields[MAP_KEY]), doc, value, false);
}

static void walk_fields(const ProtobufCMessage *message, const struct visitor *visitor)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const struct message_doc *docs = message_doc(type);
    for (const struct field_doc *doc = docs->fields; doc < docs->fields + docs->n; doc++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, doc);
        if (!field_is_list(field)) {
            if (field_has_value(message, field))
                walk_element(message, field, 0, field->name, doc, visitor);
            else if (visitor->unset)
                visitor->unset(visitor->context, field->name, doc);
            continue;
        }
        size_t n = field_count(message, field);
        if (!visitor->enter_list(visitor->context, field->name, doc, n))
            continue;
        for (size_t i = 0; i < n; i++)
            if (doc->map)
                walk_entry(field_message(message, field, i), doc, visitor);
            else
                walk_element(message, field, i, NULL, doc, visitor);
        visitor->leave_list(visitor->context, field->name, doc);
    }
}

static void walk_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i,
                         const char *name, const struct field_doc *doc,
                         const struct visitor *visitor)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        bool is_default = !field_is_list(field) && field_is_default(message, field);
        visitor->scalar(visitor->context, name, doc, field_scalar(message, field, i), is_default);
        return;
    }
    const ProtobufCMessage *inner = field_message(message, field, i);
    if (!visitor->enter_message(visitor->context, name, inner->descriptor, doc))
        return;
    walk_fields(inner, visitor);
    visitor->leave_message(visitor->context, name);
}

void message_walk(const ProtobufCMessage *message, const struct visitor *visitor)
{
    if (!visitor->enter_message(visitor->context, NULL, message->descriptor, NULL))
        return;
    walk_fields(message, visitor);
    visitor->leave_message(visitor->context, NULL);
}
