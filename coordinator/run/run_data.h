/* RUN/data.yaml: the token files that a run reads, what each is for, and the digest of its bytes;
 * what the tokens stand for.
 * Written before the first checkpoint is complete; a launch that continues compares. Paths may
 * differ, since files may be moved; order, use and bytes may not. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stddef.h>

/* Freed by message_free. *data is NULL where the run has none (one of an older version). */
int run_data_read(Trireme__RunData **data, const char *run, struct err *err);

/* Writes it atomically, unless the same is there. */
int run_data_write(const Trireme__RunData *data, const char *run, struct err *err);

/* ERR_DATA: the first file that is not the one before, with both digests, or a number of files that
 * differs, or tokens that stand for something else. before_name: where `before` stands, and what a
 * difference means: the sentence's end. */
int run_data_compare(const Trireme__RunData *now, const Trireme__RunData *before,
                     const char *before_name, struct err *err);

/* What a source reads as what, as one sentence in fresh memory; NULL: it has no row. */
char *run_data_sentence(const Trireme__RunData *data, const char *source);
