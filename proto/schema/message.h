/* Messages: made with defaults, set by path, compared, copied, freed.
 *
 * A message made here owns everything in it, and is freed by message_free whatever set its fields. All functions are
 * local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* A fresh message with declared defaults and with its singular submessages made, all the way down. */
void *message_new(const ProtobufCMessageDescriptor *type);
void message_free(void *message); /* accepts NULL */
void *message_copy(const void *message);
bool message_equal(const void *a, const void *b); /* by encoded bytes of what is set or differs from defaults; absent and default-valued scalars are equal */

/* Wire form. pack gives fresh bytes; unpack gives NULL with the sentence where the bytes are no such message. */
unsigned char *message_pack(const void *message, size_t *size);
void *message_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size, struct err *err);

/* Checks every field against its bounds; the first one outside is the error: path, value, what is allowed. */
int message_check(const void *message, const char *where, struct err *err);

/* Paths of the scalar leaves in which two messages of one type differ ("optimizer.lr"), in order; at most max are
 * written, each owned by the caller. Lists that differ in length differ as a whole. Returns the number of differences.
 * when (may be NULL) receives the most restrictive class: if any differing field may never change, WHEN_NEVER. */
size_t message_diff(char **paths, size_t max, const void *a, const void *b);

/* The doc of the field that a path like "data.sources.0.weight" ends in; NULL with a sentence that says which part is
 * unknown and what is there instead. */
const struct field_doc *message_path_doc(const ProtobufCMessageDescriptor *type, const char *path, struct err *err);
