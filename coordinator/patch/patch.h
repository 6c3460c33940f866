/* A patch: a change of the configuration that a planner or a person proposes. What is legal follows
 * from the schema (`judged`, bounds, rules over several fields) and from the policy of the run,
 * which can only narrow it. Pure. */
#pragma once
#include "base/err.h"
#include "coordinator/patch/policy.h"

#include "planner.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PATCH_SKIP_MAX = 10000000 /* samples at once: ranks count through them */,
    PATCH_PATHS_MAX = 8,
    PATCH_TEXT_MAX = 500 /* bytes of each text of a proposal */
};

/* A copy of a proposal in which a source that is named by its name in a path ("data.sources.code.
 * weight") stands by its number. */
Trireme__Proposal *patch_number_sources(const Trireme__Proposal *proposal,
                                        const Trireme__Config *config);

/* Checks what needs no configuration: at least one change and at most PATCH_PATHS_MAX; texts that
 * are UTF-8, without control characters, and not too long. ERR_USAGE. */
int patch_check_proposal(const Trireme__Proposal *proposal, struct err *err);

/* Returns the configuration with the changes applied, resolved and checked as a whole; fresh. NULL
 * with a sentence (ERR_USAGE) that says what to do instead: an unknown path, one that no experiment
 * may change, a value out of bounds or of the wrong type, the same path twice, no change, values
 * that do not go together, a change without effect. */
Trireme__Config *patch_apply(const Trireme__Config *config, Trireme__Change *const *changes,
                             size_t n, const Trireme__Policy *policy, struct err *err);

/* Calls visit for every path that an experiment may change under the policy (or NULL) and that has
 * an effect now (not the momentum of a rule that has none). What visit is given is borrowed. */
void patch_may_change(const Trireme__Config *config, const Trireme__Policy *policy,
                      void (*visit)(void *context, const Trireme__MayChange *may), void *context);
