#include "proto/schema/option.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/option_name.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

/* Options are written before "--", positionals after it. */
struct words {
    char **words;
    size_t n, room;
};

struct out {
    const ProtobufCMessageDescriptor *type;
    struct words options, places;
};

static void add(struct words *w, char *word)
{
    w->words = mem_grow(w->words, w->n, &w->room, sizeof *w->words);
    w->words[w->n++] = word;
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    struct out *out = context;
    if (is_default && name)
        return;
    struct text word = {0};
    value_write(&word, value);
    char *text = text_take(&word);
    if (doc->place) {
        add(&out->places, text);
        return;
    }
    char *option = option_name(doc_field(out->type, doc), doc);
    add(&out->options, mem_format("%s=%s", option, text));
    free(option);
    free(text);
}

static bool enter_message(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc)
{
    (void)context, (void)type, (void)doc;
    ASSERT(!name); // a request has no messages in it
    return true;
}

static bool enter_list(void *context, const char *name, const struct field_doc *doc, size_t n)
{
    (void)context, (void)name, (void)doc, (void)n;
    return true;
}

static void leave_message(void *context, const char *name)
{
    (void)context, (void)name;
}

static void leave_list(void *context, const char *name, const struct field_doc *doc)
{
    (void)context, (void)name, (void)doc;
}

char **options_write(const void *request, size_t *n)
{
    struct out out = {.type = ((const ProtobufCMessage *)request)->descriptor};
    const struct visitor visitor = {.context = &out,
                                    .enter_message = enter_message,
                                    .leave_message = leave_message,
                                    .enter_list = enter_list,
                                    .leave_list = leave_list,
                                    .scalar = scalar};
    message_walk(request, &visitor);
    if (out.places.n)
        add(&out.options, mem_strdup("--"));
    for (size_t i = 0; i < out.places.n; i++)
        add(&out.options, out.places.words[i]);
    free(out.places.words);
    *n = out.options.n;
    add(&out.options, NULL);
    return out.options.words;
}
