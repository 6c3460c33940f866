/* Requests in RUN/inbox. The intake takes those about proposals; those to stop the launch are taken
 * here, at any time.
 *
 * With a seal that holds (seal.h) and was not taken before (nonces.h) a request is a person's, and
 * may ask for anything. Without one it is a planner's: it may propose, which needs approval where
 * planners' proposals do, kill what the same user proposed without a seal, leave notes, end the
 * turn of a planner that is a client, and tell of the calls of a language model that such a client
 * asks. Everything else is refused with a sentence; the ledger tells of the first refusals of a
 * launch, the log of all. A request with a seal that does not hold is refused whatever it asks for.
 * A request to stop names its launch, so its seal is not remembered: asked twice it is the same. */
#pragma once
#include "base/err.h"

#include <stdbool.h>

struct run;

/* Takes and answers the next request to stop. Sets *stop if it means this launch, else leaves it.
 * Returns 1, 0 if there is none, or -1 with a sentence. Local; cheap if the folder is empty. */
int people_read_stop(bool *stop, const struct run *run, struct err *err);
