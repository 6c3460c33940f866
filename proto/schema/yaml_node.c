#include "proto/schema/node.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct source {
    yaml_parser_t parser;
    yaml_event_t event; /* the newest; valid while has_event */
    bool has_event;
    const char *text, *where;
    bool with_lines;
    enum err_code code;
    struct err *err;
};

static int fail(struct source *source, size_t line, const char *what)
{
    if (source->with_lines)
        return err_set(source->err, source->code, "%s:%zu: %s", source->where, line, what);
    return err_set(source->err, source->code, "%s: %s", source->where, what);
}

/* libyaml gives only an offset for bytes that are no text; this counts the line. */
static size_t line_at(const struct source *source, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset; i++)
        line += source->text[i] == '\n';
    return line;
}

static int fail_parser(struct source *source)
{
    const yaml_parser_t *p = &source->parser;
    char what[300];
    size_t line = p->problem_mark.line + 1;
    const char *problem = p->problem ? p->problem : "unknown mistake";
    if (p->error == YAML_READER_ERROR)
        line = line_at(source, p->problem_offset);
    if (p->context && source->with_lines)
        snprintf(what, sizeof what, "not YAML: %s, %s that begins on line %zu", problem, p->context,
                 p->context_mark.line + 1);
    else
        snprintf(what, sizeof what, "not YAML: %s", problem);
    return fail(source, line, what);
}

static int next(struct source *source)
{
    if (source->has_event)
        yaml_event_delete(&source->event);
    source->has_event = yaml_parser_parse(&source->parser, &source->event);
    return source->has_event ? 0 : fail_parser(source);
}

static size_t event_line(const struct source *source)
{
    return source->event.start_mark.line + 1;
}

static bool is_null(const char *word)
{
    return !*word || strcmp(word, "~") == 0 || strcmp(word, "null") == 0 ||
           strcmp(word, "Null") == 0 || strcmp(word, "NULL") == 0;
}

static int read_scalar(struct source *source, struct node *node)
{
    const char *text = (const char *)source->event.data.scalar.value;
    if (strlen(text) != source->event.data.scalar.length)
        return fail(source, event_line(source), "found a NUL inside of a text, expected none");
    bool plain = source->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->kind = plain ? NODE_PLAIN : NODE_STRING;
    if (plain && is_null(text))
        node->kind = NODE_NULL;
    else
        node->text = mem_strdup(text);
    return 0;
}

/* Reads a node. The event that it begins with has already been read. */
static int read_node(struct source *source, struct node *node, unsigned depth);

static int read_list(struct source *source, struct node *node, unsigned depth)
{
    node->kind = NODE_LIST;
    for (;;) {
        if (next(source) != 0)
            return -1;
        if (source->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (read_node(source, node_add(node), depth + 1) != 0)
            return -1;
    }
}

static int read_map(struct source *source, struct node *node, unsigned depth)
{
    node->kind = NODE_MAP;
    for (;;) {
        if (next(source) != 0)
            return -1;
        if (source->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        struct node key = {.kind = NODE_NULL};
        size_t line = event_line(source);
        if (source->event.type != YAML_SCALAR_EVENT)
            return fail(source, line,
                        "found a key that is a list, a map or an alias, expected a word");
        if (read_node(source, &key, depth + 1) != 0)
            return -1;
        struct node *child = node_add(node);
        child->key = key.text ? key.text : mem_strdup("null");
        if (next(source) != 0 || read_node(source, child, depth + 1) != 0)
            return -1;
        if (source->with_lines)
            child->line = (unsigned)line;
    }
}

static int read_node(struct source *source, struct node *node, unsigned depth)
{
    const yaml_event_t *event = &source->event;
    size_t line = event_line(source);
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (source->with_lines)
        node->line = (unsigned)line;
    if (depth > NODE_DEPTH_MAX)
        return fail(source, line, "found more than 64 levels of lists and maps");
    if (event->type == YAML_SCALAR_EVENT)
        anchor = event->data.scalar.anchor, tag = event->data.scalar.tag;
    else if (event->type == YAML_SEQUENCE_START_EVENT)
        anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
    else if (event->type == YAML_MAPPING_START_EVENT)
        anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
    if (event->type == YAML_ALIAS_EVENT || anchor)
        return fail(
            source, line,
            "found an anchor or an alias (& or *), expected the value itself, or quotes around it");
    if (tag)
        return fail(source, line, "found a tag (!), expected the value alone, or quotes around it");
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return read_list(source, node, depth);
    if (event->type == YAML_MAPPING_START_EVENT)
        return read_map(source, node, depth);
    return read_scalar(source, node);
}

static int read_document(struct source *source, struct node *root)
{
    if (next(source) != 0 || next(source) != 0) // the stream's start
        return -1;
    if (source->event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (next(source) != 0 || read_node(source, root, 1) != 0)
        return -1;
    if (next(source) != 0 || next(source) != 0) // the document's end
        return -1;
    if (source->event.type != YAML_STREAM_END_EVENT)
        return fail(source, event_line(source), "found a second document, expected one");
    return 0;
}

struct node *yaml_node_read(const char *text, size_t size, const char *where, bool with_lines,
                            enum err_code code, struct err *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (size >= 3 && memcmp(text, byte_order_mark, 3) == 0)
        text += 3, size -= 3;
    struct source source = {
        .text = text, .where = where, .with_lines = with_lines, .code = code, .err = err};
    if (!yaml_parser_initialize(&source.parser)) {
        err_set(err, ERR_TRAIN, "out of memory while reading %s", where);
        return NULL;
    }
    yaml_parser_set_encoding(&source.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&source.parser, (const unsigned char *)text, size);
    struct node *root = mem_new(1, sizeof *root);
    root->line = with_lines;
    if (read_document(&source, root) != 0) {
        node_free(root);
        root = NULL;
    }
    if (source.has_event)
        yaml_event_delete(&source.event);
    yaml_parser_delete(&source.parser);
    return root;
}
