#include "proto/schema/read.h"

#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/message.h"
#include "proto/schema/message_internal.h"
#include "proto/schema/near_name.h"
#include "proto/schema/node.h"
#include "proto/schema/read_node.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

/* Puts "run.yaml:7: train.batch: " before the sentence in err. */
static int add_place(const struct reader *reader, const struct place *place, unsigned line)
{
    if (place) {
        struct text path = {0};
        place_write(&path, place);
        err_context(reader->err, "%s", path.bytes);
        text_clear(&path);
    }
    if (line)
        return err_context(reader->err, "%s:%u", reader->where, line);
    return err_context(reader->err, "%s", reader->where);
}

static int read_message(const struct reader *reader, const struct place *place, void *message,
                        const struct node *node);

int read_element(const struct reader *reader, const struct place *place, void *message,
                 const ProtobufCFieldDescriptor *field, size_t i, const struct node *node)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(reader, place, field_message(message, field, i), node);
    const struct field_doc *doc = field_doc(((ProtobufCMessage *)message)->descriptor, field);
    struct scalar value;
    if (value_read(&value, node, field, doc, reader->code, reader->err) != 0)
        return add_place(reader, place, node->line);
    field_set(message, field, i, value);
    return 0;
}

static int refuse(const struct reader *reader, const struct place *place, const struct node *node,
                  const char *expected)
{
    static const char *const found[] = {
        [NODE_NULL] = "nothing", [NODE_LIST] = "a list", [NODE_MAP] = "keys and values"};
    bool is_one = node->text != NULL;
    err_set(reader->err, reader->code, "found %s, expected %s",
            is_one ? "one value" : found[node->kind], expected);
    return add_place(reader, place, node->line);
}

/* Order by key, then by place in the text: children are elements of one array. */
static int compare_keys(const void *a, const void *b)
{
    const struct node *x = *(const struct node *const *)a, *y = *(const struct node *const *)b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x > y) - (x < y);
}

/* Returns the first child whose key an earlier child has too; that one goes to *before. NULL if
 * there is none. Takes n log n steps, because the text may come from anyone. */
static const struct node *find_second(const struct node *node, const struct node **before)
{
    const struct node **sorted = mem_new(node->n, sizeof *sorted), *second = NULL;
    for (size_t i = 0; i < node->n; i++)
        sorted[i] = &node->children[i];
    if (node->n)
        qsort(sorted, node->n, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < node->n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 && (!second || sorted[i] < second)) {
            second = sorted[i];
            *before = sorted[i - 1];
        }
    free(sorted);
    return second;
}

static int refuse_second(const struct reader *reader, const struct place *place,
                         const struct node *second, const struct node *before)
{
    err_set(reader->err, reader->code, "found a second time, expected once");
    if (before->line)
        err_set(reader->err, reader->code,
                "found a second time, expected once (the first is on line %u)", before->line);
    return add_place(reader, place, second->line);
}

/* Reads {key: value} into a list of messages of two texts. */
static int read_map(const struct reader *reader, const struct place *place, void *message,
                    const ProtobufCFieldDescriptor *field, const struct node *node)
{
    const struct message_doc *docs = message_doc(field->descriptor);
    if (node->kind != NODE_MAP)
        return refuse(reader, place, node, "keys and values");
    message_reset(message, field);
    message_append(message, field, node->n);
    const struct node *before = NULL, *second = find_second(node, &before);
    for (size_t i = 0; i < node->n; i++) {
        const struct node *child = &node->children[i];
        struct text key = {0};
        value_write_clean(&key, child->key);
        struct place here = place_field(place, key.bytes ? key.bytes : "''");
        int result = child == second ? refuse_second(reader, &here, second, before) : 0;
        if (result == 0 && !child->text)
            result = refuse(reader, &here, child, "a number, true, false or text");
        text_clear(&key);
        if (result != 0)
            return -1;
        void *entry = field_message(message, field, i);
        field_set(entry, doc_field(field->descriptor, &docs->fields[MAP_KEY]), 0,
                  (struct scalar){SCALAR_TEXT, .text = child->key});
        field_set(entry, doc_field(field->descriptor, &docs->fields[MAP_VALUE]), 0,
                  (struct scalar){SCALAR_TEXT, .text = child->text});
    }
    return 0;
}

