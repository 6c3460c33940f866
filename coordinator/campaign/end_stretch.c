/* Ends a stretch: records what was measured, asks the rule, carries out what follows. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/campaign/promotion.h"
#include "coordinator/gate/decide.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/train/trials.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "base/mem.h"

#include <stdlib.h>

/* Whether all forks of the stretch have arrived. */
static bool forks_arrived(const struct campaign *c)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (!early_stop_is_over(p))
            return false;
    return true;
}

static int observe_pair(struct campaign *c, struct pair *pair, uint64_t step, struct err *err)
{
    Trireme__Observation observation;
    Trireme__Record record = TRIREME__RECORD__INIT;
    measure_observe(c->measure, pair, &observation);
    record.observation = &observation;
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__observation,
                         pair->number, step, "rule", err);
}

/* Records what was measured, in the order of the hypotheses. One that there was no memory for is
 * closed. */
static int observe(struct campaign *c, uint64_t step, struct err *err)
{
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        if ((p->gave_up ? campaign_give_up_pair(c, p, step, err) : observe_pair(c, p, step, err)) <
            0)
            return -1;
    }
    return 0;
}

/* ---- what the rule is asked ---- */

/* Pairs of an attempt that were measured: in reverse the old recipe's loss less the trunk's,
 * without the margin. Fresh. */
static struct gain *gains_of(const struct campaign *c, const struct attempt *a, bool reverse,
                             unsigned *n)
{
    struct gain *gains = mem_new(a->n_pairs, sizeof *gains);
    *n = 0;
    for (size_t i = 0; i < a->n_pairs; i++) {
        const Trireme__Observation *o = a->pairs[i];
        if (o->diverged || o->trunk_diverged)
            continue;
        const double gain = o->trunk_loss - o->fork_loss;
        gains[(*n)++] = (struct gain){.x = reverse ? -gain : gain - c->rule.margin,
                                      .u = o->window_variance * o->windows,
                                      .windows = o->windows};
    }
    return gains;
}

static bool newest_diverged(const struct attempt *a)
{
    return a->n_pairs && a->pairs[a->n_pairs - 1]->diverged;
}

/* Whether no further stretch of an arm, and one of its watch, can be paid for and comes early
 * enough. */
static bool is_last_chance(const struct campaign *c, const struct stretch *next)
{
    const struct account account = campaign_account(c);
    const double price = campaign_arm_tokens(c, next) + campaign_fixed_tokens(c, next);
    const uint64_t length = trial_last_step(context_trunk(&c->context));
    return account.since + price > c->rule.stake * account.all ||
           account.spent + 2 * price > c->rule.share * account.all ||
           stretch_is_late(&c->rule, next->start, length) || !stretch_fits(next, length);
}

static int ask_arm(struct decide_arm *arm, const struct campaign *c, const struct entry *e,
                   bool waits, uint64_t step, struct err *err)
{
    struct fork_kind fork;
    if (campaign_fork_kind(&fork, c, e, false, err) < 0)
        return -1;
    const struct stretch next = campaign_stretch_alone(c, &fork, step);
    const double tokens = campaign_arm_tokens(c, &next), fixed = campaign_fixed_tokens(c, &next),
                 all = campaign_account(c).all;
    *arm = (struct decide_arm){.number = e->number,
                               .hope = c->rule.price * tokens / all,
                               .cost = decide_cost(&c->rule, tokens + fixed, all),
                               .slow = fork.kind.slow,
                               .waits = waits,
                               .failed = !waits && newest_diverged(&e->forward),
                               .irreversible = fork.irreversible,
                               .last_chance = is_last_chance(c, &next)};
    arm->pairs = gains_of(c, &e->forward, false, &arm->n);
    return 0;
}

