#include "worker/prepare/json_lines.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/node.h"
#include "worker/prepare/text_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool json_lines_named(const char *name)
{
    char *stem = mem_format("%.*s", (int)text_file_stem(name), name);
    const bool named = file_name_ends(stem, ".jsonl") || file_name_ends(stem, ".json");
    free(stem);
    return named;
}

static bool is_blank(const struct text *line)
{
    for (size_t i = 0; i < line->size; i++)
        if (!strchr(" \t\r", line->bytes[i]) || !line->bytes[i])
            return false;
    return true;
}

static const struct node *find_field(const struct node *object, const char *field)
{
    for (size_t i = 0; i < object->n; i++)
        if (!strcmp(object->children[i].key, field))
            return &object->children[i];
    return NULL;
}

/* Hands over the document of a whole line. */
static int take_line(struct json_lines *lines, json_lines_take_fn take, void *context,
                     struct err *err)
{
    char *where = mem_format("%s: line %" PRIu64, lines->path, lines->number);
    struct node *object = json_node_read(lines->line.bytes, lines->line.size, where, ERR_DATA, err);
    int rc = -1;
    if (!object)
        goto out;
    if (object->kind != NODE_MAP) {
        err_set(err, ERR_DATA, "%s: found no JSON object, expected one with the field '%s'", where,
                lines->field);
        goto out;
    }
    const struct node *field = find_field(object, lines->field);
    if (!field)
        err_set(err, ERR_DATA, "%s: found no field '%s', expected it with the document's text",
                where, lines->field);
    else if (field->kind != NODE_STRING && field->kind != NODE_PLAIN) // plain: digits in quotes
        err_set(err, ERR_DATA, "%s: field '%s': found %s, expected text", where, lines->field,
                field->kind == NODE_NULL   ? "null"
                : field->kind == NODE_LIST ? "a list"
                : field->kind == NODE_MAP  ? "an object"
                                           : field->text);
    else
        rc = take(context, lines->number, (const unsigned char *)field->text, strlen(field->text),
                  err);
out:
    node_free(object);
    free(where);
    return rc;
}

static int end_line(struct json_lines *lines, json_lines_take_fn take, void *context,
                    struct err *err)
{
    lines->number++;
    int rc = is_blank(&lines->line) ? 0 : take_line(lines, take, context, err);
    lines->line.size = 0;
    return rc;
}

int json_lines_add(struct json_lines *lines, const unsigned char *bytes, size_t n,
                   json_lines_take_fn take, void *context, struct err *err)
{
    if (n == 0)
        return lines->line.size ? end_line(lines, take, context, err) : 0;
    while (n) {
        const unsigned char *end = memchr(bytes, '\n', n);
        const size_t now = end ? (size_t)(end - bytes) : n;
        if (now > JSON_LINES_MAX - lines->line.size)
            return err_set(err, ERR_DATA,
                           "%s: line %" PRIu64 ": found more than %d bytes, expected a JSON object "
                           "a line",
                           lines->path, lines->number + 1, JSON_LINES_MAX);
        text_add_bytes(&lines->line, bytes, now);
        if (!end)
            return 0;
        if (end_line(lines, take, context, err) < 0)
            return -1;
        bytes += now + 1;
        n -= now + 1;
    }
    return 0;
}

void json_lines_clear(struct json_lines *lines)
{
    text_clear(&lines->line);
}
