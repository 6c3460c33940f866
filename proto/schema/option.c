#include "proto/schema/option.h"

#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/field.h"
#include "proto/schema/message.h"
#include "proto/schema/message_internal.h"
#include "proto/schema/near_name.h"
#include "proto/schema/node.h"
#include "proto/schema/option_name.h"
#include "proto/schema/read_node.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

struct arguments {
    void *request; /* a copy of the caller's */
    const ProtobufCMessageDescriptor *type;
    const struct message_doc *docs;
    bool *given; /* which singular fields, by slot */
    int n, next;
    char *const *args;
    struct err *err;
};

/* A list that stands by its place and may be empty: "[N]". */
static bool is_optional_list(const struct field_doc *doc)
{
    return doc->place && doc->place[0] == '[';
}

char *option_name(const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    if (is_optional_list(doc))
        return mem_format("%.*s", (int)strlen(doc->place) - 2, doc->place + 1);
    if (doc->place)
        return mem_strdup(doc->place);
    char *name = mem_format("--%s", field->name);
    for (char *s = name; *s; s++)
        if (*s == '_')
            *s = '-';
    return name;
}

/* Puts the argument's name before the sentence. */
static int fail_named(const struct arguments *arguments, const struct field_doc *doc)
{
    char *name = option_name(doc_field(arguments->type, doc), doc);
    err_context(arguments->err, "%s", name);
    free(name);
    return -1;
}

static int take(struct arguments *arguments, const struct field_doc *doc, const char *word)
{
    const ProtobufCFieldDescriptor *field = doc_field(arguments->type, doc);
    struct node node = {.kind = NODE_PLAIN, .text = (char *)word};
    struct scalar value;
    if (arguments->given[doc->slot] && !field_is_list(field)) {
        err_set(arguments->err, ERR_USAGE, "found a second time, expected once");
        return fail_named(arguments, doc);
    }
    if (value_read(&value, &node, field, doc, ERR_USAGE, arguments->err) != 0)
        return fail_named(arguments, doc);
    size_t i = field_is_list(field) ? field_count(arguments->request, field) : 0;
    if (field_is_list(field))
        message_append(arguments->request, field, 1);
    field_set(arguments->request, field, i, value);
    arguments->given[doc->slot] = true;
    return 0;
}

/* Returns the first positional that can still take a word, or NULL. */
static const struct field_doc *open_place(const struct arguments *arguments)
{
    const struct message_doc *docs = arguments->docs;
    for (const struct field_doc *doc = docs->fields; doc < docs->fields + docs->n; doc++)
        if (doc->place &&
            (!arguments->given[doc->slot] || field_is_list(doc_field(arguments->type, doc))))
            return doc;
    return NULL;
}

static int take_positional(struct arguments *arguments, const char *word)
{
    const struct field_doc *doc = open_place(arguments);
    if (doc)
        return take(arguments, doc, word);
    struct text found = {0};
    value_write_found(&found, word);
    err_set(arguments->err, ERR_USAGE, "found %s, expected no more arguments", found.bytes);
    text_clear(&found);
    return -1;
}

static int unknown_option(const struct arguments *arguments, const char *option, size_t size)
{
    struct text expected = {0}, found = {0};
    char *word = mem_format("%.*s", (int)size, option), *best = NULL;
    struct near_name near = {.word = word};
    for (size_t i = 0; i < arguments->docs->n; i++) {
        const struct field_doc *doc = &arguments->docs->fields[i];
        if (doc->place)
            continue;
        char *name = option_name(doc_field(arguments->type, doc), doc);
        text_printf(&expected, "%s%s", expected.size ? ", " : "", name);
        const char *before = near.best;
        near_name_offer(&near, name);
        if (near.best == before) {
            free(name);
        } else {
            free(best);
            best = name;
        }
    }
    text_printf(&expected, "%s--help", expected.size ? ", " : "");
    if (best)
        text_printf(&expected, " (did you mean %s?)", best);
    value_write_found(&found, word);
    err_set(arguments->err, ERR_USAGE, "%s: unknown option, expected one of %s", found.bytes,
            expected.bytes);
    text_clear(&expected);
    text_clear(&found);
    free(word);
    free(best);
    return -1;
}

