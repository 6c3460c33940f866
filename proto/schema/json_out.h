/* JSON written piece by piece. Commas, line ends and quotes are added here. key is NULL outside of
 * objects. */
#pragma once
#include "base/text.h"

#include "proto/schema/walk.h"

struct json_out {
    struct text text;
    bool pretty;
    unsigned depth;
    bool has_sibling; /* something was written before in this object or list */
};

void json_out_open(struct json_out *out, const char *key, char bracket);
void json_out_close(struct json_out *out, char bracket);
void json_out_text(struct json_out *out, const char *key, const char *value);
/* a number, true, false; or any JSON that was written before */
void json_out_literal(struct json_out *out, const char *key, const char *literal);
void json_out_scalar(struct json_out *out, const char *key, struct scalar value);
char *json_out_take(struct json_out *out);
