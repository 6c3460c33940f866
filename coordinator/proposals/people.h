/* Requests of people in RUN/inbox. The intake takes those about proposals; those to stop the launch
 * are taken here, at any time. */
#pragma once
#include "base/err.h"

#include <stdbool.h>

struct run;

/* Takes and answers the next request to stop. Sets *stop if it means this launch, else leaves it.
 * Returns 1, 0 if there is none, or -1 with a sentence. Local; cheap if the folder is empty. */
int people_read_stop(bool *stop, const struct run *run, struct err *err);
