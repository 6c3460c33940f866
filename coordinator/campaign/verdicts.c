/* What is written of a hypothesis: that it is tried, what came of it, that it ends. */
#include "base/mem.h"
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/progress.h"
#include "coordinator/train/trial.h"

#include <stdlib.h>

int campaign_register(struct campaign *c, uint32_t number, uint64_t step, const Trireme__Plan *plan,
                      struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.plan = (Trireme__Plan *)plan;
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__hypothesis, number,
                         step, "rule", err);
}

struct pair *campaign_pair(const struct campaign *c, uint32_t number)
{
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->number == number)
            return p;
    return NULL;
}

void campaign_remove(struct campaign *c, struct pair *pair)
{
    struct pair **at = &c->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    measure_leave(c->measure, pair);
    early_stop_forget(c->early_stop, pair);
    if (pair->fork)
        trial_stop(pair->fork);
    pair_free(pair);
}

static void say_verdict(struct campaign *c, uint32_t number, const Trireme__Judgement *judgement)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    const bool returned = judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__returned;
    if (returned || judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__closed ||
        judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__kept)
        progress_say(c->context.progress, "hypothesis %u: %s after %u %spair%s%s%s", number,
                     returned ? "waits again" : entry_word(e), judgement->pairs,
                     e->reverse.plan ? "reverse " : "", judgement->pairs == 1 ? "" : "s",
                     judgement->reason ? ": " : "", judgement->reason ? judgement->reason : "");
}

int campaign_write_verdict(struct campaign *c, uint32_t number, uint64_t step,
                           Trireme__Judgement *judgement, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.judgement = judgement;
    judgement->has_outcome = 1;
    if (journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__verdict, number, step,
                      "rule", err) < 0)
        return -1;
    say_verdict(c, number, judgement);
    return 0;
}

/* Why an attempt ends before its time. */
struct ending {
    Trireme__Cause cause;
    const char *reason;
    bool machine; /* which cannot go on with it */
    bool back;    /* what was adopted is taken back */
};

static int write_closing(struct campaign *c, const struct entry *e, uint64_t step,
                         const struct ending *why, struct err *err)
{
    const bool watched = e->fate == FATE_ADOPTED || e->fate == FATE_KEPT;
    const struct attempt *a = watched ? &e->reverse : &e->forward;
    const struct prospect prospect = campaign_prospect(c);
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    judgement.outcome = why->back ? TRIREME__JUDGEMENT__OUTCOME__taken_back
                        : watched ? TRIREME__JUDGEMENT__OUTCOME__kept
                                  : TRIREME__JUDGEMENT__OUTCOME__closed;
    judgement.has_pairs = !why->back || attempt_open(e);
    judgement.pairs = judgement.has_pairs ? (uint32_t)a->n_pairs : 0;
    judgement.has_cause = 1, judgement.cause = why->cause;
    judgement.reason = (char *)why->reason;
    judgement.has_machine = judgement.machine = why->machine;
    judgement.tokens = prospect_arm_spent(&prospect, e, step, why->cause);
    judgement.has_tokens = judgement.tokens > 0;
    return campaign_write_verdict(c, e->number, step, &judgement, err);
}

/* An attempt ends before its time: what is tried is closed, what is watched kept or taken back, a
 * claim unproven. */
static int close_for(struct campaign *c, uint32_t number, uint64_t step, const struct ending *why,
                     struct err *err)
{
    const struct history *h = context_history(&c->context);
    const struct entry *e = history_entry(h, number);
    struct pair *pair = campaign_pair(c, number);
    const bool only_claim = e->fate == FATE_KEPT && !e->in_stretch; // no fork of it was begun
    // the verdict first: where the machine gave up, a repetition takes it as an input
    if (((!only_claim || why->back) && write_closing(c, e, step, why, err) < 0) ||
        campaign_drop_claim(c, e, step, why->back ? TRIREME__CAUSE__taken_back : why->cause, err) <
            0)
        return -1;
    if (pair)
        campaign_remove(c, pair);
    if (!c->pairs)
        measure_end(c->measure);
    campaign_plan_trunk(c);
    return 0;
}

int campaign_close(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                   const char *reason, struct err *err)
{
    return close_for(c, number, step, &(struct ending){.cause = cause, .reason = reason}, err);
}

int campaign_give_up(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                     const char *reason, struct err *err)
{
    return close_for(c, number, step,
                     &(struct ending){.cause = cause, .reason = reason, .machine = true}, err);
}

int campaign_end_adoption(struct campaign *c, uint32_t number, uint64_t step, const char *reason,
                          struct err *err)
{
    return close_for(
        c, number, step,
        &(struct ending){.cause = TRIREME__CAUSE__overruled, .reason = reason, .back = true}, err);
}

int campaign_give_up_pair(struct campaign *c, struct pair *pair, uint64_t step, struct err *err)
{
    char *reason = mem_strdup(pair->gave_up); // the pair goes before the record is done with
    int rc = campaign_give_up(c, pair->number, step, pair->cause, reason, err);
    free(reason);
    return rc;
}
