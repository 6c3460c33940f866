/* Notes for the next turn, the next launch, or whoever looks next. Like a proposal a note is an
 * input: the ledger has it at an exact step, a launch that continues and a replay repeat it, and
 * nothing of the training follows from it. It stays where its record is superseded. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stdint.h>

struct intake;

enum { NOTE_BYTES = 500, NOTES_OF_PLANNERS = 64 /* in a run */ };

/* ERR_USAGE with a sentence unless the text is UTF-8 of 1 to NOTE_BYTES bytes, all of them
 * characters that may be shown. Pure. */
int note_check(const char *text, struct err *err);

/* Takes a note in, or says in the answer, a fresh message, why not. One that the same actor has
 * left before is there already: a request that a launch took and did not answer comes twice. An
 * error is one of the ledger. */
int note_submit(struct intake *intake, const char *text, const char *by, uint64_t step,
                Trireme__Answer *answer, struct err *err);

/* Writes the record of a note that was taken in. */
int note_repeat(struct intake *intake, const char *text, const char *by, uint64_t step,
                struct err *err);
