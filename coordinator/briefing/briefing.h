/* The briefing: what planners are given, and what `trireme briefing` prints. It is made of what is
 * known in memory and on disk alike, and contains nothing that a planner must not see (losses of
 * the gate, seeds, paths). Pure. */
#pragma once
#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct curve;
struct history;

/* What was said of each proposal at a step. Entry i is proposal i + 1. */
struct briefing_look {
    uint64_t step;
    const char **words; /* owned; the words themselves are constants */
    size_t n;
};
struct briefing_look briefing_look_at(const struct history *history, uint64_t step);
void briefing_look_clear(struct briefing_look *look);

/* What a briefing is made from. */
struct briefing_input {
    const Trireme__Config *config; /* in force */
    const Trireme__Config *asked;  /* as in config.yaml: the unit of the budget */
    const Trireme__Policy *policy; /* or NULL */
    const struct history *history;
    const struct curve *curve;
    uint64_t step;
    uint32_t room;              /* hypotheses that could begin now */
    uint32_t windows_max;       /* as campaign_windows_max; 0: not known */
    const double *goal;         /* weights of the sources in the goal; NULL: those of `asked` */
    const double *epochs;       /* of each source that were read; NaN: not known; NULL: none is */
    struct briefing_look since; /* the last look; words NULL: there was none */

    Trireme__Known *const *known; /* what earlier runs have learned */
    size_t n_known;
};

/* Makes a briefing; the caller frees it with message_free. */
Trireme__Briefing *briefing_make(const struct briefing_input *input);

/* The briefing as a text for a language model; fresh. Texts from outside are quoted, with control
 * characters escaped. */
char *briefing_text(const Trireme__Briefing *briefing);

/* Leaves out what matters least, the oldest first, until the briefing as JSON (as_text: as
 * briefing_text) has at most so many bytes; `cut` says what. */
void briefing_cut(Trireme__Briefing *briefing, uint64_t bytes, bool as_text);

/* How often each source's training text has been read after so many samples of that order, in
 * windows of `context` tokens. data: RUN/data.yaml, or NULL; what it does not tell is NaN. epochs:
 * one a source of the configuration. */
void briefing_epochs(double *epochs, const Trireme__Config *config,
                     Trireme__Segment *const *segments, size_t n_segments, uint64_t samples,
                     const Trireme__RunData *data);
