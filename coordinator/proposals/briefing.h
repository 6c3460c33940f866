/* The briefing: what planners are given, and what `trireme briefing` prints. It is made of what is
 * known in memory and on disk alike, and contains nothing that a planner must not see (losses of
 * the gate, seeds, paths). Pure. */
#pragma once
#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct curve;
struct history;

/* What a briefing is made from. */
struct briefing_input {
    const Trireme__Config *config; /* in force */
    const Trireme__Config *asked;  /* as in config.yaml: the unit of the budget */
    const Trireme__Policy *policy; /* or NULL */
    const struct history *history;
    const struct curve *curve;
    uint64_t step;
    uint32_t room; /* hypotheses that could begin now */
};

/* Makes a briefing; the caller frees it with message_free. */
Trireme__Briefing *briefing_make(const struct briefing_input *input);
