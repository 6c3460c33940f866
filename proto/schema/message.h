/* Messages: made with defaults, copied, compared, checked, packed, freed.
 *
 * A message made here owns everything in it, strings with default values included, and is freed by
 * message_free whatever set its fields: who sets a string by hand frees the old one and gives a
 * copy (mem_strdup). Singular submessages are always there. What counts as set is said in walk.h.
 * All functions are local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* A fresh message with declared defaults and with its singular submessages made, all the way down.
 * A string without a default is NULL. */
void *message_new(const ProtobufCMessageDescriptor *type);
void message_free(void *message);        /* accepts NULL */
void *message_copy(const void *message); /* NULL gives NULL */

/* Whether nothing differs (message_diff): a scalar that is absent equals one with the default
 * value, an absent submessage equals one made by message_new. */
bool message_equal(const void *a, const void *b);

/* Wire form. pack gives fresh bytes and asserts that required fields are there; unpack gives a
 * message like message_new's, or NULL with the sentence (ERR_MACHINE) where the bytes are no such
 * message: damaged, a required field missing, an enum number that the schema does not know. */
unsigned char *message_pack(const void *message, size_t *size);
void *message_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                     struct err *err);

/* Checks every field against its bounds; the first one outside is the error (ERR_USAGE): where,
 * path, value, what is allowed. nan is outside of any bound; fields without bounds take every
 * number. */
int message_check(const void *message, const char *where, struct err *err);

/* Paths of the scalar leaves in which two messages of one type differ ("optimizer.lr",
 * "data.sources.0.weight"), in the order of declaration; at most max are written, each owned by the
 * caller. Lists that differ in length differ as a whole ("data.sources"). Returns the number of
 * differences, which may be above max. */
size_t message_diff(char **paths, size_t max, const void *a, const void *b);

/* The doc of the field that a path like "data.sources.0.weight" ends in; of an element, its list's.
 * List numbers are not compared with any message. NULL with a sentence (ERR_USAGE) that says which
 * part is unknown and what is there instead. */
const struct field_doc *message_field_doc(const ProtobufCMessageDescriptor *type, const char *path,
                                          struct err *err);
