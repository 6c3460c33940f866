/* A growing string of bytes, for text output: YAML, JSON, help. */
#pragma once
#include <stddef.h>

struct text {
    char *bytes; /* owned; always ends with a NUL that size does not count; NULL while empty */
    size_t size, room;
};

void text_add(struct text *text, const char *s);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text);

/* Returns the bytes (never NULL), which the caller frees. The text is empty afterwards. */
char *text_take(struct text *text);
