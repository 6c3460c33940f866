/* A pair under way: a fork beside the trunk over one stretch, then both arms measured on the same
 * fresh windows of the gate part; in the slow class each at the end of a tail. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"
#include "files.pb-c.h"
#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ground;
struct trial;

/* One arm of a pair. */
struct arm {
    struct trial *base, *tail; /* borrowed; tail NULL: none, or not yet */
    bool borrows_tail;         /* it is another pair's */
    bool done, diverged;
    double *sums; /* losses of the windows, source after source; when done */
};

struct pair {
    struct pair *next;
    uint32_t number, index; /* of the hypothesis; of the pair in its attempt, from 0 */
    bool reverse;
    const Trireme__Plan *plan; /* borrowed from the history */
    uint64_t start, end;       /* steps of the trunk */
    struct trial *fork;        /* borrowed; NULL where there was no memory for it */
    uint64_t fork_end;         /* in the fork's own steps */
    Trireme__Peeks peeks;
    const Trireme__Peeks *
        suspended; /* borrowed; how it was looked at before it was suspended, or NULL: it was not */
    double forked_at; /* clock_now() when the fork was asked for; 0: its beginning has been told */
    char *no_room;    /* why there is no memory for its fork or a tail; NULL: there is */
    bool measuring;
    uint32_t *counts; /* windows of each source */
    uint64_t *first;  /* the first of them, in the order of the gate part */
    struct arm arms[2];
};
enum { ARM_TRUNK, ARM_FORK };

void pair_free(struct pair *pair);

/* Steps of the fork that have as many tokens as `steps` of the trunk; they must divide. */
uint64_t pair_steps(uint64_t steps, const Trireme__Run *trunk, const Trireme__Run *fork);