static int ask_watch(struct decide_stretch *s, const struct campaign *c, const struct entry *e,
                     uint64_t step, struct err *err)
{
    struct fork_kind fork;
    if (campaign_fork_kind(&fork, c, e, true, err) < 0)
        return -1;
    const struct stretch next = campaign_stretch_alone(c, &fork, step);
    s->watched = true;
    s->y = gains_of(c, &e->reverse, true, &s->n_y);
    s->watch_slow = fork.kind.slow;
    s->kept = e->fate == FATE_KEPT;
    s->watch_last = !stretch_fits(&next, trial_last_step(context_trunk(&c->context)));
    s->watch_failed = newest_diverged(&e->reverse);
    return 0;
}

/* Fills in what the rule is asked about the stretch that ended: the open hypotheses, of which those
 * without a pair of now wait; and the watched adoption. part: whether each entry took part. */
static int ask(struct decide_stretch *s, const struct campaign *c, const bool *part, uint64_t step,
               struct err *err)
{
    const struct history *h = context_history(&c->context);
    s->arms = mem_new(h->n, sizeof *s->arms);
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        const struct attempt *a = attempt_open(e);
        if (a == &e->reverse && part[i] && ask_watch(s, c, e, step, err) < 0)
            return -1;
        if (a == &e->forward && ask_arm(&s->arms[s->n_arms++], c, e, !part[i], step, err) < 0)
            return -1;
    }
    return 0;
}

static void clear(struct decide_stretch *s)
{
    for (size_t i = 0; i < s->n_arms; i++)
        free((void *)s->arms[i].pairs);
    free(s->arms);
    free((void *)s->y);
}

/* ---- what follows ---- */

static void tell_posterior(Trireme__Judgement *judgement, const struct posterior *p, unsigned n)
{
    judgement->has_pairs = 1, judgement->pairs = n;
    if (n == 0)
        return;
    judgement->has_mean = 1, judgement->mean = p->m;
    judgement->has_deviation = 1, judgement->deviation = p->s;
    judgement->has_probability = 1, judgement->probability = p->p;
}

static Trireme__Judgement__Outcome outcome_of(enum decide_answer answer)
{
    switch (answer) {
    case DECIDE_OPEN:
        return TRIREME__JUDGEMENT__OUTCOME__open;
    case DECIDE_ADOPTED:
        return TRIREME__JUDGEMENT__OUTCOME__adopted;
    case DECIDE_RETURNED:
        return TRIREME__JUDGEMENT__OUTCOME__returned;
    default:
        return TRIREME__JUDGEMENT__OUTCOME__closed;
    }
}

static const Trireme__Cause causes[DECIDE_ANSWERS] = {
    // clang-format off
    [DECIDE_OPEN]           = TRIREME__CAUSE__gains,
    [DECIDE_ADOPTED]        = TRIREME__CAUSE__gains,
    [DECIDE_RETURNED]       = TRIREME__CAUSE__superseded,
    [DECIDE_SUPERSEDED]     = TRIREME__CAUSE__superseded,
    [DECIDE_FAILED]         = TRIREME__CAUSE__diverged,
    [DECIDE_WITHOUT_EFFECT] = TRIREME__CAUSE__without_effect,
    [DECIDE_BEATEN]         = TRIREME__CAUSE__beaten,
    [DECIDE_NO_HOPE]        = TRIREME__CAUSE__no_hope,
    [DECIDE_NO_SIGN]        = TRIREME__CAUSE__no_sign,
    // clang-format on
};

static const char *const reasons[DECIDE_ANSWERS] = {
    [DECIDE_FAILED] = "its training diverged: no finite loss, or a tenth above where it began",
    [DECIDE_WITHOUT_EFFECT] = "its pairs do not vary at all: its fork may not train as it was "
                              "asked to",
    [DECIDE_BEATEN] = "it is probably worse",
    [DECIDE_NO_HOPE] = "what it may gain is not worth another stretch",
    [DECIDE_NO_SIGN] = "its pairs do not say",
};

