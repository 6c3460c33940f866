#include "proto/schema/json_out.h"
#include "proto/schema/number.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

static bool enter_message(void *context, const char *name, const ProtobufCMessageDescriptor *type,
                          const struct field_doc *doc)
{
    (void)type, (void)doc;
    json_out_open(context, name, '{');
    return true;
}

static void leave_message(void *context, const char *name)
{
    (void)name;
    json_out_close(context, '}');
}

static bool enter_list(void *context, const char *name, const struct field_doc *doc, size_t n)
{
    (void)n;
    json_out_open(context, name, doc->map ? '{' : '[');
    return true;
}

static void leave_list(void *context, const char *name, const struct field_doc *doc)
{
    (void)name;
    json_out_close(context, doc->map ? '}' : ']');
}

static void scalar(void *context, const char *name, const struct field_doc *doc,
                   struct scalar value, bool is_default)
{
    (void)is_default;
    if (doc->map && number_is_literal(value.text))
        json_out_literal(context, name, value.text);
    else
        json_out_scalar(context, name, value);
}

static char *write(const void *message, bool pretty)
{
    struct json_out out = {.pretty = pretty};
    struct visitor visitor = {&out,       enter_message, leave_message, enter_list,
                              leave_list, scalar,        NULL};
    message_walk(message, &visitor);
    return json_out_take(&out);
}

char *json_write(const void *message)
{
    return write(message, false);
}

char *json_write_pretty(const void *message)
{
    return write(message, true);
}
