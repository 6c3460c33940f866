/* Single values by path: "data.sources.0.weight=2". */
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/message_internal.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "proto/schema/read_node.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

/* The end of a path: a field, or an element of a list. */
struct target {
    const ProtobufCMessageDescriptor *type;
    void *message; /* of that type; NULL where only types are looked at */
    const ProtobufCFieldDescriptor *field;
    bool is_element;
    size_t index;
};

/* The steps along a path: the current piece, and the bytes up to its end. */
struct steps {
    const char *path;
    size_t done;
    char *piece; /* owned; NULL at the end of the path */
};

/* Moves to the next piece. */
static void step(struct steps *steps)
{
    bool is_first = !steps->piece;
    free(steps->piece);
    steps->piece = NULL;
    if (!is_first && !steps->path[steps->done])
        return;
    const char *from = steps->path + steps->done + !is_first;
    size_t size = strcspn(from, ".");
    steps->piece = mem_format("%.*s", (int)size, from);
    steps->done = (size_t)(from - steps->path) + size;
}

/* Puts the part of the path that was understood before the sentence. */
static int fail_here(const struct steps *steps, struct err *err)
{
    char *bytes = mem_format("%.*s", (int)steps->done, steps->path);
    struct text path = {0};
    value_write_clean(&path, bytes);
    err_context(err, "%s", path.bytes);
    text_clear(&path);
    free(bytes);
    return -1;
}

static int find_field(struct target *target, const struct steps *steps, struct err *err)
{
    target->is_element = false;
    target->index = 0;
    target->field = protobuf_c_message_descriptor_get_field_by_name(target->type, steps->piece);
    if (target->field)
        return 0;
    struct text names = {0};
    read_names(&names, target->type, steps->piece);
    err_set(err, ERR_USAGE, "unknown key, expected %s", names.bytes);
    text_clear(&names);
    return fail_here(steps, err);
}

/* Finds the element that the piece numbers. The one past the end is made. */
static int find_element(struct target *target, const struct steps *steps, struct err *err)
{
    bool negative;
    uint64_t index;
    size_t n = target->message ? field_count(target->message, target->field) : SIZE_MAX;
    if (strspn(steps->piece, "0123456789") != strlen(steps->piece) ||
        !number_read_whole(&negative, &index, steps->piece) || index > n) {
        err_set(err, ERR_USAGE, "unknown element, expected the number of one in the list");
        if (target->message)
            err_set(err, ERR_USAGE,
                    "unknown element, expected a number from 0 to %zu (%zu appends)", n, n);
        return fail_here(steps, err);
    }
    if (target->message && index == n)
        message_append(target->message, target->field, 1);
    target->is_element = true;
    target->index = index;
    return 0;
}

static int follow(struct target *target, struct steps *steps, struct err *err)
{
    for (step(steps);;) {
        if (find_field(target, steps, err) != 0)
            return -1;
        const ProtobufCFieldDescriptor *field = target->field;
        step(steps);
        if (steps->piece && field_is_list(field)) {
            if (find_element(target, steps, err) != 0)
                return -1;
            step(steps);
        }
        if (!steps->piece)
            return 0;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            err_set(err, ERR_USAGE, "unknown key, expected none behind %s, which is one value",
                    field->name);
            return fail_here(steps, err);
        }
        target->type = field->descriptor;
        if (target->message && !field_is_list(field) && field_count(target->message, field) == 0)
            message_reset(target->message, field);
        if (target->message)
            target->message = field_message(target->message, field, target->index);
    }
}

static int find(struct target *target, const char *path, struct err *err)
{
    struct steps steps = {.path = path};
    int result = follow(target, &steps, err);
    free(steps.piece);
    return result;
}

const struct field_doc *message_field_doc(const ProtobufCMessageDescriptor *type, const char *path,
                                          struct err *err)
{
    struct target target = {.type = type};
    if (find(&target, path, err) != 0)
        return NULL;
    return field_doc(target.type, target.field);
}

/* Reads a value (YAML, or a literal word) into the place that the path names. On error the message
 * may be half changed. */
static int set(void *message, const char *path, const char *value, bool is_yaml, const char *where,
               struct err *err)
{
    struct target target = {.type = ((ProtobufCMessage *)message)->descriptor, .message = message};
    if (find(&target, path, err) != 0)
        return err_context(err, "%s", where);
    struct node word = {.kind = NODE_PLAIN, .text = (char *)value};
    struct node *tree = NULL, *node = &word;
    if (is_yaml && *value) {
        char *here = mem_format("%s: %s", where, path);
        node = tree = yaml_node_read(value, strlen(value), here, false, ERR_USAGE, err);
        free(here);
        if (!tree)
            return -1;
    }
    struct reader reader = {where, ERR_USAGE, err};
    struct place place = place_field(NULL, path);
    int result =
        target.is_element
            ? read_element(&reader, &place, target.message, target.field, target.index, node)
            : read_field(&reader, &place, target.message, target.field, node);
    node_free(tree);
    return result;
}

static int set_copy(void *message, const char *path, const char *value, bool is_yaml,
                    const char *where, struct err *err)
{
    void *copy = message_copy(message);
    int result = set(copy, path, value, is_yaml, where, err);
    if (result == 0)
        read_swap(message, copy);
    message_free(copy);
    return result;
}

int message_set_path(void *message, const char *path, const char *value, const char *where,
                     struct err *err)
{
    return set_copy(message, path, value, false, where, err);
}

int message_set(void *message, const char *setting, const char *where, struct err *err)
{
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting) {
        struct text found = {0};
        value_write_found(&found, setting);
        err_set(err, ERR_USAGE, "%s: found %s, expected PATH=VALUE", where, found.bytes);
        text_clear(&found);
        return -1;
    }
    char *path = mem_format("%.*s", (int)(equals - setting), setting);
    int result = set_copy(message, path, equals + 1, true, where, err);
    free(path);
    return result;
}
