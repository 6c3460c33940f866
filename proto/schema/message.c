#include "proto/schema/message.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/schema/field.h"

#include <stdlib.h>
#include <string.h>

static const ProtobufCMessageDescriptor *type_of(const void *message)
{
    return ((const ProtobufCMessage *)message)->descriptor;
}

void *message_new(const ProtobufCMessageDescriptor *type)
{
    void *message = mem_new(1, type->sizeof_message);
    protobuf_c_message_init(type, message);
    fields_adopt(message);
    return message;
}

void message_free(void *message)
{
    if (!message)
        return;
    const ProtobufCMessageDescriptor *type = type_of(message);
    for (unsigned i = 0; i < type->n_fields; i++)
        field_free(message, &type->fields[i]);
    ProtobufCMessage *base = message;
    for (unsigned i = 0; i < base->n_unknown_fields; i++)
        free(base->unknown_fields[i].data);
    free(base->unknown_fields);
    free(message);
}

void *message_copy(const void *message)
{
    const ProtobufCMessageDescriptor *type = type_of(message);
    void *copy = mem_new(1, type->sizeof_message);
    ((ProtobufCMessage *)copy)->descriptor = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        field_copy(copy, message, &type->fields[i]);
    return copy;
}

unsigned char *message_pack(const void *message, size_t *size)
{
    ProtobufCMessage *copy = message_copy(message); // whose has_ flags say what is set
    ASSERT(protobuf_c_message_check(copy));         // required fields are there
    *size = protobuf_c_message_get_packed_size(copy);
    unsigned char *bytes = mem_new(*size, 1);
    protobuf_c_message_pack(copy, bytes);
    message_free(copy);
    return bytes;
}

/* protobuf-c takes any number for an enum. */
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
        fields_adopt(message);
    if (message && enums_are_known(message))
        return message;
    message_free(message);
    err_set(err, ERR_MACHINE,
            "%zu bytes that should be a %s are none: damaged, or of another version", size,
            type->name);
    return NULL;
}
