#include "proto/schema/number.h"
#include "proto/schema/utf8.h"
#include "proto/schema/value.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

#include "base/check.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COMMENT_COLUMN = 32 };

/* The line of a message or list stays open until something is written below it. If nothing is, it
 * becomes "{}" or "[]". */
enum open { CLOSED, OPEN_NAME, OPEN_DASH };

struct out {
    struct text text;
    size_t line_start;
    unsigned depth;
    enum open open;
    const struct field_doc *open_doc; /* of the open line */
    bool with_comments;
};

static void end_line(struct out *out, const struct field_doc *doc)
{
    out->open = CLOSED;
    if (doc && out->with_comments) {
        struct text note = {0};
        value_names(&note, doc);
        value_note(&note, doc);
        int column = (int)(out->text.size - out->line_start);
        int blanks = column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 0;
        text_printf(&out->text, "%*s  # %s", blanks, "", doc->comment);
        if (note.size)
            text_printf(&out->text, " (%s)", note.bytes);
        text_clear(&note);
    }
    text_add(&out->text, "\n");
    out->line_start = out->text.size;
}

/* Begins a line below an open one. */
static void begin_line(struct out *out)
{
    bool behind_dash = out->open == OPEN_DASH;
    if (out->open == OPEN_NAME)
        end_line(out, out->open_doc);
    if (behind_dash)
        text_add(&out->text, " ");
    else
        text_printf(&out->text, "%*s", (int)(2 * out->depth), "");
    out->open = CLOSED;
}

/* Writes up to "name:" or "-". */
static void begin(struct out *out, const char *name)
{
    begin_line(out);
    text_printf(&out->text, name ? "%s:" : "-", name);
}

static void enter(struct out *out, const char *name, const struct field_doc *doc)
{
    begin(out, name);
    out->open = name ? OPEN_NAME : OPEN_DASH;
    out->open_doc = name ? doc : NULL;
    out->depth++;
}

static void leave(struct out *out, const char *nothing)
{
    out->depth--;
    if (out->open == CLOSED)
        return;
    text_printf(&out->text, " %s", nothing);
    end_line(out, out->open_doc);
}

static bool enter_message(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc)
{
    (void)type;
    if (doc)
        enter(context, name, doc);
    return true;
}

static void leave_message(void *context, const char *name)
{
    struct out *out = context;
    (void)name;
    if (out->depth)
        leave(out, "{}");
    else if (!out->text.size)
        text_add(&out->text, "{}\n");
}

static bool enter_list(void *context, const char *name, const struct field_doc *doc, size_t n)
{
    (void)n;
    enter(context, name, doc);
    return true;
}

static void leave_list(void *context, const char *name, const struct field_doc *doc)
{
    (void)name;
    leave(context, doc->map ? "{}" : "[]");
}

/* Whether every YAML reader takes the word for text: it begins like a name or a path, has only
 * characters without a meaning in YAML, and is no word for null or a bool (in YAML 1.1 also yes,
 * no, on, off, y, n). */
static bool is_plain(const char *s)
{
    static const char *const taken[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcasecmp(s, taken[i]) == 0)
            return false;
    const char *first = s + strspn(s, ".");
    if (first == s ? !isalpha((unsigned char)*s) && *s != '/' && *s != '_' : *first != '/')
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_-./@+", *s))
            return false;
    return true;
}

/* Characters that YAML refuses, or that may not be shown as they are. */
static bool is_special(uint32_t c)
{
    return !utf8_is_shown(c) || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void write_text(struct text *text, const char *s)
{
    ASSERT(s); // an enum number that the schema does not know
    if (is_plain(s)) {
        text_add(text, s);
        return;
    }
    text_add(text, "\"");
    while (*s) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == '"' || c == '\\')
            text_printf(text, "\\%c", (int)c);
        else if (c == '\n')
            text_add(text, "\\n");
        else if (c == '\t')
            text_add(text, "\\t");
        else if (c == UTF8_BAD)
            text_add(text, "\\uFFFD");
        else if (is_special(c))
            text_printf(text, "\\u%04X", c);
        else
            text_add_bytes(text, from, (size_t)(s - from));
    }
    text_add(text, "\"");
}

static void write_scalar(struct text *text, struct scalar value)
{
    struct text word = {0};
    value_write(&word, value);
    const char *bytes = word.bytes ? word.bytes : "";
    if (value.kind == SCALAR_TEXT || value.kind == SCALAR_BYTES)
        write_text(text, bytes);
    else if ((value.kind == SCALAR_REAL || value.kind == SCALAR_FLOAT) && !isfinite(value.r))
        text_printf(text, "%s.%s", *bytes == '-' ? "-" : "", bytes + (*bytes == '-')); // ".nan"
    else
        text_add(text, bytes);
    text_clear(&word);
}

static void entry(struct out *out, const char *key, const char *value)
{
    begin_line(out);
    write_text(&out->text, key);
    text_add(&out->text, ": ");
    if (number_is_literal(value))
        text_add(&out->text, value);
    else
        write_text(&out->text, value);
    end_line(out, NULL);
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    struct out *out = context;
    (void)is_default;
    if (doc->map) {
        entry(out, name, value.text);
        return;
    }
    begin(out, name);
    text_add(&out->text, " ");
    write_scalar(&out->text, value);
    end_line(out, name ? doc : NULL);
}

/* What may be said and is not stands in the reference too, as a comment. */
static void unset(void *context, const char *name, const struct field_doc *doc)
{
    struct out *out = context;
    begin_line(out);
    text_printf(&out->text, "# %s:", name);
    end_line(out, doc);
}

char *yaml_write(const void *message, bool with_comments)
{
    struct out out = {.with_comments = with_comments};
    struct visitor visitor = {&out,
                              enter_message,
                              leave_message,
                              enter_list,
                              leave_list,
                              scalar,
                              with_comments ? unset : NULL};
    message_walk(message, &visitor);
    return text_take(&out.text);
}
