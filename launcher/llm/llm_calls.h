/* What a language model was asked and told, in RUN/planner (0700, files 0600):
 *
 *   turn-N   for each call of the turn two lines: the body of what was asked, as it was sent, and a
 *            JSON object {"status", "stop", "answered"}. Their digests are in the ledger:
 *            `sed -n 1p RUN/planner/turn-3 | sha256sum`
 *   calls    calls that the ledger may not have yet, a JSON object (message Proposals): the newest
 *            turn's, written before each call is made, so that none that was under way when the run
 *            or its planner ended is missing from the budget. Of a turn that the ledger has they
 *            mean nothing any more
 *
 * A disk that is full is no reason to lose an answer: what cannot be written is said on stderr.
 * Local. */
#pragma once
#include "planner.pb-c.h"

/* Writes turn-N of the calls that have texts, and puts the digests in their place. */
void llm_calls_write(const char *folder, uint32_t turn, Trireme__Proposals *told);

/* Writes `calls`: those that are left, then those so far. */
void llm_calls_note(const char *folder, const Trireme__Proposals *left,
                    const Trireme__Proposals *so_far);

/* Returns the calls in `calls` of turns after this one, perhaps none; their texts are written. The
 * caller's. */
Trireme__Proposals *llm_calls_left(const char *folder, uint32_t turn);

/* Puts calls before those of an answer; they are the answer's then. */
void llm_calls_prepend(Trireme__Proposals *answer, Trireme__Proposals *left);
