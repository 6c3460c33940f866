/* What the workers say of the bytes of the token files: one worker a host reads them whole, beside
 * the work, since hosts may have copies of their own. All must find the same, and what the launches
 * before found (RUN/data.yaml). The first one also sends the files of the tokenizer, where the run
 * does not keep them (RUN/tokenizer). No checkpoint is complete before they have. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stdbool.h>

struct run;
struct whole_read;

/* Reads RUN/data.yaml where a checkpoint is continued. run is borrowed. */
struct whole_read *whole_read_new(const struct run *run, struct err *err);
void whole_read_free(struct whole_read *whole_read); /* accepts NULL */

/* A worker is ready. Returns whether it is to be asked: the first of its host. */
bool whole_read_ready(struct whole_read *whole_read, const Trireme__Ready *ready);

/* Whether the worker that whole_read_ready has just named is to send the tokenizer's files. */
bool whole_read_wants_tokenizer(const struct whole_read *whole_read);

/* A worker that was asked has answered. Its tokenizer's files are written; the last answer writes
 * RUN/data.yaml. who: the worker's name in sentences. ERR_DATA: a file is not the one before, or
 * not that of another host. */
int whole_read_add(struct whole_read *whole_read, const char *who, const Trireme__WasRead *was_read,
                   struct err *err);

/* All that were asked have answered. */
bool whole_read_done(const struct whole_read *whole_read);

/* Whether the launches before have left digests to compare with; whether they should have. */
bool whole_read_compares(const struct whole_read *whole_read);
bool whole_read_is_first(const struct whole_read *whole_read);

/* What a source reads as what, in fresh memory; NULL: nobody said. */
char *whole_read_sentence(const struct whole_read *whole_read, const char *source);
