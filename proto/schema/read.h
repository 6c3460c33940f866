/* Text into messages: YAML and JSON files, and single "a.b=c" settings.
 *
 * A text is first read into a tree of nodes with line numbers (node.h), whatever its language; then one reader puts
 * the tree into a message. Unknown keys, duplicate keys, wrong types, values out of bounds are errors that name file,
 * line, path, value and what is allowed:
 *     run.yaml:12: optimizer.lrr: unknown key, expected one of name, lr, beta1, ... (did you mean lr?)
 *     run.yaml:7: train.batch: found 'many', expected a whole number from 1 to 1048576
 * A failed call leaves the message as it was. `where` names the source in sentences ("run.yaml", "--set"). */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>

/* Reads text over what is in the message: given fields replace, lists replace whole lists. Error code: ERR_USAGE unless
 * the caller says otherwise. */
int yaml_read(void *message, const char *text, size_t size, const char *where, enum err_code code, struct err *err);
int json_read(void *message, const char *text, size_t size, const char *where, enum err_code code, struct err *err);

/* "optimizer.lr=5e-4": the value is YAML (flow lists and maps allowed); list elements by number, one past the end
 * appends. */
int message_set(void *message, const char *setting, const char *where, struct err *err);

/* Sets one path to a text value, with the same checks (for command options). */
int message_set_path(void *message, const char *path, const char *value, const char *where, struct err *err);
