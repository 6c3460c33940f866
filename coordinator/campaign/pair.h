/* A pair under way: a fork beside the trunk over one stretch. At its end, each after a tail, both
 * are read on the same fresh windows of the gate part. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"
#include "files.pb-c.h"
#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct trial;

/* One of those that are read at the end of a stretch: the trunk, or a fork. */
struct arm {
    struct trial *base, *tail; /* borrowed; tail NULL: not yet */
    bool done, diverged;
    double *sums; /* losses of the windows, source after source; when done */
};

struct pair {
    struct pair *next;
    uint32_t number, index; /* of the hypothesis; of the pair in its attempt, from 0 */
    bool reverse;
    uint64_t start;     /* step of the trunk */
    struct trial *fork; /* borrowed; NULL where there was no memory for it */
    uint64_t fork_end;  /* in the fork's own steps */
    Trireme__EarlyStop early_stop;
    /* How far the fork was evaluated before it was suspended; borrowed, or NULL. */
    const Trireme__EarlyStop *suspended;
    double forked_at;     /* clock_now() when the servers were asked; 0: its record is written */
    char *gave_up;        /* why the machine cannot go on with it; NULL: it can */
    Trireme__Cause cause; /* of that */
    struct arm arm;       /* of the fork, when it is measured */
};

void pair_free(struct pair *pair);

/* Notes why the machine cannot go on with a pair; the second: that a rank refused a trial of it. */
void pair_give_up(struct pair *pair, Trireme__Cause cause, const char *reason);
void pair_refused(struct pair *pair, const struct trial *trial);

/* Names of trials other than the trunk, in metrics.jsonl and for people: "h3.1" is the fork of pair
 * 1 of hypothesis 3, "r3.1" that of a reverse pair, "h3.1-tail" the fork's tail,
 * "trunk-tail.400.20" the trunk's tail of 20 steps at step 400. Fresh text. */
char *pair_fork_name(uint32_t number, bool reverse, size_t pair);
char *pair_fork_tail_name(const char *fork);
char *pair_trunk_tail_name(uint64_t step, uint64_t steps);

/* Whether a trial of that name is a tail: its rate falls, it does not train as the trunk does. */
bool pair_name_is_tail(const char *name);

/* Whether a trial of that name belongs to a pair that is closed or observed. If not, its lines in
 * metrics.jsonl are removed at the start of a launch, since the pair will be run again. */
bool pair_of_name_is_over(const struct history *history, const char *name);
