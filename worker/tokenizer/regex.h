/* PCRE2, in the one form in which patterns are used here: on UTF-8, with Unicode's properties, and
 * compiled to machine code where that is possible. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct regex;
struct regex_space; /* what one thread needs to match */

/* ERR_DATA where PCRE2 does not take the pattern. */
struct regex *regex_open(const char *pattern, struct err *err);
void regex_close(struct regex *regex); /* accepts NULL */

struct regex_space *regex_space_new(const struct regex *regex);
void regex_space_free(struct regex_space *space); /* accepts NULL */

/* The first match at or behind `at` in the text: 1 with its begin and end, 0 where there is none,
 * -1 (ERR_DATA) where it takes too many steps or too much memory. The text must be valid UTF-8, and
 * is the whole of what the pattern sees. */
int regex_find(const struct regex *regex, struct regex_space *space, size_t *begin, size_t *end,
               const char *text, size_t size, size_t at, struct err *err);
