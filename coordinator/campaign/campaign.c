#include "coordinator/campaign/campaign.h"

#include "base/mem.h"
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/campaign/promotion.h"
#include "coordinator/gate/judge.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/progress.h"
#include "coordinator/train/trials.h"
#include "proto/config/changes.h"

#include <math.h>
#include <stdlib.h>

struct campaign *campaign_new(const struct context *context)
{
    struct campaign *c = mem_new(1, sizeof *c);
    c->context = *context;
    gate_windows_init(&c->windows, context->run, context->roster,
                      journal_history(context->journal));
    c->measure = measure_new(&c->context, &c->windows);
    c->early_stop = early_stop_new(&c->context, &c->windows);
    return c;
}

void campaign_free(struct campaign *c)
{
    if (!c)
        return;
    while (c->pairs) {
        struct pair *next = c->pairs->next;
        pair_free(c->pairs);
        c->pairs = next;
    }
    promotion_free(c->promotion);
    early_stop_free(c->early_stop);
    measure_free(c->measure);
    gate_windows_clear(&c->windows);
    free(c);
}

const char *campaign_off(const struct campaign *c)
{
    return c->windows.off;
}

int campaign_register(struct campaign *c, uint32_t number, uint64_t step, const Trireme__Plan *plan,
                      struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.plan = (Trireme__Plan *)plan;
    if (journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__hypothesis, number, step,
                      "rule", err) < 0)
        return -1;
    if (!plan->reverse) {
        const struct entry *e = history_entry(context_history(&c->context), number);
        char *text = changes_text(e->proposal->patch, e->proposal->n_patch);
        progress_say(c->context.progress,
                     "hypothesis %u: %s - tried from step %llu on, %llu steps a pair%s", number,
                     text, (unsigned long long)plan->start, (unsigned long long)plan->horizon,
                     plan->tail ? ", with tails" : "");
        free(text);
    }
    return 0;
}

unsigned campaign_open(const struct campaign *c)
{
    unsigned n = 0;
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));)
        n++;
    return n;
}

struct pair *campaign_pair(const struct campaign *c, uint32_t number)
{
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->number == number)
            return p;
    return NULL;
}

uint64_t campaign_next(const struct campaign *c, uint64_t step)
{
    uint64_t next = UINT64_MAX;
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));) {
        const struct attempt *a = attempt_open(e);
        uint64_t at = attempt_next_start(a);
        if (at <= step)
            at += a->plan->horizon;
        next = at < next ? at : next;
    }
    return next;
}

bool campaign_saves(const struct campaign *c, uint64_t step)
{
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));)
        if (attempt_next_start(attempt_open(e)) == step && !campaign_pair(c, e->number))
            return true;
    return false;
}

size_t campaign_pins(const struct campaign *c, uint64_t *steps, size_t max)
{
    size_t n = 0;
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));) {
        uint64_t start = attempt_next_start(attempt_open(e));
        if (start > context_trunk(&c->context)->step)
            continue;
        if (n < max)
            steps[n] = start;
        n++;
    }
    return n;
}

/* Whether a trial has done a step since it began. */
static bool is_worth_keeping(const struct trial *t, uint64_t begin)
{
    return t && t->state == TRIAL_OPEN && t->step > begin;
}

const struct trial *campaign_line(const struct campaign *c, size_t i,
                                  Trireme__EarlyStop *early_stop)
{
    for (const struct pair *p = c->pairs; p; p = p->next) {
        trireme__early_stop__init(early_stop);
        for (int which = ARM_TRUNK; which <= ARM_FORK; which++) {
            const struct arm *arm = &p->arms[which];
            if (arm->tail && !arm->borrows_tail &&
                is_worth_keeping(arm->tail, arm->tail->tail.from) && i-- == 0)
                return arm->tail;
        }
        if (isfinite(p->early_stop.start_loss) && is_worth_keeping(p->fork, p->start) && i-- == 0) {
            *early_stop = p->early_stop;
            return p->fork;
        }
    }
    return NULL;
}

Trireme__Change **campaign_promoted(const struct campaign *c, size_t *n)
{
    *n = context_history(&c->context)->n_promoted;
    return context_history(&c->context)->promoted;
}

void campaign_remove(struct campaign *c, struct pair *pair)
{
    struct pair **at = &c->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    measure_end(pair);
    early_stop_forget(c->early_stop, pair);
    if (pair->fork)
        trial_stop(pair->fork);
    pair_free(pair);
}

int campaign_write_verdict(struct campaign *c, uint32_t number, uint64_t step,
                           Trireme__Judgement *judgement, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.judgement = judgement;
    judgement->has_outcome = 1;
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__verdict, number, step,
                         "rule", err);
}

static void say_closed(struct campaign *c, uint32_t number)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    size_t n = e->reverse.plan ? e->reverse.n_pairs : e->forward.n_pairs;
    progress_say(c->context.progress, "hypothesis %u: %s after %zu %spairs%s%s", number,
                 fate_name(e->fate), n, e->reverse.plan ? "reverse " : "", e->reason ? ": " : "",
                 e->reason ? e->reason : "");
}

int campaign_close_with(struct campaign *c, uint32_t number, uint64_t step,
                        Trireme__Judgement *judgement, struct err *err)
{
    struct pair *pair = campaign_pair(c, number);
    if (campaign_write_verdict(c, number, step, judgement, err) < 0)
        return -1;
    if (pair)
        campaign_remove(c, pair);
    say_closed(c, number);
    return 0;
}

static int close_for(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                     const char *reason, bool machine, struct err *err)
{
    const struct entry *e = history_entry(context_history(&c->context), number);
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    bool reverse = e->fate == FATE_PROMOTED;
    if (!reverse && e->forward.n_pairs > 1) // for people: what its pairs came to
        judge_attempt(&e->forward, &judgement);
    judgement.outcome = reverse ? TRIREME__JUDGEMENT__OUTCOME__unconfirmed
                                : TRIREME__JUDGEMENT__OUTCOME__inconclusive;
    judgement.has_pairs = 1,
    judgement.pairs = (uint32_t)(reverse ? e->reverse.n_pairs : e->forward.n_pairs);
    judgement.has_cause = 1, judgement.cause = cause;
    judgement.reason = (char *)reason;
    judgement.has_machine = machine, judgement.machine = machine;
    return campaign_close_with(c, number, step, &judgement, err);
}

int campaign_close(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                   const char *reason, struct err *err)
{
    return close_for(c, number, step, cause, reason, false, err);
}

int campaign_give_up(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                     const char *reason, struct err *err)
{
    return close_for(c, number, step, cause, reason, true, err);
}

int campaign_give_up_pair(struct campaign *c, struct pair *pair, uint64_t step, struct err *err)
{
    char *reason = mem_strdup(pair->gave_up); // the pair goes before the record is done with
    int rc = campaign_give_up(c, pair->number, step, pair->cause, reason, err);
    free(reason);
    return rc;
}

void campaign_turn(struct campaign *c)
{
    early_stop_turn(c->early_stop, c->pairs);
}

bool campaign_promotes(const struct campaign *c)
{
    return c->promotion != NULL;
}
