/* data.yaml of a folder whose files have been written. */
#pragma once
#include "base/err.h"

struct documents;
struct prepare_plan;

/* Its text, which the caller frees: reads the files in `folder` whole, for their digests.
 * NULL with a sentence. */
char *prepare_describe(const char *folder, const char *name, const struct prepare_plan *plan,
                       const struct documents *documents, struct err *err);