/* Writes what became of an arm. by: the hypothesis that was adopted, or 0. */
static int write_answer(struct campaign *c, const struct decide_arm *arm, uint32_t by,
                        uint64_t step, struct err *err)
{
    char *superseded = by ? mem_format("hypothesis %u is part of the recipe now", by)
                          : mem_strdup("the recipe from before is in force again");
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    judgement.outcome = outcome_of(arm->answer);
    judgement.has_cause = 1, judgement.cause = causes[arm->answer];
    judgement.reason =
        judgement.cause == TRIREME__CAUSE__superseded ? superseded : (char *)reasons[arm->answer];
    tell_posterior(&judgement, &arm->posterior, arm->n);
    int rc = campaign_write_verdict(c, arm->number, step, &judgement, err);
    free(superseded);
    return rc;
}

/* Those that wait for a stretch of their kind have a verdict only if it ends them. */
static int write_answers(struct campaign *c, const struct decide_stretch *s, uint32_t by,
                         uint64_t step, struct err *err)
{
    for (size_t i = 0; i < s->n_arms; i++) {
        const struct decide_arm *arm = &s->arms[i];
        if ((arm->answer != DECIDE_OPEN || !arm->waits) && write_answer(c, arm, by, step, err) < 0)
            return -1;
    }
    return 0;
}

/* Writes what the watch came to, and tests the claim. */
static int write_watch(struct campaign *c, const struct decide_stretch *s, uint32_t number,
                       uint64_t step, struct err *err)
{
    static const Trireme__Judgement__Outcome outcomes[] = {
        [DECIDE_WATCHED] = TRIREME__JUDGEMENT__OUTCOME__open,
        [DECIDE_KEPT] = TRIREME__JUDGEMENT__OUTCOME__kept,
        [DECIDE_TAKEN_BACK] = TRIREME__JUDGEMENT__OUTCOME__taken_back,
    };
    const struct entry *e = history_entry(context_history(&c->context), number);
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    judgement.outcome = outcomes[s->watch];
    judgement.has_cause = 1, judgement.cause = TRIREME__CAUSE__gains;
    if (s->trunk_failed) {
        judgement.cause = TRIREME__CAUSE__diverged;
        judgement.reason = "the trunk diverged with it";
    }
    tell_posterior(&judgement, &s->watch_posterior, s->n_y);
    if (s->watch == DECIDE_TAKEN_BACK &&
        campaign_drop_claim(c, e, step, TRIREME__CAUSE__taken_back, err) < 0)
        return -1;
    // the claim may be what keeps the attempt open
    if (s->watch != DECIDE_TAKEN_BACK && campaign_test_claim(c, e, step, err) < 0)
        return -1;
    if (s->watch == DECIDE_KEPT && e->fate == FATE_KEPT)
        return 0;
    return campaign_write_verdict(c, number, step, &judgement, err);
}

/* Records what the stretch cost beside its arms, of which n_forward of n_all were planners'
 * hypotheses. */
static int write_decision(struct campaign *c, bool *trunk_diverged, size_t n_forward, size_t n_all,
                          uint64_t step, struct err *err)
{
    Trireme__Decision decision;
    Trireme__Record record = TRIREME__RECORD__INIT;
    measure_decide(c->measure, &decision);
    decision.has_planners = 1, decision.planners = decision.tokens * n_forward / n_all;
    *trunk_diverged = decision.trunk_diverged;
    record.decision = &decision;
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__decision, 0, step,
                         "rule", err);
}

static int say_in_force(struct campaign *c, uint32_t number, bool back,
                        const Trireme__Promotion *promotion, uint64_t step, struct err *err)
{
    char *patch = changes_text(promotion->patch, promotion->n_patch);
    char *text =
        mem_format("hypothesis %u: %s at step %llu: %s is in force", number,
                   back ? "taken back" : "adopted (screening)", (unsigned long long)step, patch);
    progress_say(c->context.progress, "%s", text);
    // a launch before may have got as far, without a checkpoint after it
    int told = metrics_has_event(c->context.metrics, step, text)
                   ? 0
                   : metrics_event(c->context.metrics, step, text, err);
    free(text);
    free(patch);
    return told;
}

/* Records that a change is in the trunk's recipe from now on (back: is no more), and begins to make
 * its fork the trunk. fork: taken over; NULL: the trunk goes on with its own state. */
