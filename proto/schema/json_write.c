#include "proto/schema/json_out.h"
#include "proto/schema/number.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

struct writer {
    struct json_out out;
    bool is_public; /* private fields are left out */
};

static bool is_hidden(const struct writer *w, const struct field_doc *doc)
{
    return w->is_public && doc && doc->is_private;
}

static bool enter_message(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc)
{
    struct writer *w = context;
    (void)type;
    if (is_hidden(w, doc))
        return false;
    json_out_open(&w->out, name, '{');
    return true;
}

static void leave_message(void *context, const char *name)
{
    struct writer *w = context;
    (void)name;
    json_out_close(&w->out, '}');
}

static bool enter_list(void *context, const char *name, const struct field_doc *doc, size_t n)
{
    struct writer *w = context;
    (void)n;
    if (is_hidden(w, doc))
        return false;
    json_out_open(&w->out, name, doc->map ? '{' : '[');
    return true;
}

static void leave_list(void *context, const char *name, const struct field_doc *doc)
{
    struct writer *w = context;
    (void)name;
    json_out_close(&w->out, doc->map ? '}' : ']');
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    struct writer *w = context;
    (void)is_default;
    if (is_hidden(w, doc))
        return;
    if (doc->map && number_is_literal(value.text))
        json_out_literal(&w->out, name, value.text);
    else
        json_out_scalar(&w->out, name, value);
}

static char *write(const void *message, bool pretty, bool is_public)
{
    struct writer w = {.out = {.pretty = pretty}, .is_public = is_public};
    struct visitor visitor = {&w,         enter_message, leave_message, enter_list,
                              leave_list, scalar,        NULL};
    message_walk(message, &visitor);
    return json_out_take(&w.out);
}

char *json_write(const void *message)
{
    return write(message, false, false);
}

char *json_write_public(const void *message)
{
    return write(message, false, true);
}

char *json_write_pretty(const void *message)
{
    return write(message, true, false);
}
