#include "base/mem.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "trireme: out of memory: asked for %zu x %zu bytes\n", n, size);
    _exit(ERR_TRAIN); // base is below main, and unwinding a failed allocation would allocate
}

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    return p ? p : out_of_memory(n, size);
}

void *mem_resize(void *p, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        out_of_memory(n, size);
    size_t bytes = n * size;
    void *q = realloc(p, bytes ? bytes : 1);
    return q ? q : out_of_memory(n, size);
}

char *mem_strdup(const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    return memcpy(mem_new(n, 1), s, n);
}

char *mem_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *s = mem_new((size_t)n + 1, 1);
    va_start(args, format);
    vsnprintf(s, (size_t)n + 1, format, args);
    va_end(args);
    return s;
}

float *mem_floats(size_t n)
{
    if (n > (SIZE_MAX - 64) / sizeof(float))
        out_of_memory(n, sizeof(float));
    size_t bytes = (n * sizeof(float) + 63) / 64 * 64;
    void *p = aligned_alloc(64, bytes ? bytes : 64);
    if (!p)
        out_of_memory(n, sizeof(float));
    return memset(p, 0, bytes);
}

void *mem_grow(void *p, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return p;
    *room = *room ? 2 * *room : 8;
    return mem_resize(p, *room, size);
}