static int begin_promotion(struct campaign *c, uint32_t number, bool back, struct trial *fork,
                           uint64_t step, struct err *err)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    Trireme__Promotion promotion = TRIREME__PROMOTION__INIT;
    Trireme__Record record = TRIREME__RECORD__INIT;
    promotion.has_trial = fork != NULL, promotion.trial = fork ? fork->number : 0;
    promotion.has_adopted = 1, promotion.adopted = fork != NULL;
    promotion.patch = (Trireme__Change **)campaign_fork_changes(e, back, &promotion.n_patch);
    promotion.n_before = promotion.n_patch;
    promotion.before =
        changes_values(context_trunk(&c->context)->config, promotion.patch, promotion.n_patch);
    Trireme__Config *config = campaign_fork_config(c, e, back, err);
    record.promotion = &promotion;
    int rc = -1;
    if (config && say_in_force(c, number, back, &promotion, step, err) == 0 &&
        journal_write(c->context.journal, &record,
                      back ? TRIREME__RECORD_KIND__rollback : TRIREME__RECORD_KIND__promotion,
                      number, step, "rule", err) == 0) {
        c->promotion = promotion_begin(&c->context, fork, config, step, err);
        rc = c->promotion ? 0 : -1;
    }
    message_free(config);
    changes_free(promotion.before, promotion.n_before);
    return rc;
}

/* The same with the fork of the pair that ends here. */
static int promote_pair(struct campaign *c, uint32_t number, bool back, uint64_t step,
                        struct err *err)
{
    struct pair *pair = campaign_pair(c, number);
    struct trial *fork = pair->fork;
    pair->fork = NULL; // the promotion's, and soon the trunk
    return begin_promotion(c, number, back, fork, step, err);
}

/* A person takes an adopted change back: everything that is open is against a recipe that will not
 * be the trunk's. */
static int take_back(struct campaign *c, const struct entry *e, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    char *reason = mem_format("%u was taken back by a person", e->number);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < h->n; i++)
        if (attempt_open(&h->entries[i]) && &h->entries[i] != e)
            rc = campaign_close(c, h->entries[i].number, step, TRIREME__CAUSE__superseded, reason,
                                err);
    free(reason);
    return rc < 0 || campaign_end_adoption(c, e->number, step, "a person took it back", err) < 0
               ? -1
               : begin_promotion(c, e->number, true, NULL, step, err);
}

/* After an adoption: its watch begins, and its claim if there is to be one. */
static int begin_watch(struct campaign *c, const struct entry *e, uint64_t step, struct err *err)
{
    struct fork_kind back;
    Trireme__Plan plan = *e->forward.plan;
    plan.has_reverse = 1, plan.reverse = true;
    if (campaign_fork_kind(&back, c, e, true, err) < 0)
        return -1;
    if (back.irreversible)
        return campaign_close(c, e->number, step, TRIREME__CAUSE__no_inverse,
                              "the change has no inverse: it is not watched", err);
    return campaign_register(c, e->number, step, &plan, err) < 0 ||
                   campaign_register_claim(c, e, step, err) < 0
               ? -1
               : 0;
}

/* Goes on with the promotion under way; when it is over, begins its watch. */
static int finish_promotion(struct campaign *c, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    int rc = promotion_turn(c->promotion, err);
    if (rc <= 0)
        return rc;
    promotion_free(c->promotion);
    c->promotion = NULL;
    campaign_plan_trunk(c);
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        if (e->fate == FATE_ADOPTED && e->promoted_at == step && !e->reverse.plan)
            return begin_watch(c, e, step, err) < 0 ? -1 : 1;
    }
    return 1;
}

static void remove_all(struct campaign *c)
{
    while (c->pairs)
        campaign_remove(c, c->pairs);
    measure_end(c->measure);
}

static uint32_t adopted_of(const struct decide_stretch *s)
{
    for (size_t i = 0; i < s->n_arms; i++)
        if (s->arms[i].answer == DECIDE_ADOPTED)
            return s->arms[i].number;
    return 0;
}

