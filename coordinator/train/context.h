/* What a campaign stands on: the parts of the coordinator that it works with, all borrowed. */
#pragma once
#include "config.pb-c.h"

struct chronicle;
struct evaluator;
struct history;
struct roster;
struct progress;
struct run;
struct suspended;
struct trial;
struct trials;

struct ground {
    const struct run *run;
    const struct roster *roster;
    struct trials *trials;
    struct evaluator *evaluator;
    struct chronicle *chronicle;
    struct progress *progress;
    const struct suspended *suspended;
    struct trial **trunk; /* the trial that the user's model is: a promotion makes it another one */
};

/* What the ledger says so far; the trunk; the configuration that it trains with. Borrowed. */
struct history *ground_history(const struct ground *ground);
const struct trial *ground_trunk(const struct ground *ground);
const Trireme__Run *ground_config(const struct ground *ground);