/* Returns the option that the first `size` bytes name, or NULL. */
static const struct field_doc *find_option(const struct arguments *arguments, const char *option,
                                           size_t size)
{
    const struct message_doc *docs = arguments->docs;
    for (const struct field_doc *doc = docs->fields; doc < docs->fields + docs->n; doc++) {
        char *name = option_name(doc_field(arguments->type, doc), doc);
        bool same = !doc->place && strlen(name) == size && memcmp(name, option, size) == 0;
        free(name);
        if (same)
            return doc;
    }
    return NULL;
}

static int take_option(struct arguments *arguments, const char *option)
{
    size_t size = strcspn(option, "=");
    const struct field_doc *doc = find_option(arguments, option, size);
    if (!doc)
        return unknown_option(arguments, option, size);
    if (option[size] == '=')
        return take(arguments, doc, option + size + 1);
    if (doc_field(arguments->type, doc)->type == PROTOBUF_C_TYPE_BOOL)
        return take(arguments, doc, "true");
    if (arguments->next < arguments->n && strncmp(arguments->args[arguments->next], "--", 2) != 0)
        return take(arguments, doc, arguments->args[arguments->next++]);
    struct text expected = {0};
    value_expected(&expected, doc_field(arguments->type, doc), doc);
    err_set(arguments->err, ERR_USAGE, "found nothing behind it, expected %s", expected.bytes);
    text_clear(&expected);
    return fail_named(arguments, doc);
}

static int check_missing(const struct arguments *arguments)
{
    const struct message_doc *docs = arguments->docs;
    for (const struct field_doc *doc = docs->fields; doc < docs->fields + docs->n; doc++) {
        if (arguments->given[doc->slot] ||
            !option_is_required(doc_field(arguments->type, doc), doc))
            continue;
        err_set(arguments->err, ERR_USAGE, "missing, expected it (%s)", doc->comment);
        return fail_named(arguments, doc);
    }
    return 0;
}

bool option_is_required(const ProtobufCFieldDescriptor *field, const struct field_doc *doc)
{
    return field->label == PROTOBUF_C_LABEL_REQUIRED ||
           (field_is_list(field) && doc->place && !is_optional_list(doc));
}

static bool asks_help(int n_args, char *const *args)
{
    for (int i = 0; i < n_args && strcmp(args[i], "--") != 0; i++)
        if (strcmp(args[i], "--help") == 0 || strcmp(args[i], "-h") == 0)
            return true;
    return false;
}

static int take_all(struct arguments *arguments)
{
    bool options_ended = false;
    while (arguments->next < arguments->n) {
        const char *word = arguments->args[arguments->next++];
        bool is_option = !options_ended && word[0] == '-' && word[1];
        if (is_option && strcmp(word, "--") == 0)
            options_ended = true;
        else if ((is_option ? take_option : take_positional)(arguments, word) != 0)
            return -1;
    }
    return check_missing(arguments);
}

int options_read(void *request, int n_args, char *const *args, bool *help, struct err *err)
{
    const ProtobufCMessageDescriptor *type = ((ProtobufCMessage *)request)->descriptor;
    *help = asks_help(n_args, args);
    if (*help)
        return 0;
    struct arguments arguments = {
        .request = message_copy(request), .type = type, .docs = message_doc(type)};
    arguments.given = mem_new(type->n_fields, sizeof *arguments.given);
    arguments.n = n_args;
    arguments.args = args;
    arguments.err = err;
    int result = take_all(&arguments);
    if (result == 0)
        read_swap(request, arguments.request);
    message_free(arguments.request);
    free(arguments.given);
    return result;
}
