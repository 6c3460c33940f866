/* Ends pairs: measures them, judges them, and begins promotions. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/campaign/promotion.h"
#include "coordinator/gate/judge.h"
#include "coordinator/gate/plan.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trials.h"

#include "base/mem.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>

/* Whether all forks whose stretch ends at `step` have arrived. */
static bool forks_arrived(const struct campaign *c, uint64_t step)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step && !early_stop_is_over(p))
            return false;
    return true;
}

static bool any_ends(const struct campaign *c, uint64_t step)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step)
            return true;
    return false;
}

static int observe_pair(struct campaign *c, struct pair *pair, uint64_t step, struct err *err)
{
    Trireme__Observation observation;
    Trireme__Record record = TRIREME__RECORD__INIT;
    measure_observe(c->measure, pair, c->pairs, &observation);
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
        if (p->end == step && (p->gave_up ? campaign_give_up_pair(c, p, step, err)
                                          : observe_pair(c, p, step, err)) < 0)
            return -1;
    }
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step)
            measure_end(p);
    return 0;
}

/* What the looks at one step came to. */
struct outcome {
    uint32_t promote; /* hypothesis with the largest gain that is to be promoted, 0: none */
    Trireme__Judgement promoted;
    uint32_t roll_back; /* promotion to be taken back, 0: none */
    Trireme__Judgement rolled_back;
};

static int superseded(struct campaign *c, uint32_t number, uint32_t by, uint64_t step,
                      struct err *err)
{
    char *reason = mem_format("superseded by %u", by);
    int rc = campaign_close(c, number, step, TRIREME__CAUSE__superseded, reason, err);
    free(reason);
    return rc;
}

/* Pairs whose gains are all the same number are no experiment: something is wrong with it. */
static int tell_no_spread(struct campaign *c, uint32_t number, uint64_t step, struct err *err)
{
    char *text = mem_format("hypothesis %u: its pairs' gains are all the same number, so nothing "
                            "can be judged by them: its fork may not train as it was asked to",
                            number);
    progress_say(c->context.progress, "%s", text);
    int rc = metrics_has_event(c->context.metrics, step, text)
                 ? 0
                 : metrics_event(c->context.metrics, step, text, err);
    free(text);
    return rc;
}

/* Asks the gate about every attempt that has a look at `step`. Promotions are recorded later, when
 * the best one is known. */
static int take_looks(struct campaign *c, uint64_t step, struct outcome *outcome, struct err *err)
{
    *outcome = (struct outcome){0};
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        const struct attempt *a =
            attempt_open(history_entry(context_history(&c->context), p->number));
        if (p->end != step || !judge_is_due(a))
            continue;
        Trireme__Judgement judgement;
        judge_attempt(a, &judgement);
        int rc = 0;
        if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__promote) {
            if (!outcome->promote || judgement.mean > outcome->promoted.mean)
                outcome->promote = p->number, outcome->promoted = judgement;
        } else if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__rolled_back) {
            outcome->roll_back = p->number, outcome->rolled_back = judgement;
        } else if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__open) {
            rc = campaign_write_verdict(c, p->number, step, &judgement, err);
        } else {
            const bool no_spread = judgement.cause == TRIREME__CAUSE__no_spread;
            rc = no_spread ? tell_no_spread(c, p->number, step, err) : 0;
            rc = rc < 0 ? rc : campaign_close_with(c, p->number, step, &judgement, err);
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int close_others(struct campaign *c, uint32_t winner, uint64_t step, struct err *err)
{
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));)
        if (e->number != winner && superseded(c, e->number, winner, step, err) < 0)
            return -1;
    return 0;
}

/* Records the promotion (back: its end), closes all other hypotheses, and begins to make its fork
 * the trunk. */
