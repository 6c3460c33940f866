/* One scalar and the rules of its field: type, bounds, names. Error sentences are "found 'many',
 * expected a whole number from 1 to 1048576"; the caller adds the place by err_context. */
#pragma once
#include "proto/schema/walk.h"

#include "base/err.h"
#include "base/text.h"

struct node;

/* Reads a node as an element of a scalar field. Text is borrowed from the node. */
int value_read(struct scalar *value, const struct node *node, const ProtobufCFieldDescriptor *field,
               const struct field_doc *doc, enum err_code code, struct err *err);

/* Fails if a value is out of the bounds of its field. */
int value_check(struct scalar value, const ProtobufCFieldDescriptor *field,
                const struct field_doc *doc, enum err_code code, struct err *err);

/* Writes a scalar as text, as --set takes it; the only such function. Numbers keep all their bits;
 * also nan, inf and -inf. Words and texts are unchanged, bytes become text (utf8_from_bytes). */
void value_write(struct text *text, struct scalar value);

/* The smallest and the largest number that a whole-number field accepts by its type and its bounds.
 * False for other fields. */
struct whole_range {
    int64_t min;
    uint64_t max; /* of a signed type at most INT64_MAX; no field's values are all negative */
};
bool value_whole_range(struct whole_range *range, const ProtobufCFieldDescriptor *field,
                       const struct field_doc *doc);

/* "a whole number from 1 to 1048576", "a number of at least 0", "true or false", "gpt2 or llama",
 * "text". */
void value_expected(struct text *text, const ProtobufCFieldDescriptor *field,
                    const struct field_doc *doc);

/* "constant, cosine, linear": the names that an enum field takes; nothing for other fields. */
void value_names(struct text *text, const struct field_doc *doc);

/* "1/step, 0 to 100", for people: the unit and the declared bounds, if there are any. */
void value_note(struct text *text, const struct field_doc *doc);

/* Bytes from a user, without control bytes and cut to a length that fits a sentence; the second
 * function adds single quotes. */
void value_write_clean(struct text *text, const char *bytes);
void value_write_found(struct text *text, const char *bytes);
