/* Looks at forks while they train: peeking may end one, never promote it. A fork's loss on a few
 * windows of the dev part is read where it begins and at the middle of its stretch; where it has
 * risen by more than a tenth, once more at the end. Above that all the time, the fork counts as
 * diverged: its tail and its gate windows are saved. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct gate_text;
struct context;
struct pair;
struct peek;

enum { PEEK_WINDOWS = 16 /* of each source's dev part */ };

/* Begins to look at the pair's fork, which the servers have: from its first step on, or from where
 * it was suspended (or NULL). */
void peek_begin(struct pair *pair, const Trireme__Peeks *suspended);

/* Whether the fork is at its end, and nothing is to be looked at any more. */
bool peek_is_over(const struct pair *pair);

/* Borrowed: context, text. */
struct peek *peek_new(const struct context *context, const struct gate_text *text);
void peek_free(struct peek *peek);

/* Goes on with all forks that have been begun and are not being measured: lets them train up to
 * where they are looked at next. */
void peek_turn(struct peek *peek, struct pair *pairs);

/* Forgets the pair: it is about to be freed. What is being read of it goes to nobody. */
void peek_forget(struct peek *peek, const struct pair *pair);
