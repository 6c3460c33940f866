/* Unicode's normal form C (UAX 15), by utf8proc where the build has it. Bytes that are not of a
 * valid character stay, and nothing is composed or reordered across them. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct text;

/* ERR_DATA with a sentence where the build has no utf8proc. Constant afterwards, so threads may
 * share it. */
struct nfc *nfc_open(struct err *err);
void nfc_close(struct nfc *nfc); /* accepts NULL */

/* Sets out to the normal form, and returns its bytes: where nothing changes that is the text
 * itself, and out is left alone. */
const char *nfc_apply(const struct nfc *nfc, struct text *out, const char *text, size_t size,
                      size_t *out_size);
