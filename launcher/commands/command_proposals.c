/* trireme proposals ls, show, diff: what the ledger's records add up to. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/commands/command.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include "command.pb-c.h"

#include <stdlib.h>
#include <string.h>

static struct ledger *open_ledger(const char *run, struct err *err)
{
    return run_config_exists(run, err) < 0 ? NULL : ledger_open(run, false, err);
}

static Trireme__Change **copy_changes(Trireme__Change *const *changes, size_t n)
{
    Trireme__Change **copy = mem_new(n, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = message_copy(changes[i]);
    return copy;
}

static Trireme__ProposalRow *row_of(const struct entry *e)
{
    Trireme__ProposalRow *row = message_new(&trireme__proposal_row__descriptor);
    row->has_number = true, row->number = e->number;
    row->by = mem_strdup(e->by);
    row->has_step = true, row->step = e->step;
    row->state = mem_strdup(fate_name(e->fate));
    row->n_patch = e->proposal->n_patch;
    row->patch = copy_changes(e->proposal->patch, e->proposal->n_patch);
    row->hypothesis = mem_strdup(e->proposal->hypothesis);
    row->reason = mem_strdup(e->reason);
    if (e->forward.plan) {
        row->has_pairs = true, row->pairs = (uint32_t)e->forward.n_pairs;
        row->has_pairs_max = true, row->pairs_max = e->forward.plan->pairs;
    }
    if (e->promotion)
        row->has_promoted_at = true, row->promoted_at = e->promoted_at;
    if (e->reverse.plan) {
        row->has_reverse_pairs = true, row->reverse_pairs = (uint32_t)e->reverse.n_pairs;
        row->has_reverse_pairs_max = true, row->reverse_pairs_max = e->reverse.plan->pairs;
    }
    // all four pairs were measured
    if (e->reverse.judgement && e->reverse.judgement->has_half_width) {
        row->has_gain = true, row->gain = e->reverse.judgement->mean;
        row->has_half_width = true, row->half_width = e->reverse.judgement->half_width;
    }
    return row;
}

int command_proposals_ls(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsLsRequest *r = request;
    Trireme__ProposalsLsReply *out = reply;
    struct ledger *ledger = open_ledger(r->run, err);
    if (!ledger)
        return -1;
    struct history history = {0};
    history_read(&history, ledger, ledger_records(ledger));
    out->n_proposals = history.n;
    out->proposals = mem_new(history.n, sizeof *out->proposals);
    for (size_t i = 0; i < history.n; i++)
        out->proposals[i] = row_of(&history.entries[i]);
    history_clear(&history);
    ledger_free(ledger);
    return 0;
}

/* Reads the run's history and finds the proposal of that number. */
static const struct entry *find(struct history *history, const struct ledger *ledger,
                                const char *run, uint32_t number, struct err *err)
{
    history_read(history, ledger, ledger_records(ledger));
    const struct entry *entry = history_entry(history, number);
    if (!entry)
        err_set(err, ERR_USAGE, "%s: found no proposal %u, there are %zu", run, number, history->n);
    return entry;
}

/* Puts a copy in the place of a reply's empty submessage, or nothing. */
#define PUT(to, from) (message_free(to), (to) = (from) ? message_copy(from) : NULL)

static Trireme__PairRow *pair_of(const Trireme__Observation *o, bool reverse)
{
    Trireme__PairRow *row = message_new(&trireme__pair_row__descriptor);
    row->has_pair = true, row->pair = o->pair;
    row->has_step = true, row->step = o->step;
    row->has_diverged = row->diverged = o->diverged;
    row->has_trunk_diverged = row->trunk_diverged = o->trunk_diverged;
    if (o->diverged || o->trunk_diverged)
        return row;
    row->has_trunk_loss = true, row->trunk_loss = o->trunk_loss;
    row->has_fork_loss = true, row->fork_loss = o->fork_loss;
    // the trunk of a reverse pair is what has the change
    row->has_gain = true,
    row->gain = reverse ? o->fork_loss - o->trunk_loss : o->trunk_loss - o->fork_loss;
    return row;
}

