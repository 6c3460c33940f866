/* Begins the forks of a stretch: on the servers, and their records in the ledger. */
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/pair.h"
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

/* Asks the servers for the fork of an entry that takes part in the stretch under way. */
static int begin_pair(struct campaign *c, const struct entry *e, uint64_t step, struct err *err)
{
    const uint64_t start = context_history(&c->context)->stretch_start;
    const struct attempt *a = attempt_open(e);
    const bool reverse = a == &e->reverse;
    Trireme__Config *config = campaign_fork_config(c, e, reverse, err);
    char *name = pair_fork_name(e->number, reverse, attempt_next_pair(a)), *folder = NULL;
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
    *pair = (struct pair){.number = e->number, .index = attempt_next_pair(a), .reverse = reverse};
    pair->start = start;
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
    const struct history *h = context_history(&c->context);
    const struct entry *e = history_entry(h, pair->number);
    const struct attempt *a = attempt_open(e);
    size_t n = 0;
    Trireme__Change *const *patch = campaign_fork_changes(e, pair->reverse, &n);
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
        trial_equal_steps(h->stretch->horizon, context_config(&c->context), pair->fork->config);
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
static int settle(struct campaign *c, uint64_t step, struct err *err)
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

bool campaign_behind(const struct campaign *c, uint64_t step)
{
    const struct history *h = context_history(&c->context);
    return h->stretch && h->stretch_start + h->stretch->horizon == step;
}

int campaign_fork(struct campaign *c, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    const bool lost = h->stretch && h->stretch_start < step;
    if (!h->stretch && campaign_is_boundary(c, step) && campaign_begin_stretch(c, step, err) < 0)
        return -1;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        struct err why = {0};
        if (!e->in_stretch || campaign_pair(c, e->number) || begin_pair(c, e, step, &why) == 0)
            continue;
        // What could be begun once can be begun again: if not, the machine is the reason.
        const Trireme__Cause cause = lost ? TRIREME__CAUSE__lost : TRIREME__CAUSE__failed;
        if ((lost ? campaign_give_up : campaign_close)(c, e->number, step, cause, why.text, err) <
            0)
            return -1;
    }
    return settle(c, step, err);
}
