/* Whether a proposal may be made: a change of the recipe in force that schema and policy allow,
 * that is not tried already, and for which hypotheses, time and money are left. The intake asks
 * before it takes one; `trireme price` asks from a run's files. Pure. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/prospect.h"

#include "config.pb-c.h"
#include "ledger.pb-c.h"
#include "planner.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct entry;

/* What it is checked against; all borrowed. */
struct validate {
    const struct prospect *prospect;
    const Trireme__Policy *policy; /* or NULL */
    const char *off;               /* why nothing can be tried in this run, or NULL */
    bool allow_noop;               /* a change of nothing is legal (tests of forks) */
};

/* The recipe that a change makes of the one in force; fresh, NULL with the reason (ERR_USAGE). Its
 * paths name sources by number (patch_number_sources). */
Trireme__Config *validate_recipe(const struct validate *validate, const Trireme__Proposal *proposal,
                                 struct err *err);

/* What was found of a proposal, also of one that is refused. */
struct validated {
    Trireme__Config *after;        /* the recipe that it makes, the caller's; NULL: there is none */
    const struct entry *duplicate; /* says the same; borrowed, or NULL */
    Trireme__Cause cause;          /* why not, in one word */
};

/* Checks in full whether the change of a proposal may be tried beside the recipe in force: of
 * `entry`, or (NULL) of nobody yet, at `step`. What it replaces ends with that. person: as in
 * prospect_check. ERR_USAGE with the reason. */
int validate_proposal(struct validated *found, const struct validate *validate,
                      const Trireme__Proposal *proposal, const struct entry *entry, uint64_t step,
                      bool person, struct err *err);

/* What follows if it is legal: what the run's mode does with a proposal of a person (whether or not
 * that is proven), or of a planner; the same as a sentence. deferred: it waits for another, behind
 * its approval if it needs that. */
Trireme__Validation__Next validate_next(const Trireme__Config *asked, bool person, bool deferred);
const char *validate_says(Trireme__Validation__Next next);
