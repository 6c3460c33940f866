#include "proto/schema/json_out.h"

#include "base/check.h"
#include "proto/schema/utf8.h"
#include "proto/schema/value.h"

#include <math.h>
#include <stdlib.h>

static void quoted(struct text *text, const char *s)
{
    ASSERT(s); // an enum number that the schema does not know
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
        else if (c < ' ')
            text_printf(text, "\\u%04x", c);
        else if (c == UTF8_BAD)
            text_add(text, "\\ufffd");
        else
            text_add_bytes(text, from, (size_t)(s - from));
    }
    text_add(text, "\"");
}

static void new_line(struct json_out *out)
{
    if (!out->pretty)
        return;
    text_add(&out->text, "\n");
    for (unsigned i = 0; i < out->depth; i++)
        text_add(&out->text, "  ");
}

static void begin(struct json_out *out, const char *key)
{
    if (out->has_sibling)
        text_add(&out->text, ",");
    if (out->depth)
        new_line(out);
    if (key) {
        quoted(&out->text, key);
        text_add(&out->text, out->pretty ? ": " : ":");
    }
    out->has_sibling = true;
}

void json_out_open(struct json_out *out, const char *key, char bracket)
{
    begin(out, key);
    text_add_bytes(&out->text, &bracket, 1);
    out->depth++;
    out->has_sibling = false;
}

void json_out_close(struct json_out *out, char bracket)
{
    out->depth--;
    if (out->has_sibling)
        new_line(out);
    text_add_bytes(&out->text, &bracket, 1);
    out->has_sibling = true;
}

void json_out_text(struct json_out *out, const char *key, const char *value)
{
    begin(out, key);
    quoted(&out->text, value);
}

void json_out_literal(struct json_out *out, const char *key, const char *literal)
{
    begin(out, key);
    text_add(&out->text, literal);
}

void json_out_scalar(struct json_out *out, const char *key, struct scalar value)
{
    const bool is_real = value.kind == SCALAR_REAL || value.kind == SCALAR_FLOAT;
    const bool is_text = value.kind == SCALAR_TEXT || value.kind == SCALAR_BYTES;
    const bool is_large = value.kind == SCALAR_UINT && value.u > INT64_MAX;
    struct text word = {0};
    begin(out, key);
    value_write(&word, value);
    if (is_real && !isfinite(value.r))
        text_add(&out->text, "null");
    else if (is_text || is_large)
        quoted(&out->text, word.bytes ? word.bytes : "");
    else
        text_add(&out->text, word.bytes);
    text_clear(&word);
}

char *json_out_take(struct json_out *out)
{
    if (out->pretty)
        text_add(&out->text, "\n");
    return text_take(&out->text);
}
