/* Evaluates forks while they train. That may end a fork, and never adopts one. The loss on a few
 * windows of the dev part is read where the fork begins and in the middle of its stretch, not
 * before its 20th step (a shorter one is not evaluated at all); if it has risen by more than a
 * tenth, once more at the end. If it is still that high, the fork counts as diverged, which saves
 * its tail and its gate windows. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct gate_windows;
struct context;
struct pair;
struct early_stop;

enum { EARLY_STOP_WINDOWS = 16 /* of each source's dev part */, EARLY_STOP_STEPS = 20 };

/* Begins with a pair's fork, whose state is there. suspended: how far it was evaluated before it
 * was suspended, or NULL. */
void early_stop_begin(struct pair *pair, const Trireme__EarlyStop *suspended);

/* Whether the fork has arrived and nothing more is to be evaluated. */
bool early_stop_is_over(const struct pair *pair);

/* context and windows are borrowed. */
struct early_stop *early_stop_new(const struct context *context,
                                  const struct gate_windows *windows);
void early_stop_free(struct early_stop *early_stop);

/* Takes in a loss that was read of a pair's fork, and sets how far the fork trains now, or that it
 * diverged. */
void early_stop_take(struct pair *pair, double loss);

/* Goes on with the forks of all pairs that are not being measured: evaluates them, and lets them
 * train up to where they are evaluated next. */
void early_stop_turn(struct early_stop *early_stop, struct pair *pairs);

/* The pair is about to be freed: what is being read of it is discarded. */
void early_stop_forget(struct early_stop *early_stop, const struct pair *pair);
