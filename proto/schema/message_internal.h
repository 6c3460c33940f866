/* Parts of a message that are made anew, for what reads and sets: inside proto/schema only. Local.
 */
#pragma once
#include "proto/schema/walk.h"

/* Makes more elements at the end of a list: each 0, NULL, or a fresh message. */
void message_append(void *message, const ProtobufCFieldDescriptor *field, size_t more);

/* Back to the default: no elements, the declared default (strings are owned copies), a fresh
 * submessage. What was there is freed. */
void message_reset(void *message, const ProtobufCFieldDescriptor *field);