/* What was measured by a plan; NULL where there is none. */
static Trireme__Attempt *attempt_of(const struct attempt *a, bool reverse)
{
    if (!a->plan)
        return NULL;
    Trireme__Attempt *out = message_new(&trireme__attempt__descriptor);
    PUT(out->plan, a->plan);
    PUT(out->application, a->application);
    PUT(out->judgement, a->judgement);
    out->n_pairs = a->n_pairs;
    out->pairs = mem_new(a->n_pairs, sizeof *out->pairs);
    for (size_t i = 0; i < a->n_pairs; i++)
        out->pairs[i] = pair_of(a->pairs[i], reverse);
    return out;
}

static void fill(Trireme__ProposalsShowReply *out, const struct entry *e)
{
    out->has_number = true, out->number = e->number;
    out->by = mem_strdup(e->by);
    out->has_step = true, out->step = e->step;
    out->state = mem_strdup(fate_name(e->fate));
    out->reason = mem_strdup(e->reason);
    PUT(out->proposal, e->proposal);
    message_free(out->forward);
    out->forward = attempt_of(&e->forward, false);
    PUT(out->promotion, e->promotion);
    if (e->promotion)
        out->has_promoted_at = true, out->promoted_at = e->promoted_at;
    message_free(out->reverse);
    out->reverse = attempt_of(&e->reverse, true);
}

int command_proposals_show(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsShowRequest *r = request;
    struct ledger *ledger = open_ledger(r->run, err);
    if (!ledger)
        return -1;
    struct history history = {0};
    const struct entry *entry = find(&history, ledger, r->run, r->number, err);
    if (entry)
        fill(reply, entry);
    history_clear(&history);
    ledger_free(ledger);
    return entry ? 0 : -1;
}

/* Records up to the one that began to try the proposal; where none did: all. */
static size_t records_before_hypothesis(const struct ledger *ledger, uint32_t number)
{
    size_t n = ledger_records(ledger);
    for (size_t i = n; i > 0; i--) {
        const Trireme__Record *record = ledger_record(ledger, i - 1);
        if (record->number == number && record->kind == TRIREME__RECORD_KIND__hypothesis &&
            !record->plan->reverse)
            return i;
    }
    return n;
}

static const char *value_in(Trireme__Change *const *changes, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(changes[i]->path, path))
            return changes[i]->value;
    return NULL;
}

/* A row for each value; what it was: said by the promotion, by an earlier promotion, or by the
 * run's own configuration. */
static void fill_rows(Trireme__ProposalsDiffReply *out, const struct entry *e,
                      const struct history *then, const Trireme__Config *config)
{
    size_t n = e->proposal->n_patch;
    out->values = mem_new(n, sizeof *out->values);
    out->n_values = n;
    for (size_t i = 0; i < n; i++) {
        const char *path = e->proposal->patch[i]->path, *before = NULL;
        if (e->promotion)
            before = value_in(e->promotion->before, e->promotion->n_before, path);
        if (!before)
            before = value_in(then->promoted, then->n_promoted, path);
        Trireme__ValueRow *row = out->values[i] = message_new(&trireme__value_row__descriptor);
        row->path = mem_strdup(path);
        row->before = before ? mem_strdup(before) : message_path_value(config, path);
        row->after = mem_strdup(e->proposal->patch[i]->value);
    }
}

int command_proposals_diff(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsDiffRequest *r = request;
    struct ledger *ledger = open_ledger(r->run, err);
    if (!ledger)
        return -1;
    struct history history = {0}, then = {0};
    const struct entry *entry = find(&history, ledger, r->run, r->number, err);
    Trireme__Config *config = entry ? run_config_of(r->run, err) : NULL;
    if (config) {
        history_read(&then, ledger, records_before_hypothesis(ledger, r->number));
        fill_rows(reply, entry, &then, config);
    }
    message_free(config);
    history_clear(&then);
    history_clear(&history);
    ledger_free(ledger);
    return config ? 0 : -1;
}
