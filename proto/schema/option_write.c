#include "proto/schema/option.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/schema/docs.h"
#include "proto/schema/number.h"
#include "proto/schema/option_name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Options stand before "--", positionals behind it. */
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

static char *value_text(struct scalar value)
{
    char number[NUMBER_SIZE];
    switch (value.kind) {
    case SCALAR_BOOL:
        return mem_strdup(value.b ? "true" : "false");
    case SCALAR_INT:
        return mem_format("%" PRId64, value.i);
    case SCALAR_UINT:
        return mem_format("%" PRIu64, value.u);
    case SCALAR_REAL:
    case SCALAR_FLOAT:
        number_write(number, value.r, value.kind == SCALAR_FLOAT);
        return mem_strdup(number);
    case SCALAR_TEXT:
        return mem_strdup(value.text);
    case SCALAR_BYTES:
        break;
    }
    ASSERT(!"a request has fields that are options");
    return NULL;
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    struct out *out = context;
    if (is_default && name)
        return;
    char *text = value_text(value);
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
