/* The briefing that planners get, and people with `trireme briefing`: made of what is on disk or in
 * memory alike, and of nothing that a planner must not see (losses of the gate, seeds, paths).
 * Pure. */
#pragma once
#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct curve;
struct history;

/* What a briefing is made of besides the curve. */
struct briefing_input {
    const Trireme__Config *config; /* in force */
    const Trireme__Config *asked;  /* the operator's: the unit of the budget */
    const Trireme__Policy *policy; /* or NULL */
    const struct history *history;
    const struct curve *curve;
    uint64_t step;
    uint32_t room; /* hypotheses that could begin now */
};

/* A fresh message, freed by message_free. */
Trireme__Briefing *briefing_make(const struct briefing_input *input);
