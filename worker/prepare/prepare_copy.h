/* The second half of `data prepare`: the documents' tokens to their places in the token files.
 * Where a byte is a token the documents are read again for it, else the tokens are in the
 * encoding's spool. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct documents;
struct prepare_plan;
struct watch;

/* Writes train_000000.bin .. and val_000000.bin .. into a folder that exists, and makes them
 * durable; there is no validation file without validation. shown: the folder's name in sentences.
 * jobs: threads that copy, at least one, a file of documents each at a time. watch may be NULL.
 * ERR_DATA where a document that is read again is not what it was, ERR_USAGE where the system
 * refuses to write. */
int prepare_copy(const char *folder, const char *shown, const struct prepare_plan *plan,
                 const struct documents *documents, size_t jobs, struct watch *watch,
                 struct err *err);
