#include "proto/schema/message_path.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 16 };

/* The current path: where each part of it begins, and at each depth the number of the next
 * element. */
struct descent {
    struct text path;
    size_t start[DEPTH_MAX], next[DEPTH_MAX];
    unsigned depth;
    message_path_fn visit;
    void *context;
};

static void go_down(struct descent *d, const char *name)
{
    ASSERT(d->depth + 1 < DEPTH_MAX);
    d->start[d->depth] = d->path.size;
    text_add(&d->path, d->path.size ? "." : "");
    if (name)
        text_add(&d->path, name);
    else
        text_printf(&d->path, "%zu", d->next[d->depth]++);
    d->next[++d->depth] = 0;
}

static void go_up(struct descent *d)
{
    d->path.size = d->start[--d->depth];
    d->path.bytes[d->path.size] = 0;
}

static bool enter_message(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc)
{
    (void)type;
    if (doc) // the root has none, and no name
        go_down(context, name);
    return true;
}

static void leave_message(void *context, const char *name)
{
    (void)name;
    struct descent *d = context;
    if (d->depth)
        go_up(d);
}

static bool enter_list(void *context, const char *name, const struct field_doc *doc, size_t n)
{
    (void)doc, (void)n;
    go_down(context, name);
    return true;
}

static void leave_list(void *context, const char *name, const struct field_doc *doc)
{
    (void)name, (void)doc;
    go_up(context);
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    (void)is_default;
    struct descent *d = context;
    struct text word = {0};
    value_write(&word, value);
    go_down(d, name);
    struct message_path leaf = {d->path.bytes, doc, value.kind, word.bytes ? word.bytes : ""};
    d->visit(d->context, &leaf);
    go_up(d);
    text_clear(&word);
}

void message_path_visit(const void *message, message_path_fn visit, void *context)
{
    struct descent d = {.visit = visit, .context = context};
    struct visitor visitor = {&d,         enter_message, leave_message, enter_list,
                              leave_list, scalar,        NULL};
    message_walk(message, &visitor);
    text_clear(&d.path);
}

struct wanted {
    const char *path;
    char *text;
};

static void see_value(void *context, const struct message_path *leaf)
{
    struct wanted *wanted = context;
    if (!wanted->text && !strcmp(leaf->path, wanted->path))
        wanted->text = mem_strdup(leaf->text);
}

char *message_path_value(const void *message, const char *path)
{
    struct wanted wanted = {.path = path};
    message_path_visit(message, see_value, &wanted);
    return wanted.text;
}

bool message_path_match(const char *pattern, const char *path)
{
    for (;;) {
        size_t n = strcspn(pattern, "."), m = strcspn(path, ".");
        bool any = n == 1 && *pattern == '*';
        if (!any && (n != m || memcmp(pattern, path, n) != 0))
            return false;
        pattern += n, path += m;
        if (!*pattern || !*path)
            return !*pattern && !*path;
        pattern++, path++;
    }
}
