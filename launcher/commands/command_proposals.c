/* trireme proposals ls, show, diff: what the ledger's records add up to. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/commands/command.h"
#include "launcher/commands/print_text.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100, INDENT = 26 };

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
    row->state = mem_strdup(entry_word(e));
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

/* Replaces a reply's empty submessage by a copy, or by nothing. */
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

/* Returns what was measured under a plan; NULL if there is none. */
static Trireme__Attempt *attempt_of(const struct attempt *a)
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
        out->pairs[i] = pair_of(a->pairs[i], a->plan->reverse);
    return out;
}

static void fill(Trireme__ProposalsShowReply *out, const struct entry *e)
{
    out->has_number = true, out->number = e->number;
    out->by = mem_strdup(e->by);
    out->has_step = true, out->step = e->step;
    out->state = mem_strdup(entry_word(e));
    out->reason = mem_strdup(e->reason);
    PUT(out->proposal, e->proposal);
    message_free(out->forward);
    out->forward = attempt_of(&e->forward);
    PUT(out->promotion, e->promotion);
    if (e->promotion)
        out->has_promoted_at = true, out->promoted_at = e->promoted_at;
    message_free(out->reverse);
    out->reverse = attempt_of(&e->reverse);
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

static void print_patch(Trireme__Change *const *patch, size_t n, size_t width)
{
    char *text = changes_text(patch, n);
    print_text(text, width);
    putchar('\n');
    free(text);
}

static void print_below(const char *text)
{
    printf("%*s", INDENT, "");
    print_text(text, WIDTH - INDENT);
    putchar('\n');
}

static void print_row(const Trireme__ProposalRow *row)
{
    char pairs[32] = "-";
    if (row->has_pairs)
        snprintf(pairs, sizeof pairs, "%u/%u", row->pairs, row->pairs_max);
    printf("%4u  %-12s %5s  ", row->number, row->state, pairs);
    print_patch(row->patch, row->n_patch, WIDTH - INDENT);
    if (row->hypothesis && *row->hypothesis)
        print_below(row->hypothesis);
    if (row->has_promoted_at)
        printf("%*spromoted at step %" PRIu64 "\n", INDENT, "", row->promoted_at);
    if (row->has_reverse_pairs) {
        snprintf(pairs, sizeof pairs, "%u/%u", row->reverse_pairs, row->reverse_pairs_max);
        printf("      `- reverse   %5s  ", pairs);
        if (row->has_gain)
            printf("gain %.5f +- %.5f nats\n", row->gain, row->half_width);
        else
            printf("the configuration from before, against the promoted one\n");
    }
    if (row->reason)
        print_below(row->reason);
}

void print_proposals_ls(const void *reply)
{
    const Trireme__ProposalsLsReply *r = reply;
    if (!r->n_proposals) {
        printf("nothing has been proposed\n");
        return;
    }
    printf("%4s  %-12s %5s  %s\n", "no", "state", "pairs", "change, and why");
    for (size_t i = 0; i < r->n_proposals; i++)
        print_row(r->proposals[i]);
}

static void print_label(const char *label)
{
    printf("  %-13s ", label);
}

static void print_plan(const Trireme__Plan *p, const char *label)
{
    print_label(label);
    printf("%s: at most %u pairs from step %" PRIu64 " on, %" PRIu64 " steps each",
           p->slow ? "slow" : "fast", p->pairs, p->start, p->horizon);
    if (p->tail)
        printf(" and a tail of %" PRIu64, p->tail);
    printf("\n");
    print_label("");
    printf("%u gate windows an arm, margin %g nats", p->windows, p->margin);
    if (!p->reverse)
        printf(", alpha %g, beta %g", p->alpha, p->beta);
    printf("\n");
    if (p->holds_for) {
        print_label("");
        printf("its verdict holds for %s\n", p->holds_for);
    }
}

static void print_pairs(const Trireme__Attempt *a)
{
    if (!a->n_pairs)
        return;
    print_label("pairs");
    printf("%4s %10s %12s %12s %12s\n", "pair", "at step", "trunk", "fork", "gain");
    for (size_t i = 0; i < a->n_pairs; i++) {
        const Trireme__PairRow *p = a->pairs[i];
        print_label("");
        if (p->diverged || p->trunk_diverged)
            printf("%4u %10" PRIu64 " the %s diverged\n", p->pair, p->step,
                   p->diverged ? "fork" : "trunk's tail");
        else
            printf("%4u %10" PRIu64 " %12.6f %12.6f %+12.6f\n", p->pair, p->step, p->trunk_loss,
                   p->fork_loss, p->gain);
    }
}

static void print_judgement(const Trireme__Judgement *j)
{
    print_label("verdict");
    printf("%s", protobuf_c_enum_descriptor_get_value(&trireme__judgement__outcome__descriptor,
                                                      (int)j->outcome)
                     ->name);
    if (j->pairs)
        printf(" after %u %s", j->pairs, j->pairs == 1 ? "pair" : "pairs");
    if (j->has_half_width)
        printf(": gain %.5f +- %.5f nats (95 %%)", j->mean, j->half_width);
    else if (j->has_mean)
        printf(": mean gain less the margin %.6g nats, t = %.4g", j->mean, j->t);
    if (j->outcome == TRIREME__JUDGEMENT__OUTCOME__confirmed)
        printf("\n%17sconfirmed: above 0 at 95 %%, one-sided", "");
    if (j->window_share > 0.25)
        printf("\n%17s%.0f %% of the spread is the choice of windows: more of them (gate.windows) "
               "would help",
               "", 100 * j->window_share);
    printf("\n");
    if (j->reason && *j->reason) {
        print_label("");
        print_text(j->reason, SIZE_MAX);
        printf("\n");
    }
}

static void print_attempt(const Trireme__Attempt *a)
{
    if (!a)
        return;
    if (a->plan->reverse)
        printf("  reverse pairs: the configuration from before, against the promoted one\n");
    print_plan(a->plan, "plan");
    if (a->application) {
        print_label("newest fork");
        printf("trial %u, from step %" PRIu64 ", %" PRIu64
               " bytes, the trunk stood still for %.0f ms\n",
               a->application->trial, a->application->step, a->application->bytes,
               a->application->pause_ms);
    }
    print_pairs(a);
    if (a->judgement)
        print_judgement(a->judgement);
}

static void print_said(const char *label, const char *text)
{
    if (!text || !*text)
        return;
    print_label(label);
    print_text(text, SIZE_MAX);
    printf("\n");
}

void print_proposals_show(const void *reply)
{
    const Trireme__ProposalsShowReply *r = reply;
    const Trireme__Proposal *p = r->proposal;
    printf("%u: %s, proposed by ", r->number, r->state);
    print_text(r->by, WIDTH);
    printf(" at step %" PRIu64 "\n", r->step);
    print_said("id", p->id);
    print_label("change");
    print_patch(p->patch, p->n_patch, SIZE_MAX);
    print_said("why", p->hypothesis);
    print_said("predicted", p->predicted);
    print_attempt(r->forward);
    if (r->promotion) {
        print_label("promoted");
        printf("at step %" PRIu64 ", trial %u: %s\n", r->promoted_at, r->promotion->trial,
               r->promotion->adopted ? "the last fork became the trunk"
                                     : "the change was applied to the trunk's state");
    }
    print_attempt(r->reverse);
    bool said = (r->forward && r->forward->judgement) || (r->reverse && r->reverse->judgement);
    if (!said)
        print_said("reason", r->reason);
}

void print_proposals_diff(const void *reply)
{
    const Trireme__ProposalsDiffReply *r = reply;
    for (size_t i = 0; i < r->n_values; i++) {
        print_text(r->values[i]->path, SIZE_MAX);
        printf(": ");
        print_text(r->values[i]->before ? r->values[i]->before : "(there is none)", SIZE_MAX);
        printf(" -> ");
        print_text(r->values[i]->after, SIZE_MAX);
        printf("\n");
    }
}
