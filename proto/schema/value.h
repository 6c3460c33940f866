/* One scalar and the rules of its field: type, bounds, names. Sentences are "found 'many', expected
 * a whole number from 1 to 1048576", to which the caller adds the place by err_context. */
#pragma once
#include "proto/schema/walk.h"

#include "base/err.h"
#include "base/text.h"

struct node;

/* The value that a node gives to an element of a scalar field. Text is borrowed from the node. */
int value_read(struct scalar *value, const struct node *node, const ProtobufCFieldDescriptor *field,
               const struct field_doc *doc, enum err_code code, struct err *err);

/* Whether a value keeps the bounds of its field. */
int value_check(struct scalar value, const ProtobufCFieldDescriptor *field,
                const struct field_doc *doc, enum err_code code, struct err *err);

/* The value as one would write it in --set: numbers with all their bits, nan, inf and -inf, words
 * and texts as they stand, bytes as text (utf8_from_bytes). */
void value_write(struct text *text, struct scalar value);

/* The smallest and the largest number that a whole-number field takes by its type and its bounds.
 * False: it is no whole-number field. */
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

/* "1/step, 0 to 100" for people: unit and declared bounds, what there is of them. */
void value_note(struct text *text, const struct field_doc *doc);

/* Bytes of a user, cleaned of control bytes and cut to a length that fits a sentence; the same in
 * single quotes. */
void value_write_clean(struct text *text, const char *bytes);
void value_write_found(struct text *text, const char *bytes);
