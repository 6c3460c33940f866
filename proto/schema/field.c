#include "proto/schema/field.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void *at(const void *message, size_t offset)
{
    return (char *)(uintptr_t)message + offset;
}

size_t field_element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    ASSERT(!"a type of protobuf's");
    return 0;
}

bool field_is_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool has_flag(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_OPTIONAL && !field_is_pointer(field);
}

static protobuf_c_boolean *flag(const void *message, const ProtobufCFieldDescriptor *field)
{
    return at(message, field->quantifier_offset);
}

static size_t *list_count(const void *message, const ProtobufCFieldDescriptor *field)
{
    return at(message, field->quantifier_offset);
}

static void **list_elements(const void *message, const ProtobufCFieldDescriptor *field)
{
    return at(message, field->offset);
}

void *field_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i)
{
    ASSERT(i < (field_is_list(field) ? field_count(message, field) : 1));
    if (field_is_list(field))
        return at(*list_elements(message, field), i * field_element_size(field));
    return at(message, field->offset);
}

/* Whether a number, bool or enum has its declared default (0 if none is declared), or bytes are
 * empty. */
static bool is_silent(const void *value, const ProtobufCFieldDescriptor *field)
{
    static const char zero[8];
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)value)->len == 0;
    return memcmp(value, field->default_value ? field->default_value : zero,
                  field_element_size(field)) == 0;
}

bool field_is_list(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

size_t field_count(const void *message, const ProtobufCFieldDescriptor *field)
{
    if (field_is_list(field))
        return *list_count(message, field);
    if (field_is_pointer(field))
        return *(void **)at(message, field->offset) != NULL;
    return !has_flag(field) || *flag(message, field) ||
           !is_silent(at(message, field->offset), field);
}

bool field_has_value(const void *message, const ProtobufCFieldDescriptor *field)
{
    return field_count(message, field) == 1 || field->default_value;
}

bool field_is_default(const void *message, const ProtobufCFieldDescriptor *field)
{
    if (!field->default_value)
        return false;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return strcmp(field_scalar(message, field, 0).text, field->default_value) == 0;
    return is_silent(at(message, field->offset), field);
}

struct scalar field_scalar(const void *message, const ProtobufCFieldDescriptor *field, size_t i)
{
    const void *p = field_element(message, field, i);
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return (struct scalar){SCALAR_INT, .i = *(const int32_t *)p};
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return (struct scalar){SCALAR_INT, .i = *(const int64_t *)p};
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (struct scalar){SCALAR_UINT, .u = *(const uint32_t *)p};
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (struct scalar){SCALAR_UINT, .u = *(const uint64_t *)p};
    case PROTOBUF_C_TYPE_FLOAT:
        return (struct scalar){SCALAR_FLOAT, .r = (double)*(const float *)p};
    case PROTOBUF_C_TYPE_DOUBLE:
        return (struct scalar){SCALAR_REAL, .r = *(const double *)p};
    case PROTOBUF_C_TYPE_BOOL:
        return (struct scalar){SCALAR_BOOL, .b = *(const protobuf_c_boolean *)p};
    case PROTOBUF_C_TYPE_ENUM: {
        const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)p);
        return (struct scalar){SCALAR_TEXT, .text = value ? value->name : NULL};
    }
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)p;
        return (struct scalar){SCALAR_TEXT, .text = text ? text : field->default_value};
    }
    case PROTOBUF_C_TYPE_BYTES:
        return (struct scalar){SCALAR_BYTES, .bytes = p};
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    ASSERT(!"a scalar");
    return (struct scalar){0};
}

bool field_equal(const void *a, const void *b, const ProtobufCFieldDescriptor *field, size_t i)
{
    struct scalar x = field_scalar(a, field, i), y = field_scalar(b, field, i);
    if (x.kind == SCALAR_TEXT)
        return x.text == y.text || (x.text && y.text && strcmp(x.text, y.text) == 0);
    if (x.kind == SCALAR_BOOL)
        return x.b == y.b;
    if (x.kind == SCALAR_BYTES)
        return x.bytes->len == y.bytes->len &&
               (!x.bytes->len || !memcmp(x.bytes->data, y.bytes->data, x.bytes->len));
    return x.u == y.u; // the same bits, so that nan equals nan and -0 differs from 0
}

ProtobufCMessage *field_message(const void *message, const ProtobufCFieldDescriptor *field,
                                size_t i)
{
    ASSERT(field->type == PROTOBUF_C_TYPE_MESSAGE);
    return *(ProtobufCMessage **)field_element(message, field, i);
}

void field_set(void *message, const ProtobufCFieldDescriptor *field, size_t i, struct scalar value)
{
    void *p = field_element(message, field, i);
    field_set_flag(message, field, true);
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        *(int32_t *)p = (int32_t)value.i;
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        *(int64_t *)p = value.i;
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        *(uint32_t *)p = (uint32_t)value.u;
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        *(uint64_t *)p = value.u;
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        *(float *)p = (float)value.r;
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)p = value.r;
        return;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)p = value.b;
        return;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)p =
            protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, value.text)->value;
        return;
    case PROTOBUF_C_TYPE_STRING: {
        char *copy = mem_strdup(value.text); // before the free: value.text may be the old text
        free(*(char **)p);
        *(char **)p = copy;
        return;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_BYTES:
        break;
    }
    ASSERT(!"a scalar");
}

void field_set_flag(void *message, const ProtobufCFieldDescriptor *field, bool is_set)
{
    if (has_flag(field))
        *flag(message, field) = is_set;
}

void field_resize(void *message, const ProtobufCFieldDescriptor *field, size_t n)
{
    size_t before = field_count(message, field), size = field_element_size(field);
    void **elements = list_elements(message, field);
    if (n) {
        *elements = mem_resize(*elements, n, size);
    } else {
        free(*elements);
        *elements = NULL;
    }
    if (n > before)
        memset(at(*elements, before * size), 0, (n - before) * size);
    *list_count(message, field) = n;
}
