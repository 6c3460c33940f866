#include "proto/schema/value.h"

#include "base/check.h"
#include "proto/schema/docs.h"
#include "proto/schema/near_name.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "proto/schema/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOUND_MAX = 60 };

static const struct whole_range *type_range(const ProtobufCFieldDescriptor *field)
{
    static const struct whole_range int32 = {INT32_MIN, INT32_MAX}, int64 = {INT64_MIN, INT64_MAX};
    static const struct whole_range uint32 = {0, UINT32_MAX}, uint64 = {0, UINT64_MAX};
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return &int32;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return &int64;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return &uint32;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return &uint64;
    default:
        return NULL;
    }
}

bool value_whole_range(struct whole_range *range, const ProtobufCFieldDescriptor *field,
                       const struct field_doc *doc)
{
    const struct whole_range *type = type_range(field);
    if (!type)
        return false;
    ASSERT(doc->max >= 0);
    *range = *type;
    if (doc->min > (double)type->min)
        range->min = (int64_t)ceil(doc->min);
    if (doc->max < (double)type->max)
        range->max = (uint64_t)floor(doc->max);
    return true;
}

static void write_number(struct text *text, double value, bool single)
{
    char digits[NUMBER_SIZE];
    if (isfinite(value))
        number_write(digits, value, single);
    text_add(text, isfinite(value) ? digits : isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void expected_name(struct text *text, const ProtobufCEnumDescriptor *type)
{
    if (type->n_values > 2)
        text_add(text, "one of ");
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *joint = i == 0 ? "" : type->n_values == 2 ? " or " : ", ";
        text_printf(text, "%s%s", joint, type->values[i].name);
    }
}

/* Writes the declared bounds after one of three words: for both, only the lower, only the upper. */
static void write_bounds(struct text *text, const struct field_doc *doc, const char *from,
                         const char *least, const char *most)
{
    bool has_min = isfinite(doc->min), has_max = isfinite(doc->max);
    if (has_min) {
        text_add(text, has_max ? from : least);
        write_number(text, doc->min, false);
    }
    if (has_max) {
        text_add(text, has_min ? " to " : most);
        write_number(text, doc->max, false);
    }
}

void value_names(struct text *text, const struct field_doc *doc)
{
    const char *before = "";
    for (size_t i = 0; doc->names && i < schema_n_values; i++)
        if (strcmp(schema_values[i].type, doc->names) == 0) {
            text_printf(text, "%s%s", before, schema_values[i].value);
            before = ", ";
        }
}

void value_note(struct text *text, const struct field_doc *doc)
{
    if (doc->unit)
        text_add(text, doc->unit);
    if (doc->unit && (isfinite(doc->min) || isfinite(doc->max)))
        text_add(text, ", ");
    write_bounds(text, doc, "", "at least ", "at most ");
}

void value_expected(struct text *text, const ProtobufCFieldDescriptor *field,
                    const struct field_doc *doc)
{
    struct whole_range range;
    if (value_whole_range(&range, field, doc))
        text_printf(text, "a whole number from %lld to %llu", (long long)range.min,
                    (unsigned long long)range.max);
    else if (field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_FLOAT)
        write_bounds(text, doc, "a number from ", "a number of at least ", "a number of at most ");
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        text_add(text, "true or false");
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        expected_name(text, field->descriptor);
    else if (field->type == PROTOBUF_C_TYPE_BYTES)
        text_add(text, "bytes, which no text gives");
    else
        text_add(text, "text");
}

void value_write_clean(struct text *text, const char *bytes)
{
    const char *s = bytes;
    while (*s && s - bytes < FOUND_MAX) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == UTF8_BAD || c < ' ' || c == 0x7f)
            text_add(text, "?");
        else
            text_add_bytes(text, from, (size_t)(s - from));
    }
    text_add(text, *s ? "..." : "");
}

void value_write_found(struct text *text, const char *bytes)
{
    text_add(text, "'");
    value_write_clean(text, bytes);
    text_add(text, "'");
}

/* Fails with "found WHAT, expected ..."; for an enum also with the name that is nearest to the
 * word. */
static int refuse(const char *found, const ProtobufCFieldDescriptor *field,
                  const struct field_doc *doc, const char *word, enum err_code code,
                  struct err *err)
{
    struct text expected = {0};
    value_expected(&expected, field, doc);
    if (word && field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *type = field->descriptor;
        struct near_name near = {.word = word};
        for (unsigned i = 0; i < type->n_values; i++)
            near_name_offer(&near, type->values[i].name);
        if (near.best)
            text_printf(&expected, " (did you mean %s?)", near.best);
    }
    err_set(err, code, "found %s, expected %s", found, expected.bytes);
    text_clear(&expected);
    return -1;
}

