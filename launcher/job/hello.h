/* The first message between ranks. Each rank says what it was started as, and rank 0 compares it
 * with its own, before the run is touched: ranks of one job that were started differently (four
 * runs in one step, another number of servers on one node) are refused by rank and field. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <signal.h>

struct endpoint;

/* Makes the message; freed by message_free. command: its words, ended by NULL. request: NULL if it
 * could not be read. config: borrowed, or NULL if this rank cannot read it. refused: why the rank
 * cannot take part, or NULL. */
Trireme__Hello *hello_new(const char *const *command, const void *request,
                          const Trireme__Config *config, const struct err *refused);

/* Compares what another rank said with rank 0's own. request: rank 0's. ERR_USAGE with the first
 * field that differs, or as the rank was refused. Pure. */
int hello_compare(const Trireme__Hello *mine, const Trireme__Hello *theirs, const void *request,
                  int rank, struct err *err);

/* Rank 0: reads the message of every other rank, for so many seconds at most, and compares them
 * unless mine is refused. The sentence is that of the lowest rank that differs; ERR_STOPPED once
 * *stop is set; ERR_MACHINE where a rank did not say anything. */
int hello_gather(struct endpoint *endpoint, const Trireme__Hello *mine, const void *request,
                 double seconds, const volatile sig_atomic_t *stop, struct err *err);
