/* Messages into text. Numbers are written with the fewest digits that read back to the same bits;
 * non-finite ones as .nan and .inf in YAML (which read.h refuses) and as null in JSON. What is
 * absent and has no default is left out. What is written reads back equal (message_equal), except
 * `bytes`: they are written as text (utf8_from_bytes). A map is an object with keys that differ
 * from each other; a value that is spelled like a JSON number, true or false is written without
 * quotes. All return text that the caller frees. Local. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct field_doc;

/* Block YAML in the order of declaration, with a line end at the end. with_comments adds each
 * field's comment, unit and bounds after a '#'. Text is quoted where any YAML reader could take it
 * for something else. */
char *yaml_write(const void *message, bool with_comments);

/* One line of JSON without a line end. Whole numbers of 2^63 and above are written in quotes,
 * because JSON readers lose digits of them; json_read accepts them. */
char *json_write(const void *message);

/* The same without the fields that are private (knob), at every depth: for planners, and for
 * clients that may not approve. */
char *json_write_public(const void *message);

/* The same with line ends and two blanks a level, and a line end at the end, for files that people
 * open. */
char *json_write_pretty(const void *message);

/* JSON Schema (draft 2020-12) of a message type, with line ends: types, defaults, bounds, enums,
 * descriptions; "x-unit", "x-when" (when the field of a run may change: live, checkpoint, growth,
 * never), "x-values" (what each name of an enum means); unknown keys are forbidden. Submessages are
 * in "$defs". */
char *json_schema_write(const ProtobufCMessageDescriptor *type);

/* The same on one line, as tools are described to their clients: without "$schema" and "x-when".
 * Of a request without what is for terminals (knob), and without one field that the server knows
 * (NULL: with it). Of a reply without the fields that json_write_public leaves out if is_public;
 * its numbers may be null, which is how json_write writes those that are not finite. */
char *json_schema_request(const ProtobufCMessageDescriptor *type, const struct field_doc *without);
char *json_schema_reply(const ProtobufCMessageDescriptor *type, bool is_public);
