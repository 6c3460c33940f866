/* Text into messages: YAML and JSON files, and single "a.b=c" settings.
 *
 * A text is first read into a tree of nodes with line numbers (node.h), the same for both
 * languages; then one reader puts the tree into a message. Unknown keys, duplicate keys, wrong
 * types, values out of bounds are errors that name file, line, path, value and what is allowed
 * (JSON has lines only in syntax errors):
 *     run.yaml:12: optimizer.lrr: unknown key, expected one of name, lr, ... (did you mean lr?)
 *     run.yaml:7: train.batch: found 'many', expected a whole number from 1 to 1048576
 * Whole numbers are digits alone (no 1e3, no 2.0), bools are true and false alone, nan and inf are
 * no numbers; a plain YAML word is text where the field is text. The values of a map are texts;
 * numbers, true and false become texts as they are spelled (JSON's numbers with a point as
 * number_write_real spells them). null, or nothing after a YAML key, resets a field to its default.
 *
 * On error the message is unchanged. A successful call may replace what its fields point to: older
 * pointers into the message are no longer valid. `where` names the source in sentences ("run.yaml",
 * "--set"). Local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>

struct node;

/* Read text over the values in the message: given fields are replaced, lists as a whole,
 * submessages field by field. A YAML text without a document (empty, or comments only) gives no
 * field. The caller chooses the error code. */
int yaml_read(void *message, const char *text, size_t size, const char *where, enum err_code code,
              struct err *err);
int json_read(void *message, const char *text, size_t size, const char *where, enum err_code code,
              struct err *err);

/* The same with a tree that was read before (node.h), and perhaps amended. It is freed, on error
 * too. NULL: -1; whoever read it has said why. */
int node_read(void *message, struct node *root, const char *where, enum err_code code,
              struct err *err);

/* Applies one setting, "optimizer.lr=5e-4". The value is YAML (flow lists and maps allowed; an
 * empty value is the empty text). List elements are named by number; one past the end appends.
 * Fails with ERR_USAGE. */
int message_set(void *message, const char *setting, const char *where, struct err *err);

/* Sets the scalar at a path to a literal value (no YAML; for command options), with the same
 * checks. */
int message_set_path(void *message, const char *path, const char *value, const char *where,
                     struct err *err);
