#include "worker/tokenizer/nfc.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef TRIREME_NFC
#include <utf8proc.h>

enum { N_CODES = 0x110000, LOOSE = 255 };

/* What has to be known of a character to see that a text is in normal form already: LOOSE where it
 * may change or be composed with what stands before it, else its combining class (0: the text may
 * be cut in front of it; marks must not come in falling order). */
struct nfc {
    uint8_t *orders; /* (N_CODES) */
};

/* A character is loose where it has another normal form or is the second of a composition. */
static void mark_loose(struct nfc *nfc, utf8proc_int32_t code)
{
    utf8proc_int32_t parts[32];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(code, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
    ASSERT(n >= 1 && n <= 32);
    if (n == 1 && parts[0] == code)
        return;
    for (utf8proc_ssize_t i = 1; i < n; i++)
        nfc->orders[parts[i]] = LOOSE;
    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(parts, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (composed != 1 || parts[0] != code)
        nfc->orders[code] = LOOSE;
}

struct nfc *nfc_open(struct err *err)
{
    (void)err;
    struct nfc *nfc = mem_new(1, sizeof *nfc);
    nfc->orders = mem_new(N_CODES, 1);
    for (utf8proc_int32_t code = 0x80; code < N_CODES; code++)
        nfc->orders[code] = (uint8_t)utf8proc_get_property(code)->combining_class;
    for (utf8proc_int32_t code = 0x80; code < N_CODES; code++)
        if (code < 0xD800 || code > 0xDFFF)
            mark_loose(nfc, code);
    return nfc;
}

void nfc_close(struct nfc *nfc)
{
    if (!nfc)
        return;
    free(nfc->orders);
    free(nfc);
}

/* The character at s, -1 for a byte that is not of one. */
static int32_t next(size_t *size, const char *s, size_t left)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)left, &code);
    *size = n > 0 ? (size_t)n : 1;
    return n > 0 ? code : -1;
}

/* Adds the normal form of a valid text. */
static void add_normal(struct text *out, const char *text, size_t size)
{
    utf8proc_uint8_t *normal;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size,
                                      &normal, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    ASSERT(n >= 0);
    text_add_bytes(out, normal, (size_t)n);
    free(normal);
}

/* A place where a text may be cut: in front of a character that neither moves nor composes. */
static bool is_edge(const struct nfc *nfc, int32_t code)
{
    return code < 0x80 || nfc->orders[code] == 0;
}

/* Moves *edge and *at to the next span [*edge, *at) that may not be in normal form; false at the
 * end. */
static bool find_span(const struct nfc *nfc, size_t *edge, size_t *at, const char *text,
                      size_t size)
{
    uint8_t order = 0;
    size_t n;
    *edge = *at;
    for (; *at < size; *at += n) {
        if ((unsigned char)text[*at] < 0x80) {
            n = 1;
            order = 0;
            *edge = *at;
            continue;
        }
        int32_t code = next(&n, text + *at, size - *at);
        if (is_edge(nfc, code)) {
            order = 0;
            *edge = code < 0 ? *at + 1 : *at;
            continue;
        }
        if (nfc->orders[code] == LOOSE || nfc->orders[code] < order)
            break;
        order = nfc->orders[code];
    }
    if (*at >= size)
        return false;
    for (*at += n; *at < size; *at += n)
        if (is_edge(nfc, next(&n, text + *at, size - *at)))
            break;
    return true;
}

const char *nfc_apply(const struct nfc *nfc, struct text *out, const char *text, size_t size,
                      size_t *out_size)
{
    size_t edge, at = 0, done = 0;
    bool changed = false;
    while (find_span(nfc, &edge, &at, text, size)) {
        if (!changed)
            out->size = 0;
        changed = true;
        text_add_bytes(out, text + done, edge - done);
        add_normal(out, text + edge, at - edge);
        done = at;
    }
    if (!changed) {
        *out_size = size;
        return text;
    }
    text_add_bytes(out, text + done, size - done);
    *out_size = out->size;
    return out->bytes;
}
#else
struct nfc *nfc_open(struct err *err)
{
    err_set(err, ERR_DATA,
            "normalizer: found NFC, expected none: this program was built without utf8proc");
    return NULL;
}

void nfc_close(struct nfc *nfc)
{
    ASSERT(!nfc);
}

const char *nfc_apply(const struct nfc *nfc, struct text *out, const char *text, size_t size,
                      size_t *out_size)
{
    (void)nfc;
    (void)out;
    *out_size = size;
    return text;
}
#endif
