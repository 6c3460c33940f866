#include "coordinator/gate/judge.h"

#include "coordinator/gate/gate.h"

double judge_gain(const struct attempt *a, size_t pair)
{
    const Trireme__Observation *o = a->pairs[pair];
    return a->plan->reverse ? o->fork_loss - o->trunk_loss
                            : o->trunk_loss - o->fork_loss - a->plan->margin;
}

/* Returns the newest pair if an arm of it diverged, else NULL. */
static const Trireme__Observation *diverged(const struct attempt *a)
{
    const Trireme__Observation *o = a->n_pairs ? a->pairs[a->n_pairs - 1] : NULL;
    return o && (o->diverged || o->trunk_diverged) ? o : NULL;
}

bool judge_is_due(const struct attempt *a)
{
    if (diverged(a))
        return true;
    return a->plan->reverse ? a->n_pairs == a->plan->pairs
                            : gate_is_look((unsigned)a->n_pairs, a->plan->pairs);
}

static void judge_forward(const struct attempt *a, Trireme__Judgement *judgement)
{
    static const Trireme__Judgement__Outcome outcomes[] = {
        [GATE_OPEN] = TRIREME__JUDGEMENT__OUTCOME__open,
        [GATE_PROMOTE] = TRIREME__JUDGEMENT__OUTCOME__promote,
        [GATE_REJECT] = TRIREME__JUDGEMENT__OUTCOME__reject,
        [GATE_INCONCLUSIVE] = TRIREME__JUDGEMENT__OUTCOME__inconclusive,
        [GATE_VOID] = TRIREME__JUDGEMENT__OUTCOME__inconclusive,
    };
    double x[GATE_PAIRS_MAX], w[GATE_PAIRS_MAX];
    for (size_t i = 0; i < a->n_pairs; i++) {
        x[i] = judge_gain(a, i);
        w[i] = a->pairs[i]->window_variance;
    }
    struct gate_judgement answer =
        gate_judge(x, w, (unsigned)a->n_pairs, a->plan->pairs, a->plan->alpha, a->plan->beta);
    judgement->outcome = outcomes[answer.answer];
    judgement->has_mean = 1, judgement->mean = answer.mean;
    judgement->has_t = 1, judgement->t = answer.t;
    judgement->has_window_share = answer.s2 > 0,
    judgement->window_share = answer.s2 > 0 ? answer.w2 / answer.s2 : 0;
    judgement->has_cause = 1;
    judgement->cause =
        answer.answer == GATE_VOID ? TRIREME__CAUSE__no_spread : TRIREME__CAUSE__gains;
    if (answer.answer == GATE_VOID)
        judgement->reason = "the pairs have no spread at all: no verdict";
}

static void judge_reverse(const struct attempt *a, Trireme__Judgement *judgement)
{
    static const Trireme__Judgement__Outcome outcomes[] = {
        [GATE_CONFIRMED] = TRIREME__JUDGEMENT__OUTCOME__confirmed,
        [GATE_UNCONFIRMED] = TRIREME__JUDGEMENT__OUTCOME__unconfirmed,
        [GATE_ROLL_BACK] = TRIREME__JUDGEMENT__OUTCOME__rolled_back,
    };
    double y[GATE_PAIRS_MIN];
    for (size_t i = 0; i < GATE_PAIRS_MIN; i++)
        y[i] = judge_gain(a, i);
    struct gate_gain gain = gate_confirm(y, a->plan->margin);
    judgement->outcome = outcomes[gain.answer];
    judgement->has_mean = 1, judgement->mean = gain.mean;
    judgement->has_half_width = 1, judgement->half_width = gain.half_width;
    judgement->has_cause = 1, judgement->cause = TRIREME__CAUSE__gains;
}

/* A change whose fork diverged is rejected. If the trunk's own tail diverged: for a change that the
 * trunk does not have it is inconclusive; a promoted change is taken back if the old recipe did not
 * diverge. */
static void judge_diverged(const Trireme__Observation *o, bool reverse,
                           Trireme__Judgement *judgement)
{
    if (!reverse)
        judgement->outcome = o->trunk_diverged ? TRIREME__JUDGEMENT__OUTCOME__inconclusive
                                               : TRIREME__JUDGEMENT__OUTCOME__reject;
    else
        judgement->outcome = o->trunk_diverged && !o->diverged
                                 ? TRIREME__JUDGEMENT__OUTCOME__rolled_back
                                 : TRIREME__JUDGEMENT__OUTCOME__unconfirmed;
    judgement->has_cause = 1;
    judgement->cause =
        o->trunk_diverged ? TRIREME__CAUSE__trunk_diverged : TRIREME__CAUSE__diverged;
    judgement->reason =
        o->trunk_diverged
            ? "the trunk's own tail diverged: its loss was not finite"
            : "its training diverged: no finite loss, or a tenth above where it began";
}

void judge_attempt(const struct attempt *a, Trireme__Judgement *judgement)
{
    trireme__judgement__init(judgement);
    judgement->has_pairs = 1, judgement->pairs = (uint32_t)a->n_pairs;
    if (diverged(a)) {
        judge_diverged(diverged(a), a->plan->reverse, judgement);
    } else if (a->plan->reverse) {
        judge_reverse(a, judgement);
    } else {
        judge_forward(a, judgement);
    }
}
