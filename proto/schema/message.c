#include "proto/schema/message.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/schema/field.h"
#include "proto/schema/message_internal.h"

#include <stdlib.h>
#include <string.h>

static const ProtobufCMessageDescriptor *type_of(const void *message)
{
    return ((const ProtobufCMessage *)message)->descriptor;
}

static void free_element(void *p, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        message_free(*(void **)p);
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        free(*(char **)p);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        free(((ProtobufCBinaryData *)p)->data);
}

/* Number of elements that a field has in memory; a singular field has one, set or not. */
static size_t n_elements(const void *message, const ProtobufCFieldDescriptor *field)
{
    return field_is_list(field) ? field_count(message, field) : 1;
}

/* Frees what the field points to. The member of a singular field still points to freed memory. */
static void free_field(void *message, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < n_elements(message, field); i++)
        free_element(field_element(message, field, i), field);
    if (field_is_list(field))
        field_resize(message, field, 0);
}

void message_append(void *message, const ProtobufCFieldDescriptor *field, size_t more)
{
    size_t n = field_count(message, field);
    field_resize(message, field, n + more);
    for (size_t i = n; i < n + more && field->type == PROTOBUF_C_TYPE_MESSAGE; i++)
        *(void **)field_element(message, field, i) = message_new(field->descriptor);
}

void message_reset(void *message, const ProtobufCFieldDescriptor *field)
{
    free_field(message, field);
    if (field_is_list(field))
        return;
    void *p = field_element(message, field, 0);
    field_set_flag(message, field, false);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        *(void **)p = message_new(field->descriptor);
    else if (field->type == PROTOBUF_C_TYPE_STRING)
        *(char **)p = mem_strdup(field->default_value);
    else if (field->default_value)
        memcpy(p, field->default_value, field_element_size(field));
    else
        memset(p, 0, field_element_size(field));
}

static void copy_element(void *to, const void *from, const ProtobufCFieldDescriptor *field)
{
    memcpy(to, from, field_element_size(field));
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)to = mem_strdup(*(char *const *)from);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(void **)to = message_copy(*(void *const *)from);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *bytes = from;
        unsigned char *copy = mem_new(bytes->len, 1);
        if (bytes->len)
            memcpy(copy, bytes->data, bytes->len);
        ((ProtobufCBinaryData *)to)->data = copy;
    }
}

/* Copies a field of `from` into that of `to`, which is zero. */
static void copy_field(void *to, const void *from, const ProtobufCFieldDescriptor *field)
{
    if (field_is_list(field))
        field_resize(to, field, field_count(from, field));
    else
        field_set_flag(to, field, field_count(from, field) == 1);
    for (size_t i = 0; i < n_elements(from, field); i++)
        copy_element(field_element(to, field, i), field_element(from, field, i), field);
}

/* Makes a message that protobuf-c initialised or unpacked one of ours, at every depth: default
 * strings in static memory become owned copies, absent submessages are made. */
static void adopt(void *message)
{
    const ProtobufCMessageDescriptor *type = type_of(message);
    for (unsigned f = 0; f < type->n_fields; f++) {
        const ProtobufCFieldDescriptor *field = &type->fields[f];
        for (size_t i = 0; field_is_pointer(field) && i < n_elements(message, field); i++) {
            void **p = field_element(message, field, i);
            if (field->type == PROTOBUF_C_TYPE_STRING && *p == field->default_value)
                *p = mem_strdup(field->default_value);
            else if (field->type == PROTOBUF_C_TYPE_MESSAGE && *p)
                adopt(*p);
            else if (field->type == PROTOBUF_C_TYPE_MESSAGE)
                *p = message_new(field->descriptor);
        }
    }
}

void *message_new(const ProtobufCMessageDescriptor *type)
{
    void *message = mem_new(1, type->sizeof_message);
    protobuf_c_message_init(type, message);
    adopt(message);
    return message;
}

void message_free(void *message)
{
    if (!message)
        return;
    const ProtobufCMessageDescriptor *type = type_of(message);
    for (unsigned i = 0; i < type->n_fields; i++)
        free_field(message, &type->fields[i]);
    ProtobufCMessage *base = message;
    for (unsigned i = 0; i < base->n_unknown_fields; i++)
        free(base->unknown_fields[i].data);
    free(base->unknown_fields);
    free(message);
}

void *message_copy(const void *message)
{
    if (!message)
        return NULL;
    const ProtobufCMessageDescriptor *type = type_of(message);
    void *copy = mem_new(1, type->sizeof_message);
    ((ProtobufCMessage *)copy)->descriptor = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        copy_field(copy, message, &type->fields[i]);
    return copy;
}

unsigned char *message_pack(const void *message, size_t *size)
{
    ProtobufCMessage *copy = message_copy(message); // its has_ flags say what is set
    ASSERT(protobuf_c_message_check(copy));         // required fields are there
    *size = protobuf_c_message_get_packed_size(copy);
    unsigned char *bytes = mem_new(*size, 1);
    protobuf_c_message_pack(copy, bytes);
    message_free(copy);
    return bytes;
}

/* Needed because protobuf-c accepts any number for an enum. */
static bool enums_are_known(const void *message)
{
    const ProtobufCMessageDescriptor *type = type_of(message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        for (size_t k = 0; k < field_count(message, field); k++) {
            if (field->type == PROTOBUF_C_TYPE_ENUM && !field_scalar(message, field, k).text)
                return false;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
                !enums_are_known(field_message(message, field, k)))
                return false;
        }
    }
    return true;
}

void *message_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                     struct err *err)
{
    void *message = protobuf_c_message_unpack(type, NULL, size, bytes);
    if (message)
        adopt(message);
    if (message && enums_are_known(message))
        return message;
    message_free(message);
    err_set(err, ERR_MACHINE,
            "%zu bytes that should be a %s are none: damaged, or of another version", size,
            type->name);
    return NULL;
}
