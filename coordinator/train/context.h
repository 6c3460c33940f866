/* The parts of the coordinator that gate, campaign and proposals work with. All are borrowed. */
#pragma once
#include "config.pb-c.h"

struct journal;
struct evaluator;
struct history;
struct roster;
struct metrics;
struct progress;
struct run;
struct suspended;
struct trial;
struct trials;

struct context {
    const struct run *run;
    const struct roster *roster;
    struct trials *trials;
    struct evaluator *evaluator;
    struct journal *journal;
    struct progress *progress;
    struct metrics *metrics;
    const struct suspended *suspended;
    struct trial **trunk; /* a promotion makes another trial the trunk */
};

/* The state after the ledger's records so far; the trunk; the configuration that the trunk trains
 * with. Borrowed. */
struct history *context_history(const struct context *context);
const struct trial *context_trunk(const struct context *context);
const Trireme__Config *context_config(const struct context *context);

/* Whoever started the launch, as `by` says it (actor.h): a person, who has the run's secret. The
 * caller frees it. */
char *context_operator(const struct run *run);