void value_write(struct text *text, struct scalar value)
{
    switch (value.kind) {
    case SCALAR_BOOL:
        text_add(text, value.b ? "true" : "false");
        return;
    case SCALAR_INT:
        text_printf(text, "%lld", (long long)value.i);
        return;
    case SCALAR_UINT:
        text_printf(text, "%llu", (unsigned long long)value.u);
        return;
    case SCALAR_REAL:
    case SCALAR_FLOAT:
        write_number(text, value.r, value.kind == SCALAR_FLOAT);
        return;
    case SCALAR_TEXT:
        text_add(text, value.text);
        return;
    case SCALAR_BYTES: {
        char *bytes = utf8_from_bytes(value.bytes->data, value.bytes->len);
        text_add(text, bytes);
        free(bytes);
        return;
    }
    }
}

static bool keeps_bounds(struct scalar value, const ProtobufCFieldDescriptor *field,
                         const struct field_doc *doc)
{
    struct whole_range range;
    switch (value.kind) {
    case SCALAR_INT:
        value_whole_range(&range, field, doc);
        return value.i >= range.min && (value.i < 0 || (uint64_t)value.i <= range.max);
    case SCALAR_UINT:
        value_whole_range(&range, field, doc);
        return (range.min < 0 || value.u >= (uint64_t)range.min) && value.u <= range.max;
    case SCALAR_REAL:
    case SCALAR_FLOAT:
        if (isinf(doc->min) && isinf(doc->max))
            return true;
        return isfinite(value.r) && value.r >= doc->min && value.r <= doc->max;
    case SCALAR_BOOL:
    case SCALAR_TEXT:
    case SCALAR_BYTES:
        break;
    }
    return true;
}

int value_check(struct scalar value, const ProtobufCFieldDescriptor *field,
                const struct field_doc *doc, enum err_code code, struct err *err)
{
    if (keeps_bounds(value, field, doc))
        return 0;
    struct text found = {0};
    value_write(&found, value);
    refuse(found.bytes, field, doc, NULL, code, err);
    text_clear(&found);
    return -1;
}

static bool read_whole(struct scalar *value, const char *text,
                       const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    bool negative, is_signed = type_range(field)->min < 0;
    uint64_t size;
    if (!number_read_whole(&negative, &size, text))
        return false;
    if (!is_signed)
        *value = (struct scalar){SCALAR_UINT, .u = size};
    else if (negative && size == (uint64_t)INT64_MAX + 1)
        *value = (struct scalar){SCALAR_INT, .i = INT64_MIN};
    else
        *value = (struct scalar){SCALAR_INT, .i = negative ? -(int64_t)size : (int64_t)size};
    bool fits = is_signed ? size <= (uint64_t)INT64_MAX + negative : !negative || size == 0;
    return fits && keeps_bounds(*value, field, doc);
}

/* Reads a word for a field that is no string. */
static bool read_word(struct scalar *value, const char *word, const ProtobufCFieldDescriptor *field,
                      const struct field_doc *doc)
{
    bool single = field->type == PROTOBUF_C_TYPE_FLOAT;
    if (type_range(field))
        return read_whole(value, word, field, doc);
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        *value = (struct scalar){SCALAR_BOOL, .b = strcmp(word, "true") == 0};
        return value->b || strcmp(word, "false") == 0;
    }
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        *value = (struct scalar){SCALAR_TEXT, .text = word};
        return protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, word) != NULL;
    }
    *value = (struct scalar){single ? SCALAR_FLOAT : SCALAR_REAL, .r = 0};
    return number_read(&value->r, word, single) && keeps_bounds(*value, field, doc);
}

static bool read_node(struct scalar *value, const struct node *node,
                      const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    bool is_text = field->type == PROTOBUF_C_TYPE_STRING,
         is_enum = field->type == PROTOBUF_C_TYPE_ENUM;
    *value = (struct scalar){SCALAR_TEXT, .text = node->text};
    if (!node->text || field->type == PROTOBUF_C_TYPE_BYTES)
        return false;
    if (is_text)
        return node->kind != NODE_LITERAL && utf8_valid(node->text);
    return (is_enum || node->kind != NODE_STRING) && read_word(value, node->text, field, doc);
}

int value_read(struct scalar *value, const struct node *node, const ProtobufCFieldDescriptor *field,
               const struct field_doc *doc, enum err_code code, struct err *err)
{
    struct scalar got;
    if (read_node(&got, node, field, doc)) {
        *value = got;
        return 0;
    }
    struct text found = {0};
    if (!node->text)
        text_add(&found, node->kind == NODE_LIST  ? "a list"
                         : node->kind == NODE_MAP ? "keys and values"
                                                  : "nothing");
    else
        value_write_found(&found, node->text);
    if (node->kind == NODE_STRING && field->type != PROTOBUF_C_TYPE_ENUM &&
        field->type != PROTOBUF_C_TYPE_STRING)
        text_add(&found, " in quotes");
    if (node->text && field->type == PROTOBUF_C_TYPE_STRING && node->kind != NODE_LITERAL)
        text_add(&found, ", which is not UTF-8");
    refuse(found.bytes, field, doc, node->text, code, err);
    text_clear(&found);
    return -1;
}
