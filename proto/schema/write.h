/* Messages into text. Numbers are written with the fewest digits that read back to the same bits; non-finite ones as
 * .nan/.inf in YAML and null in JSON. All return fresh text. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Block YAML; with_comments puts each field's comment, unit, bounds behind a '#'. */
char *yaml_write(const void *message, bool with_comments);

/* One line of JSON without a line end, fields in declared order; fields that are absent and have no default are left out. */
char *json_write(const void *message);

/* The same with line ends and two blanks a level, for files that people open. */
char *json_write_pretty(const void *message);

/* JSON Schema (draft 2020-12) of a message type: types, defaults, bounds, enums, descriptions, "x-unit", "x-when";
 * unknown keys are forbidden. */
char *json_schema_write(const ProtobufCMessageDescriptor *type);
