/* Memory. Out of memory ends the process with a sentence (exit code 4): no caller could do
 * better. */
#pragma once
#include <stddef.h>

/* Zeroed memory for n elements of the given size; never NULL (n may be 0). Freed with free(). */
void *mem_new(size_t n, size_t size);

/* Like realloc, to n elements of the given size; never NULL. */
void *mem_resize(void *p, size_t n, size_t size);

/* Copy of a string; NULL gives NULL. */
char *mem_strdup(const char *s);

/* Like printf, into new memory, which the caller frees. */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed floats on a 64-byte boundary, freed with free(). */
float *mem_floats(size_t n);

/* Makes room for one more element of a vector when n has reached *room. Returns the elements, which
 * may have moved; never NULL. */
void *mem_grow(void *p, size_t n, size_t *room, size_t size);
