/* Messages: made with defaults, copied, compared, checked, packed, freed.
 *
 * A message made here owns everything in it, strings with default values included, and is freed by
 * message_free whatever set its fields. To set a string by hand, free the old one and assign a copy
 * (mem_strdup). Singular submessages always exist. walk.h says when a field counts as set. All
 * functions are local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Makes a message with declared defaults and with its singular submessages, at every depth. A
 * string without a default is NULL. */
void *message_new(const ProtobufCMessageDescriptor *type);
void message_free(void *message);        /* accepts NULL */
void *message_copy(const void *message); /* NULL gives NULL */

/* Whether message_diff finds nothing: a scalar that is absent equals one with the default value, an
 * absent submessage equals one made by message_new. */
bool message_equal(const void *a, const void *b);

/* Wire form. message_pack returns bytes that the caller frees; it asserts that required fields are
 * set. message_unpack returns a message like message_new's, freed by message_free. It fails with
 * ERR_MACHINE if the bytes are damaged, a required field is missing, or the schema does not know an
 * enum number. */
unsigned char *message_pack(const void *message, size_t *size);
void *message_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                     struct err *err);

/* Checks every field against its bounds. Fails with ERR_USAGE at the first value out of bounds; the
 * sentence gives where, path, value and what is allowed. nan is out of any bounds; fields without
 * bounds accept every number. */
int message_check(const void *message, const char *where, struct err *err);

/* Writes the paths of the scalar leaves in which two messages of one type differ ("optimizer.lr",
 * "data.sources.0.weight"), in the order of declaration. Writes at most max paths, each owned by
 * the caller. Lists of different length differ as a whole ("data.sources"). Returns the number of
 * differences, which may be above max. */
size_t message_diff(char **paths, size_t max, const void *a, const void *b);

/* Returns the doc of the field at the end of a path like "data.sources.0.weight"; for an element,
 * that of its list. Element numbers are not checked against a message. Fails with ERR_USAGE; the
 * sentence says which part is unknown and what is expected there. */
const struct field_doc *message_field_doc(const ProtobufCMessageDescriptor *type, const char *path,
                                          struct err *err);
