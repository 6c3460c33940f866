/* A pattern of tokenizer.json (Oniguruma's syntax, as `tokenizers` uses it) as one of PCRE2.
 *
 * Taken are literals, groups ( (?: (?= (?!, | and the quantifiers ? * + {m} {m,} {m,n}, bracket
 * expressions with ranges, \p{Name}, \P{Name}, \s, \S, \r, \n, \t, escaped punctuation, and (?i:
 * with the letters of English contractions. All else is refused, since some of it differs between
 * the two: anchors, the point, \d, \w, nested brackets, &&, {m}+. */
#pragma once
#include "base/err.h"

/* The pattern for PCRE2, which the caller frees; NULL with ERR_DATA. */
char *pieces_pattern_read(const char *pattern, struct err *err);