static int begin_promotion(struct campaign *c, uint32_t number, bool back,
                           Trireme__Judgement *judgement, uint64_t step, struct err *err)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    struct pair *pair = campaign_pair(c, number);
    const struct attempt *a = attempt_open(e);
    Trireme__Promotion promotion = TRIREME__PROMOTION__INIT;
    promotion.has_trial = 1, promotion.trial = pair->fork->number;
    promotion.has_adopted = 1, promotion.adopted = back || judge_gain(a, a->n_pairs - 1) > 0;
    promotion.n_patch = promotion.n_before = back ? e->promotion->n_before : e->proposal->n_patch;
    promotion.patch = back ? e->promotion->before : e->proposal->patch;
    promotion.before =
        changes_values(context_trunk(&c->context)->config, promotion.patch, promotion.n_patch);
    Trireme__Config *config =
        changes_apply(context_trunk(&c->context)->config, promotion.patch, promotion.n_patch, err);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.promotion = &promotion;
    int rc = -1;
    if (!config || close_others(c, number, step, err) < 0 ||
        campaign_write_verdict(c, number, step, judgement, err) < 0 ||
        journal_write(c->context.journal, &record,
                      back ? TRIREME__RECORD_KIND__rollback : TRIREME__RECORD_KIND__promotion,
                      number, step, "rule", err) < 0)
        goto out;
    char *patch = changes_text(promotion.patch, promotion.n_patch);
    char *text = mem_format("hypothesis %u: %s at step %llu: %s is in force", number,
                            back ? "rolled back" : "promoted", (unsigned long long)step, patch);
    progress_say(c->context.progress, "%s", text);
    // a launch before may have got as far, without a checkpoint after it
    int told = metrics_has_event(c->context.metrics, step, text)
                   ? 0
                   : metrics_event(c->context.metrics, step, text, err);
    free(text);
    free(patch);
    if (told < 0)
        goto out;
    c->promotion =
        promotion_begin(&c->context, promotion.adopted ? pair->fork : NULL, config, step, err);
    if (promotion.adopted)
        pair->fork = NULL; // the promotion's, and soon the trunk
    campaign_remove(c, pair);
    rc = c->promotion ? 0 : -1;
out:
    changes_free(promotion.before, promotion.n_before);
    message_free(config);
    return rc;
}

/* After a promotion: registers its reverse pairs, or closes it with the reason why there are none.
 */
static int begin_confirmation(struct campaign *c, uint32_t number, uint64_t step, struct err *err)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    struct err why = {0};
    Trireme__Plan plan;
    Trireme__Config *before = changes_apply(context_trunk(&c->context)->config,
                                            e->promotion->before, e->promotion->n_before, &why);
    bool possible = before && before->data->skip >= context_trunk(&c->context)->config->data->skip;
    bool fits = possible && plan_reverse(&c->context, &plan, step, e->forward.plan, before);
    message_free(before);
    if (!possible)
        return campaign_close(c, number, step, TRIREME__CAUSE__no_inverse,
                              "the change has no inverse", err);
    if (!fits)
        return c->context.run->config->gate->confirm
                   ? campaign_close(c, number, step, TRIREME__CAUSE__time,
                                    "no steps are left for reverse pairs", err)
                   : campaign_close(c, number, step, TRIREME__CAUSE__not_wanted,
                                    "no reverse pairs are wanted (gate.confirm)", err);
    return campaign_register(c, number, step, &plan, err);
}

/* Goes on with the promotion under way; when it is over, begins its confirmation. */
static int finish_promotion(struct campaign *c, uint64_t step, struct err *err)
{
    int rc = promotion_turn(c->promotion, err);
    if (rc <= 0)
        return rc;
    promotion_free(c->promotion);
    c->promotion = NULL;
    for (size_t i = 0; i < context_history(&c->context)->n; i++) {
        const struct entry *e = &context_history(&c->context)->entries[i];
        if (e->fate == FATE_PROMOTED && e->promoted_at == step && !e->reverse.plan)
            return begin_confirmation(c, e->number, step, err) < 0 ? -1 : 1;
    }
    return 1;
}

/* Removes the pairs that ended: the next pair of a hypothesis begins from the trunk. */
static void remove_ended(struct campaign *c, uint64_t step)
{
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        if (p->end == step)
            campaign_remove(c, p);
    }
}

int campaign_judge(struct campaign *c, uint64_t step, struct err *err)
{
    if (c->promotion)
        return finish_promotion(c, step, err);
    if (!any_ends(c, step))
        return 1;
    if (!forks_arrived(c, step))
        return 0;
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step && !p->measuring) {
            const Trireme__Judgement *gave_up =
                journal_gave_up(c->context.journal, p->number, step);
            if (gave_up)
                pair_give_up(p, gave_up->cause, gave_up->reason);
            measure_begin(c->measure, p);
        }
    int rc = measure_turn(c->measure, c->pairs, step, err);
    if (rc <= 0)
        return rc;
    struct outcome outcome;
    if (observe(c, step, err) < 0 || take_looks(c, step, &outcome, err) < 0)
        return -1;
    int begun = 0;
    if (outcome.roll_back)
        begun = begin_promotion(c, outcome.roll_back, true, &outcome.rolled_back, step, err);
    else if (outcome.promote)
        begun = begin_promotion(c, outcome.promote, false, &outcome.promoted, step, err);
    if (begun < 0)
        return -1;
    remove_ended(c, step);
    return c->promotion ? finish_promotion(c, step, err) : 1;
}
