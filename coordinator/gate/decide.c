#include "coordinator/gate/decide.h"

#include <math.h>

/* Everything that is open ends: the trunk has another recipe from now on. */
static void supersede(struct decide_stretch *s)
{
    for (size_t i = 0; i < s->n_arms; i++)
        if (s->arms[i].answer == DECIDE_OPEN)
            s->arms[i].answer = DECIDE_SUPERSEDED;
}

static enum decide_watch judge_watch(const struct rule *rule, const struct decide_stretch *s)
{
    if (s->trunk_failed)
        return s->watch_failed ? DECIDE_WATCHED : DECIDE_TAKEN_BACK;
    if (s->watch_failed)
        return DECIDE_KEPT;
    if (s->n_y == 0)
        return DECIDE_WATCHED;
    const struct posterior *p = &s->watch_posterior;
    const bool over = s->n_y >= rule->watch || s->watch_last;
    if (p->p <= rule->back || (over && p->m < 0 && !s->kept))
        return DECIDE_TAKEN_BACK;
    return s->kept || over || p->p >= rule->keep ? DECIDE_KEPT : DECIDE_WATCHED;
}

/* Whether an arm can be judged in this stretch. */
static bool is_measured(const struct decide_arm *a)
{
    return a->answer == DECIDE_OPEN && !a->waits && a->n > 0;
}

/* What closes an open arm, whatever becomes of the others. */
static enum decide_answer closing(const struct rule *rule, const struct decide_arm *a)
{
    const struct posterior *p = &a->posterior;
    if (!(p->v > 0))
        return DECIDE_WITHOUT_EFFECT;
    if (p->p <= rule->close)
        return DECIDE_BEATEN;
    if (p->m + p->s / 2 < a->hope)
        return DECIDE_NO_HOPE;
    return a->n >= rule->pairs ? DECIDE_NO_SIGN : DECIDE_OPEN;
}

static bool is_adoptable(const struct rule *rule, const struct decide_arm *a)
{
    if (!is_measured(a) || (a->irreversible && a->n < 2))
        return false;
    const double p = a->posterior.p;
    const bool last = a->last_chance || closing(rule, a) != DECIDE_OPEN;
    return p >= rule->adopt || (last && p >= rule->adopt_last && a->posterior.m >= a->cost);
}

/* Of those that are probably better the one whose pairs gained most. Not the one of largest m: the
 * prior was made for gains of its own size, and of two rates that gain ten times as much it
 * believes the smaller gain more, because its windows vary less. */
static struct decide_arm *best(const struct rule *rule, const struct decide_stretch *s)
{
    struct decide_arm *found = NULL;
    for (size_t i = 0; i < s->n_arms; i++) {
        struct decide_arm *a = &s->arms[i];
        if (!is_adoptable(rule, a))
            continue;
        const bool better =
            !found || a->posterior.mean > found->posterior.mean ||
            (a->posterior.mean == found->posterior.mean && a->number < found->number);
        found = better ? a : found;
    }
    return found;
}

static void adopt(const struct rule *rule, struct decide_stretch *s, struct decide_arm *winner)
{
    const struct posterior *p = &winner->posterior;
    const double near = 2 * sqrt(p->v / winner->n);
    winner->answer = DECIDE_ADOPTED;
    for (size_t i = 0; i < s->n_arms; i++) {
        struct decide_arm *a = &s->arms[i];
        if (is_measured(a) && a->posterior.p >= rule->adopt && a->n < 2 &&
            p->mean - a->posterior.mean < near)
            a->answer = DECIDE_RETURNED;
    }
    supersede(s);
}

static void measure(const struct rule *rule, struct decide_stretch *s)
{
    for (size_t i = 0; i < s->n_arms; i++) {
        struct decide_arm *a = &s->arms[i];
        a->answer = a->failed ? DECIDE_FAILED : DECIDE_OPEN;
        a->posterior = (struct posterior){0};
        if (a->n > 0)
            a->posterior = posterior_of(rule, a->pairs, a->n, a->slow);
    }
    s->watch_posterior = (struct posterior){0};
    if (s->watched && s->n_y > 0)
        s->watch_posterior = posterior_of(rule, s->y, s->n_y, s->watch_slow);
}

double decide_cost(const struct rule *rule, double stretch_tokens, double all)
{
    return rule->price * (rule->watch * stretch_tokens / all + rule->stake);
}

void decide_at_end(const struct rule *rule, struct decide_stretch *s)
{
    measure(rule, s);
    s->watch = s->watched ? judge_watch(rule, s) : DECIDE_NO_WATCH;
    s->ends = s->trunk_failed && s->watch != DECIDE_TAKEN_BACK;
    if (s->watch == DECIDE_TAKEN_BACK)
        supersede(s);
    if (s->trunk_failed || s->watch == DECIDE_TAKEN_BACK)
        return;
    const bool waits = s->watch == DECIDE_WATCHED;
    struct decide_arm *winner = waits ? NULL : best(rule, s);
    if (winner) {
        adopt(rule, s, winner);
        return;
    }
    for (size_t i = 0; i < s->n_arms; i++) {
        struct decide_arm *a = &s->arms[i];
        if (is_measured(a) && !(waits && a->posterior.p >= rule->adopt_last))
            a->answer = closing(rule, a);
    }
}