int read_field(const struct reader *reader, const struct place *place, void *message,
               const ProtobufCFieldDescriptor *field, const struct node *node)
{
    bool is_absent = field->type == PROTOBUF_C_TYPE_MESSAGE && !field_is_list(field) &&
                     field_count(message, field) == 0;
    if (node->kind == NODE_NULL || is_absent)
        message_reset(message, field);
    if (node->kind == NODE_NULL)
        return 0;
    if (!field_is_list(field))
        return read_element(reader, place, message, field, 0, node);
    if (field_doc(((ProtobufCMessage *)message)->descriptor, field)->map)
        return read_map(reader, place, message, field, node);
    if (node->kind != NODE_LIST)
        return refuse(reader, place, node, "a list");
    message_reset(message, field);
    message_append(message, field, node->n);
    for (size_t i = 0; i < node->n; i++) {
        struct place element = place_element(place, i);
        if (read_element(reader, &element, message, field, i, &node->children[i]) != 0)
            return -1;
    }
    return 0;
}

void read_names(struct text *names, const ProtobufCMessageDescriptor *type, const char *word)
{
    const struct message_doc *docs = message_doc(type);
    struct near_name near = {.word = word};
    text_add(names, docs->n ? "" : "none");
    for (size_t i = 0; i < docs->n; i++) {
        text_printf(names, "%s%s", i == 0 ? (docs->n > 1 ? "one of " : "") : ", ",
                    docs->fields[i].field);
        near_name_offer(&near, docs->fields[i].field);
    }
    if (near.best)
        text_printf(names, " (did you mean %s?)", near.best);
}

static int unknown_key(const struct reader *reader, const struct place *place,
                       const ProtobufCMessageDescriptor *type, const struct node *node)
{
    struct text names = {0}, key = {0};
    read_names(&names, type, node->key);
    value_write_clean(&key, node->key);
    struct place here = place_field(place, key.bytes);
    err_set(reader->err, reader->code, "unknown key, expected %s", names.bytes);
    add_place(reader, &here, node->line);
    text_clear(&names);
    text_clear(&key);
    return -1;
}

static int read_message(const struct reader *reader, const struct place *place, void *message,
                        const struct node *node)
{
    const ProtobufCMessageDescriptor *type = ((ProtobufCMessage *)message)->descriptor;
    if (node->kind != NODE_MAP) {
        struct text found = {0}, names = {0};
        read_names(&names, type, "");
        if (node->text)
            value_write_found(&found, node->text);
        else
            text_add(&found, node->kind == NODE_LIST ? "a list" : "nothing");
        err_set(reader->err, reader->code, "found %s, expected keys and values, the keys %s",
                found.bytes, names.bytes);
        text_clear(&found);
        text_clear(&names);
        return add_place(reader, place, node->line);
    }
    const struct node *before = NULL, *second = find_second(node, &before);
    for (size_t i = 0; i < node->n; i++) {
        const struct node *child = &node->children[i];
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(type, child->key);
        if (!field)
            return unknown_key(reader, place, type, child);
        struct place here = place_field(place, field->name);
        if (child == second)
            return refuse_second(reader, &here, second, before);
        if (read_field(reader, &here, message, field, child) != 0)
            return -1;
    }
    return 0;
}

void read_swap(void *a, void *b)
{
    size_t size = ((ProtobufCMessage *)a)->descriptor->sizeof_message;
    void *other = mem_new(size, 1);
    memcpy(other, a, size);
    memcpy(a, b, size);
    memcpy(b, other, size);
    free(other);
}

int node_read(void *message, struct node *root, const char *where, enum err_code code,
              struct err *err)
{
    if (!root)
        return -1;
    struct reader reader = {where, code, err};
    void *copy = message_copy(message);
    int result = root->kind == NODE_NULL ? 0 : read_message(&reader, NULL, copy, root);
    if (result == 0)
        read_swap(message, copy);
    message_free(copy);
    node_free(root);
    return result;
}

int yaml_read(void *message, const char *text, size_t size, const char *where, enum err_code code,
              struct err *err)
{
    return node_read(message, yaml_node_read(text, size, where, true, code, err), where, code, err);
}

int json_read(void *message, const char *text, size_t size, const char *where, enum err_code code,
              struct err *err)
{
    return node_read(message, json_node_read(text, size, where, code, err), where, code, err);
}
