#include "coordinator/campaign/campaign.h"

#include "base/mem.h"
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/campaign/promotion.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trials.h"

#include <math.h>
#include <stdlib.h>

struct campaign *campaign_new(const struct context *context)
{
    struct campaign *c = mem_new(1, sizeof *c);
    c->context = *context;
    c->rule = rule_of(context->run->config);
    gate_windows_init(&c->windows, context->run, context->roster);
    const char *off = prospect_off(journal_history(context->journal));
    if (off) {
        free(c->windows.off);
        c->windows.off = mem_strdup(off);
    }
    campaign_plan_trunk(c);
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

uint64_t campaign_next(const struct campaign *c, uint64_t step)
{
    const struct history *h = context_history(&c->context);
    if (campaign_off(c))
        return UINT64_MAX;
    if (history_asked_back(h))
        return step + 1;
    if (h->stretch)
        return h->stretch_start + h->stretch->horizon;
    for (size_t i = 0; i < h->n; i++)
        if (h->entries[i].fate == FATE_QUEUED || attempt_open(&h->entries[i]))
            return campaign_next_boundary(c, step);
    return UINT64_MAX;
}

bool campaign_saves(const struct campaign *c, uint64_t step)
{
    return campaign_is_boundary(c, step);
}

size_t campaign_pins(const struct campaign *c, uint64_t *steps, size_t max)
{
    const struct history *h = context_history(&c->context);
    if (!h->stretch || max == 0)
        return 0;
    steps[0] = h->stretch_start;
    return 1;
}

/* Whether a trial has done a step since it began. */
static bool is_worth_keeping(const struct trial *t, uint64_t begin)
{
    return t && t->state == TRIAL_OPEN && t->step > begin;
}

const struct trial *campaign_line(const struct campaign *c, size_t i,
                                  Trireme__EarlyStop *early_stop)
{
    const struct trial *tail = measure_trunk_tail(c->measure);
    trireme__early_stop__init(early_stop);
    if (tail && is_worth_keeping(tail, tail->tail.from) && i-- == 0)
        return tail;
    for (const struct pair *p = c->pairs; p; p = p->next) {
        tail = p->arm.tail;
        if (tail && is_worth_keeping(tail, tail->tail.from) && i-- == 0)
            return tail;
        if (p->forked_at == 0 && is_worth_keeping(p->fork, p->start) && i-- == 0) {
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

void campaign_turn(struct campaign *c)
{
    early_stop_turn(c->early_stop, c->pairs);
}

bool campaign_outlives_trunk(const struct campaign *c, uint64_t *end)
{
    const struct history *h = context_history(&c->context);
    const struct entry *watched = history_watched(h);
    if (!h->stretch || !watched || !watched->in_stretch)
        return false;
    *end = h->stretch_start + h->stretch->horizon;
    return true;
}

bool campaign_promotes(const struct campaign *c)
{
    return c->promotion != NULL;
}
