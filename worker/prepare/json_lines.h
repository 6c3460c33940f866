/* JSON lines: a text whose every line is a JSON object, and a document is the text in one field of
 * it. Lines of white space alone are passed over. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_LINES_MAX = 1 << 30 }; /* bytes of a line */

/* Whether a file of that name holds JSON lines: .json, .jsonl, or an archive of one. */
bool json_lines_named(const char *name);

/* A line that comes in pieces. */
struct json_lines {
    const char *path, *field; /* borrowed */
    struct text line;         /* unfinished */
    uint64_t number;          /* of the line, from 1 */
};

/* Receives the document of a line; n may be 0. */
typedef int (*json_lines_take_fn)(void *context, uint64_t line, const unsigned char *bytes,
                                  size_t n, struct err *err);

/* Adds a piece of the text, and hands over the documents of the lines that are whole. n 0: the text
 * has ended. ERR_DATA with file and line: no JSON object, no such field, a field that is not text,
 * a line above JSON_LINES_MAX. */
int json_lines_add(struct json_lines *lines, const unsigned char *bytes, size_t n,
                   json_lines_take_fn take, void *context, struct err *err);
void json_lines_clear(struct json_lines *lines);
