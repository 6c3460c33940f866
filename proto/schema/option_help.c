#include "proto/schema/option.h"

#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/message.h"
#include "proto/schema/number.h"
#include "proto/schema/option_name.h"
#include "proto/schema/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 100, COMMENT_COLUMN = 26 };

/* Text that breaks its lines between pieces. */
struct page {
    struct text text;
    size_t column, indent; /* of the current line; of the lines that follow it */
};

static void add_piece(struct page *page, const char *piece)
{
    size_t size = strlen(piece);
    if (page->column > page->indent && page->column + 1 + size > COLUMNS) {
        text_add(&page->text, "\n");
        page->column = 0;
    }
    int blanks = page->column < page->indent ? (int)(page->indent - page->column)
                                             : page->column > page->indent;
    text_printf(&page->text, "%*s%s", blanks, "", piece);
    page->column += (size_t)blanks + size;
}

static void add_words(struct page *page, const char *words)
{
    while (*words) {
        size_t size = strcspn(words, " ");
        char *word = mem_format("%.*s", (int)size, words);
        add_piece(page, word);
        free(word);
        words += size + (words[size] == ' ');
    }
}

static void end_line(struct page *page)
{
    text_add(&page->text, "\n");
    page->column = 0;
}

/* "  --workers N    Words", the words in a column of their own. */
static void add_entry(struct page *page, size_t indent, const char *name, const char *words)
{
    text_printf(&page->text, "%*s%s", (int)indent, "", name);
    page->column = indent + strlen(name);
    page->indent = COMMENT_COLUMN;
    if (page->column + 2 > COMMENT_COLUMN)
        end_line(page);
    add_words(page, words);
    end_line(page);
}

/* "--workers N", "--json", "CONFIG.yaml". */
static char *name_and_type(const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    struct whole_range range;
    const char *type = "NUMBER";
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES)
        type = "TEXT";
    else if (field->type == PROTOBUF_C_TYPE_ENUM)
        type = "NAME";
    else if (value_whole_range(&range, field, doc))
        type = "N";
    char *name = option_name(field, doc);
    if (doc->place || field->type == PROTOBUF_C_TYPE_BOOL)
        return name;
    char *both = mem_format("%s %s", name, type);
    free(name);
    return both;
}

/* One argument in the usage line: "[--set TEXT]...". */
static void add_usage(struct page *page, const ProtobufCFieldDescriptor *field,
                      const struct field_doc *doc)
{
    bool is_required = option_is_required(field, doc);
    char *name = name_and_type(field, doc);
    char *piece = mem_format("%s%s%s%s", is_required ? "" : "[", name, is_required ? "" : "]",
                             field_is_list(field) ? "..." : "");
    add_piece(page, piece);
    free(piece);
    free(name);
}

static void add_default(struct text *note, const void *defaults,
                        const ProtobufCFieldDescriptor *field)
{
    struct scalar value = field_scalar(defaults, field, 0);
    char digits[NUMBER_SIZE];
    text_add(note, note->size ? "; default " : "default ");
    if (value.kind == SCALAR_BOOL) {
        text_add(note, value.b ? "true" : "false");
    } else if (value.kind == SCALAR_TEXT) {
        text_add(note, *value.text ? value.text : "\"\"");
    } else if (value.kind == SCALAR_INT) {
        text_printf(note, "%lld", (long long)value.i);
    } else if (value.kind == SCALAR_UINT) {
        text_printf(note, "%llu", (unsigned long long)value.u);
    } else {
        number_write(digits, value.r, value.kind == SCALAR_FLOAT);
        text_add(note, digits);
    }
}

static void add_option(struct page *page, const void *defaults,
                       const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    struct text note = {0};
    value_note(&note, doc);
    if (field->default_value)
        add_default(&note, defaults, field);
    char *words =
        note.size ? mem_format("%s (%s)", doc->comment, note.bytes) : mem_strdup(doc->comment);
    char *name = name_and_type(field, doc);
    add_entry(page, 2, name, words);
    free(name);
    free(words);
    text_clear(&note);
    const ProtobufCEnumDescriptor *names =
        field->type == PROTOBUF_C_TYPE_ENUM ? field->descriptor : NULL;
    for (unsigned i = 0; names && i < names->n_values; i++)
        add_entry(page, 6, names->values[i].name, enum_value_comment(names, &names->values[i]));
}

/* The order of arguments in the help: positionals, then what else the command needs, then the
 * rest. */
static int rank(const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    return doc->place ? 0 : option_is_required(field, doc) ? 1 : 2;
}

char *options_help(const char *command, const ProtobufCMessageDescriptor *request)
{
    const struct message_doc *docs = message_doc(request);
    void *defaults = message_new(request);
    struct page page = {0};
    add_words(&page, "usage:");
    add_words(&page, command);
    page.indent = strlen("usage: ");
    for (int order = 0; order < 3; order++)
        for (size_t i = 0; i < docs->n; i++)
            if (rank(doc_field(request, &docs->fields[i]), &docs->fields[i]) == order)
                add_usage(&page, doc_field(request, &docs->fields[i]), &docs->fields[i]);
    end_line(&page);
    page.indent = 0;
    add_words(&page, docs->comment);
    end_line(&page);
    end_line(&page);
    for (int order = 0; order < 3; order++)
        for (size_t i = 0; i < docs->n; i++)
            if (rank(doc_field(request, &docs->fields[i]), &docs->fields[i]) == order)
                add_option(&page, defaults, doc_field(request, &docs->fields[i]), &docs->fields[i]);
    add_entry(&page, 2, "--help", "Prints this.");
    message_free(defaults);
    return text_take(&page.text);
}
