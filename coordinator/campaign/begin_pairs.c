/* Begins pairs: forks on the servers, and their records in the ledger. */
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate.h"
#include "coordinator/gate/plan.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/run.h"
#include "coordinator/train/suspended.h"
#include "coordinator/train/trials.h"
#include "proto/config/changes.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include <stdlib.h>

static void insert_pair(struct campaign *c, struct pair *pair)
{
    struct pair **at = &c->pairs;
    while (*at && (*at)->number < pair->number)
        at = &(*at)->next;
    pair->next = *at;
    *at = pair;
}

/* The changes of an attempt's fork: the patch, or the values from before the promotion. */
static Trireme__Change *const *fork_changes(const struct entry *e, const struct attempt *a,
                                            size_t *n)
{
    *n = a->plan->reverse ? e->promotion->n_before : e->proposal->n_patch;
    return a->plan->reverse ? e->promotion->before : e->proposal->patch;
}

/* Asks the servers for the fork of an attempt's next pair. */
static int begin_pair(struct campaign *c, const struct entry *e, const struct attempt *a,
                      uint64_t step, struct err *err)
{
    uint64_t start = attempt_next_start(a);
    size_t n = 0;
    Trireme__Change *const *changes = fork_changes(e, a, &n);
    Trireme__Config *config = changes_apply(context_config(&c->context), changes, n, err);
    char *name = pair_fork_name(e->number, a->plan->reverse, a->n_pairs), *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    const Trireme__Judgement *gave_up = journal_gave_up(c->context.journal, e->number, step);
    struct fork fork = {.name = name, .step = start, .config = config};
    struct trial *trial = NULL;
    int rc = -1;
    if (!config)
        goto out;
    const Trireme__Manifest *suspended = suspended_find(c->context.suspended, &fork);
    if (start < step && !suspended) { // it was under way when an earlier launch ended
        fork.checkpoint = folder = checkpoint_folder(c->context.run->folder, start);
        fork.manifest = manifest = checkpoint_manifest(folder, err);
        if (!manifest || checkpoint_verify(folder, manifest, err) < 0)
            goto out;
    }
    trial = gave_up ? NULL : trials_fork(c->context.trials, context_trunk(&c->context), &fork, err);
    if (!trial && !gave_up)
        goto out;
    struct pair *pair = mem_new(1, sizeof *pair);
    *pair = (struct pair){.number = e->number, .index = (uint32_t)a->n_pairs, .plan = a->plan};
    pair->start = start, pair->end = start + a->plan->horizon;
    pair->fork = trial;
    if (gave_up)
        pair_give_up(pair, gave_up->cause, gave_up->reason);
    pair->suspended = suspended ? suspended->peeks : NULL;
    pair->forked_at = clock_now();
    insert_pair(c, pair);
    rc = 0;
out:
    message_free(manifest);
    free(folder);
    free(name);
    message_free(config);
    return rc;
}

/* The servers have the fork: writes its record, once, and lets it train. */
static int begin_training(struct campaign *c, struct pair *pair, struct err *err)
{
    const struct entry *e = history_entry(context_history(&c->context), pair->number);
    const struct attempt *a = attempt_open(e);
    size_t n = 0;
    Trireme__Change *const *patch = fork_changes(e, a, &n);
    Trireme__Application application = TRIREME__APPLICATION__INIT;
    application.has_pair = 1, application.pair = pair->index;
    application.has_trial = 1, application.trial = pair->fork->number;
    application.has_step = 1, application.step = pair->start;
    application.has_bytes = 1, application.bytes = pair->fork->bytes;
    application.has_pause_ms = 1, application.pause_ms = 1e3 * (clock_now() - pair->forked_at);
    application.verified = changes_values(pair->fork->config, patch, n), application.n_verified = n;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.application = &application;
    pair->fork_end =
        pair->start +
        trial_equal_steps(a->plan->horizon, context_trunk(&c->context)->config, pair->fork->config);
    early_stop_begin(pair, pair->suspended);
    pair->forked_at = 0;
    // The launch that lost it may have written it.
    bool recorded = a->application && a->application->pair == pair->index;
    int rc = recorded
                 ? 0
                 : journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__application,
                                 pair->number, pair->start, "rule", err);
    changes_free(application.verified, n);
    return rc;
}

/* Goes on with pairs that were begun. Returns 1 when the servers have answered for all. */
static int settle_forks(struct campaign *c, uint64_t step, struct err *err)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->forked_at > 0 && p->fork && p->fork->state == TRIAL_FORKING)
            return 0;
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        if (p->forked_at == 0)
            continue;
        if (p->fork && p->fork->state == TRIAL_REFUSED)
            pair_refused(p, p->fork);
        if (p->gave_up) {
            if (campaign_give_up_pair(c, p, step, err) < 0)
                return -1;
        } else if (begin_training(c, p, err) < 0) {
            return -1;
        }
    }
    return 1;
}

/* Returns why an attempt's next pair cannot be afforded, or NULL. */
static const char *spent(const struct campaign *c, const struct entry *e, const struct attempt *a,
                         uint64_t step)
{
    uint64_t pair = plan_pair_tokens(context_config(&c->context), a->plan), own = 0;
    // up to the next look
    uint64_t cost = a->n_pairs < GATE_PAIRS_MIN ? pair : (2 - a->n_pairs % 2) * pair;
    for (size_t i = 0; i < a->n_pairs; i++)
        own += a->pairs[i]->tokens;
    if (!a->plan->reverse && e->proposal->budget && own + cost > e->proposal->budget)
        return "its budget of tokens is spent";
    if (!a->plan->reverse && a->n_pairs >= GATE_PAIRS_MIN &&
        cost + plan_committed_tokens(context_history(&c->context), context_config(&c->context),
                                     e->number, step) >
            plan_tokens_left(context_history(&c->context), c->context.run->config,
                             context_config(&c->context)))
        return "the tokens that experiments may cost are spent (gate.share)";
    return NULL;
}

bool campaign_behind(const struct campaign *c, uint64_t step)
{
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));) {
        const struct attempt *a = attempt_open(e);
        if (attempt_next_start(a) + a->plan->horizon == step)
            return true;
    }
    return false;
}

int campaign_fork(struct campaign *c, uint64_t step, struct err *err)
{
    const bool behind = campaign_behind(c, step);
    for (const struct entry *e = NULL; (e = history_next_open(context_history(&c->context), e));) {
        const struct attempt *a = attempt_open(e);
        const uint64_t start = attempt_next_start(a);
        if (start > step || (behind && start == step) || campaign_pair(c, e->number))
            continue;
        // A pair that was under way is paid for, and could be begun once: if it cannot be begun
        // now, the machine is the reason.
        const bool lost = start < step;
        const char *reason = lost ? NULL : spent(c, e, a, step);
        Trireme__Cause cause = TRIREME__CAUSE__money;
        struct err why = {0};
        if (!reason && begin_pair(c, e, a, step, &why) < 0) {
            reason = why.text;
            cause = lost ? TRIREME__CAUSE__lost : TRIREME__CAUSE__failed;
        }
        if (reason &&
            (lost ? campaign_give_up : campaign_close)(c, e->number, step, cause, reason, err) < 0)
            return -1;
    }
    return settle_forks(c, step, err);
}
