/* Adding and resetting parts of a message, for code that reads and sets fields. Private to
 * proto/schema. Local. */
#pragma once
#include "proto/schema/walk.h"

/* Adds `more` elements at the end of a list: each 0, NULL, or a new message. */
void message_append(void *message, const ProtobufCFieldDescriptor *field, size_t more);

/* Resets a field to its default: no elements, the declared default (strings are owned copies), a
 * new submessage. Frees the old value. */
void message_reset(void *message, const ProtobufCFieldDescriptor *field);
