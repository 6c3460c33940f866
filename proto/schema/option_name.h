/* How a field of a request is called on the command line: what option.c and option_help.c share. */
#pragma once
#include "proto/schema/walk.h"

/* "--max-seconds", or the word of a positional. Fresh text. */
char *option_name(const ProtobufCFieldDescriptor *field, const struct field_doc *doc);

/* Whether the command needs it: a required field, or a repeated positional. */
bool option_is_required(const ProtobufCFieldDescriptor *field, const struct field_doc *doc);
