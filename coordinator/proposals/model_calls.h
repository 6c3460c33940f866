/* Calls of a language model that proposes: a record (event) of each. They come with the answer of
 * the planner llm, or by the inbox from a client that asks a model elsewhere (`trireme plan`),
 * which may send them late, or twice. They are no inputs: a repetition does not know of them.
 * Local. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stdint.h>

struct intake;

enum {
    MODEL_CALLS_MAX = 64,   /* by the inbox, between two questions to the planner */
    MODEL_CALLS_TEXT = 1000 /* bytes of a text in one; what is longer is cut */
};

/* Writes the calls, then why they gave no answer, where they did not (else NULL or ""). An error is
 * one of the ledger. */
int model_calls_write(struct intake *intake, Trireme__Call *const *calls, size_t n,
                      const char *gave_up, const char *by, uint64_t step, struct err *err);

/* Whether numbers that somebody sent may be those of calls: none below 0, a turn in each.
 * ERR_USAGE. Pure. */
int model_calls_check(Trireme__Call *const *calls, size_t n, struct err *err);

/* The same for those that a request tells of; the answer, a fresh message, is filled in. Those of a
 * turn that the ledger has are passed over, so a request may be repeated. */
int model_calls_take(struct intake *intake, const Trireme__Request *request, const char *by,
                     uint64_t step, Trireme__Answer *answer, struct err *err);
