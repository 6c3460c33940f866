/* The second reading of `data prepare`: the documents' bytes to their places in the token files. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct documents;
struct prepare_plan;
struct watch;

/* Writes train_000000.bin .. and val_000000.bin .. into a folder that exists, and makes them
 * durable; there is no validation file without validation. shown: the folder's name in sentences.
 * jobs: threads that copy, at least one, a file of documents each at a time. watch may be NULL.
 * ERR_DATA where a document is not what it was at the first reading, ERR_USAGE where the system
 * refuses to write. */
int prepare_copy(const char *folder, const char *shown, const struct prepare_plan *plan,
                 const struct documents *documents, size_t jobs, struct watch *watch,
                 struct err *err);