/* An adoption ends the claim that is open. */
static int drop_open_claim(struct campaign *c, uint64_t step, struct err *err)
{
    const struct entry *watched = history_watched(context_history(&c->context));
    return watched ? campaign_drop_claim(c, watched, step, TRIREME__CAUSE__superseded, err) : 0;
}

/* Writes and carries out what the rule answered. */
static int carry_out(struct campaign *c, const struct decide_stretch *s, uint32_t watched,
                     uint64_t step, struct err *err)
{
    const uint32_t adopted = adopted_of(s), back = s->watch == DECIDE_TAKEN_BACK ? watched : 0;
    if (s->ends && context_trunk(&c->context)->state == TRIAL_DIVERGED)
        return 0; // whoever called knows, and says in which step
    if (s->ends)
        return err_set(err, ERR_TRAIN, "step %llu: the trunk's loss is not finite: it diverged",
                       (unsigned long long)step);
    if ((s->watch != DECIDE_NO_WATCH && write_watch(c, s, watched, step, err) < 0) ||
        (adopted && drop_open_claim(c, step, err) < 0) ||
        write_answers(c, s, adopted, step, err) < 0)
        return -1;
    return adopted || back ? promote_pair(c, adopted ? adopted : back, back > 0, step, err) : 0;
}

/* Who took part in the stretch that ends. */
struct taken_part {
    bool *of; /* each entry */
    size_t n, n_forward;
    uint32_t watched; /* number of the watched entry, or 0 */
};

static struct taken_part find_parts(const struct history *h)
{
    struct taken_part part = {.of = mem_new(h->n, sizeof *part.of)};
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        const bool reverse = attempt_open(e) == &e->reverse;
        part.of[i] = e->in_stretch;
        part.n += e->in_stretch;
        part.n_forward += e->in_stretch && !reverse && !actor_is_proven_person(e->by);
        part.watched = e->in_stretch && reverse ? e->number : part.watched;
    }
    return part;
}

static int end_stretch(struct campaign *c, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    struct decide_stretch s = {0};
    if (campaign_renew_rule(c, step, err) < 0 || observe(c, step, err) < 0)
        return -1;
    if (!h->stretch) // the machine could go on with nobody
        return 0;
    const struct taken_part part = find_parts(h);
    int rc = write_decision(c, &s.trunk_failed, part.n_forward, part.n, step, err);
    campaign_plan_trunk(c); // the rule asks what fits into the length that is left now
    if (rc == 0 && (rc = ask(&s, c, part.of, step, err)) == 0) {
        decide_at_end(&c->rule, &s);
        rc = carry_out(c, &s, part.watched, step, err);
    }
    clear(&s);
    free(part.of);
    return rc;
}

int campaign_judge(struct campaign *c, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    const struct entry *unwanted = history_asked_back(h);
    if (c->promotion)
        return finish_promotion(c, step, err);
    // a trunk that has diverged has no state to go on with: the fork beside it takes over
    if (unwanted && unwanted->asked_back_at < step &&
        context_trunk(&c->context)->state != TRIAL_DIVERGED)
        return take_back(c, unwanted, step, err) < 0 ? -1 : finish_promotion(c, step, err);
    if (!c->pairs || h->stretch_start + h->stretch->horizon != step)
        return 1;
    if (!forks_arrived(c))
        return 0;
    if (!measure_has_begun(c->measure)) {
        for (struct pair *p = c->pairs; p; p = p->next) {
            const Trireme__Judgement *gave_up =
                journal_gave_up(c->context.journal, p->number, step);
            if (gave_up)
                pair_give_up(p, gave_up->cause, gave_up->reason);
        }
        measure_begin(c->measure, c->pairs);
    }
    int rc = measure_turn(c->measure, c->pairs, err);
    if (rc <= 0)
        return rc;
    if (end_stretch(c, step, err) < 0)
        return -1;
    remove_all(c);
    return c->promotion ? finish_promotion(c, step, err) : 1;
}
