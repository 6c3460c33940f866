/* Evaluates forks while they train: that may end one, never promote it. A fork's loss on a few
 * windows of the dev part is read where it begins and at the middle of its stretch; where it has
 * risen by more than a tenth, once more at the end. Above that all the time, the fork counts as
 * diverged: its tail and its gate windows are saved. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct gate_windows;
struct context;
struct pair;
struct early_stop;

enum { EARLY_STOP_WINDOWS = 16 /* of each source's dev part */ };

/* Begins to look at the pair's fork, which the servers have: from its first step on, or from where
 * it was suspended (or NULL). */
void early_stop_begin(struct pair *pair, const Trireme__EarlyStop *suspended);

/* Whether the fork is at its end, and nothing is to be looked at any more. */
bool early_stop_is_over(const struct pair *pair);

/* Borrowed: context, windows. */
struct early_stop *early_stop_new(const struct context *context,
                                  const struct gate_windows *windows);
void early_stop_free(struct early_stop *early_stop);

/* Goes on with all forks that have been begun and are not being measured: lets them train up to
 * where they are looked at next. */
void early_stop_turn(struct early_stop *early_stop, struct pair *pairs);

/* Forgets the pair: it is about to be freed. What is being read of it goes to nobody. */
void early_stop_forget(struct early_stop *early_stop, const struct pair *pair);
