/* The name of a request's field on the command line: shared by option.c and option_help.c. */
#pragma once
#include "proto/schema/walk.h"

/* Returns "--max-seconds", or the word of a positional. The caller frees it. */
char *option_name(const ProtobufCFieldDescriptor *field, const struct field_doc *doc);

/* Whether the command needs it: a required field, or a repeated positional. */
bool option_is_required(const ProtobufCFieldDescriptor *field, const struct field_doc *doc);
