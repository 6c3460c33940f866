/* What follows at the end of a stretch: which changes are closed, which one becomes the trunk's
 * recipe, whether the last one is kept or taken back. A pure function of recorded pairs. It does
 * not depend on the order in which arms stand; the lower number wins ties.
 *
 * The order: arms that failed; the watch over the last adoption; an adoption, if no watch is open;
 * what is closed. Claims are a matter of their own (claim.h). */
#pragma once
#include "coordinator/gate/posterior.h"
#include "coordinator/gate/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*                  leads to
 * OPEN             another pair in the next stretch of its kind
 * ADOPTED          its fork, as it was before the tail, is the trunk; a watch begins
 * RETURNED         the head of the queue, without pairs: it was as good as what was adopted
 * SUPERSEDED       the end: its pairs are against a recipe that is no longer the trunk's
 * FAILED           the end: its fork was not finite, or dev evaluations ended it
 * WITHOUT_EFFECT   the end: its pairs have no variance at all
 * BEATEN           the end: it is probably worse
 * NO_HOPE          the end: what it may gain is not worth the next stretch
 * NO_SIGN          the end: after its last pair it is neither better nor worse */
enum decide_answer {
    DECIDE_OPEN,
    DECIDE_ADOPTED,
    DECIDE_RETURNED,
    DECIDE_SUPERSEDED,
    DECIDE_FAILED,
    DECIDE_WITHOUT_EFFECT,
    DECIDE_BEATEN,
    DECIDE_NO_HOPE,
    DECIDE_NO_SIGN,
    DECIDE_ANSWERS
};

/* An open hypothesis. pairs is borrowed. */
struct decide_arm {
    uint32_t number;
    const struct gain *pairs; /* against the recipe that the trunk has, the newest last */
    unsigned n;
    double hope; /* nats that its next stretch must promise: price * what the arm costs in it / B */
    double cost; /* nats that what follows its adoption costs (decide_cost) */
    bool slow;
    bool waits; /* it had no pair in this stretch, which was of the other kind */
    bool failed;
    bool irreversible;          /* no reverse fork could take it back: it needs two pairs */
    bool last_chance;           /* money does not reach a next stretch with it and its watch */
    struct posterior posterior; /* filled in, if n > 0 */
    enum decide_answer answer;  /* filled in */
};

enum decide_watch {
    DECIDE_NO_WATCH,
    DECIDE_WATCHED, /* it goes on */
    DECIDE_KEPT,
    DECIDE_TAKEN_BACK /* the reverse fork is the trunk; the patch is refused from now on */
};

struct decide_stretch {
    struct decide_arm *arms;
    size_t n_arms;
    bool trunk_failed; /* not finite: pairs hold none of this stretch */
    /* The watch over the last adoption, or the pairs of its claim. y: loss of the old recipe less
     * that of the trunk, without a margin. */
    bool watched;
    const struct gain *y; /* borrowed */
    unsigned n_y;
    bool watch_slow;
    bool kept;         /* before this stretch */
    bool watch_last;   /* no further stretch fits into the run */
    bool watch_failed; /* the reverse fork was not finite */
    /* Filled in. */
    struct posterior watch_posterior; /* if n_y > 0 */
    enum decide_watch watch;
    bool ends; /* the run ends, as it would without experiments: the trunk is not finite */
};

/* What follows an adoption costs, in nats, at rule->price a run of `all` tokens: the stretches of
 * its watch, of so many tokens each, and the new stake. Under the lower probability of a last
 * chance the gain must promise so much: of ten useless changes one is soon at .90, and its watch
 * takes more from the trunk than a gain of a hundredth would give. */
double decide_cost(const struct rule *rule, double stretch_tokens, double all);

void decide_at_end(const struct rule *rule, struct decide_stretch *stretch);
