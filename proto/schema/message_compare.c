/* Comparison of messages with each other and with the schema's bounds: check, diff, equal. */
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/message.h"
#include "proto/schema/place.h"
#include "proto/schema/value.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int check_fields(const struct place *above, const ProtobufCMessage *message,
                        const char *where, struct err *err)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const struct message_doc *docs = message_doc(type);
    for (const struct field_doc *doc = docs->fields; doc < docs->fields + docs->n; doc++) {
        const ProtobufCFieldDescriptor *field = doc_field(type, doc);
        struct place place = place_field(above, field->name);
        for (size_t i = 0; i < field_count(message, field); i++) {
            struct place in_list = place_element(&place, i);
            const struct place *here = field_is_list(field) ? &in_list : &place;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
                if (check_fields(here, field_message(message, field, i), where, err) != 0)
                    return -1;
            } else if (value_check(field_scalar(message, field, i), field, doc, ERR_USAGE, err) !=
                       0) {
                struct text path = {0};
                place_write(&path, here);
                err_context(err, "%s: %s", where, path.bytes);
                text_clear(&path);
                return -1;
            }
        }
    }
    return 0;
}

int message_check(const void *message, const char *where, struct err *err)
{
    return check_fields(NULL, message, where, err);
}

struct diff {
    char **paths;
    size_t n, max;
};

static void add_difference(struct diff *diff, const struct place *place)
{
    if (diff->n < diff->max) {
        struct text path = {0};
        place_write(&path, place);
        diff->paths[diff->n] = text_take(&path);
    }
    diff->n++;
}

static void diff_messages(struct diff *diff, const struct place *above, const ProtobufCMessage *a,
                          const ProtobufCMessage *b);

static void diff_element(struct diff *diff, const struct place *here, const void *a, const void *b,
                         const ProtobufCFieldDescriptor *field, size_t i)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        bool both =
            field_is_list(field) || (field_has_value(a, field) && field_has_value(b, field));
        bool none =
            !field_is_list(field) && !field_has_value(a, field) && !field_has_value(b, field);
        if (!none && !(both && field_equal(a, b, field, i)))
            add_difference(diff, here);
        return;
    }
    ProtobufCMessage *in_a = field_message(a, field, i), *in_b = field_message(b, field, i);
    if (in_a && in_b) {
        diff_messages(diff, here, in_a, in_b);
    } else if (in_a || in_b) {
        void *defaults = message_new(field->descriptor);
        diff_messages(diff, here, in_a ? in_a : defaults, in_b ? in_b : defaults);
        message_free(defaults);
    }
}

static void diff_messages(struct diff *diff, const struct place *above, const ProtobufCMessage *a,
                          const ProtobufCMessage *b)
{
    const struct message_doc *docs = message_doc(a->descriptor);
    for (size_t k = 0; k < docs->n; k++) {
        const ProtobufCFieldDescriptor *field = doc_field(a->descriptor, &docs->fields[k]);
        struct place place = place_field(above, field->name);
        if (!field_is_list(field)) {
            diff_element(diff, &place, a, b, field, 0);
            continue;
        }
        size_t n = field_count(a, field);
        if (n != field_count(b, field)) {
            add_difference(diff, &place);
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            struct place in_list = place_element(&place, i);
            diff_element(diff, &in_list, a, b, field, i);
        }
    }
}

size_t message_diff(char **paths, size_t max, const void *a, const void *b)
{
    struct diff diff = {.paths = paths, .max = max};
    diff_messages(&diff, NULL, a, b);
    return diff.n;
}

bool message_equal(const void *a, const void *b)
{
    return message_diff(NULL, 0, a, b) == 0;
}
