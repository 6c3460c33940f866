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

/* Replaces a reply's empty submessage by a copy, or by nothing. */
#define PUT(to, from) (message_free(to), (to) = (from) ? message_copy(from) : NULL)

/* Pairs at most: of the first rule its plan's, of the second its rule's. */
static uint32_t pairs_max(const struct entry *e, const struct attempt *a, const Trireme__Rule *rule)
{
    if (a->plan->pairs || !rule)
        return a->plan->pairs;
    if (a == &e->forward)
        return rule->pairs;
    return e->claim && rule->n_looks ? rule->looks[rule->n_looks - 1] : rule->watch;
}

static void fill_gain(Trireme__ProposalRow *row, const struct entry *e)
{
    const Trireme__Judgement *j = e->reverse.judgement;
    const bool claimed = e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__claimed;
    if (!claimed && !(j && j->has_half_width))
        return;
    row->has_gain = true, row->gain = claimed ? e->claim->mean : j->mean;
    row->has_half_width = true, row->half_width = claimed ? e->claim->half_width : j->half_width;
}

static Trireme__ProposalRow *row_of(const struct entry *e, const Trireme__Rule *rule)
{
    Trireme__ProposalRow *row = message_new(&trireme__proposal_row__descriptor);
    row->has_number = true, row->number = e->number;
    row->by = mem_strdup(e->by);
    row->has_step = true, row->step = e->step;
    row->state = mem_strdup(entry_word(e));
    row->n_patch = e->proposal->n_patch;
    row->patch = copy_changes(e->proposal->patch, e->proposal->n_patch);
    row->hypothesis = mem_strdup(e->proposal->hypothesis);
    row->reason = mem_strdup(entry_reason(e));
    if (e->forward.plan) {
        row->has_pairs = true, row->pairs = (uint32_t)e->forward.n_pairs;
        row->has_pairs_max = true, row->pairs_max = pairs_max(e, &e->forward, rule);
        row->has_calm = e->forward.plan->has_calm, row->calm = e->forward.plan->calm;
        row->has_slow = true, row->slow = e->forward.plan->slow;
    }
    if (e->promotion)
        row->has_promoted_at = true, row->promoted_at = e->promoted_at;
    if (e->reverse.plan) {
        row->has_reverse_pairs = true, row->reverse_pairs = (uint32_t)e->reverse.n_pairs;
        row->has_reverse_pairs_max = true;
        row->reverse_pairs_max = pairs_max(e, &e->reverse, rule);
    }
    PUT(row->judgement, e->forward.judgement);
    PUT(row->watch, e->reverse.judgement);
    PUT(row->claim, e->claim);
    fill_gain(row, e);
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
        out->proposals[i] = row_of(&history.entries[i], history.rule);
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
    out->reason = mem_strdup(entry_reason(e));
    PUT(out->proposal, e->proposal);
    message_free(out->forward);
    out->forward = attempt_of(&e->forward);
    PUT(out->promotion, e->promotion);
    if (e->promotion)
        out->has_promoted_at = true, out->promoted_at = e->promoted_at;
    message_free(out->reverse);
    out->reverse = attempt_of(&e->reverse);
    PUT(out->claim, e->claim);
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

static void begin_below(void)
{
    printf("%*s", INDENT, "");
}

static void print_below(const char *text, size_t width)
{
    begin_below();
    print_text(text, width);
    putchar('\n');
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

/* "plain, slow"; of the first rule, which had one kind: "slow". */
static void print_kind(bool has_calm, bool calm, bool slow)
{
    printf("%s%s", !has_calm ? "" : calm ? "calm, " : "plain, ", slow ? "slow" : "fast");
}

static void print_probability(double p)
{
    if (p > 0.9999)
        printf("above 0.9999");
    else if (p < 0.0001)
        printf("below 0.0001");
    else
        printf("%.4f", p);
}

/* What is expected by the pairs and the prior: never called a gain. what: of which kind, or "". */
static void print_expected(const Trireme__Judgement *j, const char *what)
{
    if (j->has_probability) {
        printf("expected %+.4f +- %.4f nats%s, better with probability ", j->mean, j->deviation,
               what);
        print_probability(j->probability);
    } else if (j->has_half_width) { // of the first rule, like the next
        printf("%+.5f +- %.5f nats (95 %%)", j->mean, j->half_width);
    } else if (j->has_mean) {
        printf("mean %+.6g nats%s, t = %.4g", j->mean, what, j->t);
    }
}

/* state: of the proposal, which is the word for why it was closed. */
static void print_outcome(const Trireme__Judgement *j, const char *state)
{
    switch (j->outcome) {
    case TRIREME__JUDGEMENT__OUTCOME__closed:
        printf("%s", state);
        break;
    case TRIREME__JUDGEMENT__OUTCOME__adopted:
        printf("adopted (screening)");
        break;
    case TRIREME__JUDGEMENT__OUTCOME__returned:
        printf("waits again");
        break;
    case TRIREME__JUDGEMENT__OUTCOME__taken_back:
        printf("taken back");
        break;
    default:
        printf("%s", protobuf_c_enum_descriptor_get_value(&trireme__judgement__outcome__descriptor,
                                                          (int)j->outcome)
                         ->name);
    }
    if (j->pairs)
        printf(" after %u pair%s", j->pairs, plural(j->pairs));
}

/* Only what was claimed is called a gain. */
static void print_claim(const Trireme__Claim *c)
{
    if (c->answer == TRIREME__CLAIM__ANSWER__claimed)
        printf("claimed: gains %.4f +- %.4f nats over %u reverse pairs", c->mean, c->half_width,
               c->pairs);
    else if (c->answer == TRIREME__CLAIM__ANSWER__unproven)
        printf("unproven after %u reverse pair%s", c->pairs, plural(c->pairs));
    else
        printf("not answered yet");
    printf(", claim %u at alpha %.3g", c->t, c->alpha);
    if (c->has_cause && c->cause != TRIREME__CAUSE__gains)
        printf(
            " (%s)",
            protobuf_c_enum_descriptor_get_value(&trireme__cause__descriptor, (int)c->cause)->name);
}

/* What is known of it in words and numbers, below its first line. */
static void print_found(const Trireme__ProposalRow *row)
{
    if (row->has_pairs) {
        begin_below();
        print_kind(row->has_calm, row->calm, row->slow);
        if (row->judgement && row->judgement->has_mean) {
            printf("; ");
            print_expected(row->judgement, "");
        }
        printf("\n");
    }
    if (row->has_promoted_at) {
        begin_below();
        // a verdict of the first rule has no probability
        printf("%s at step %" PRIu64 "\n",
               row->judgement && row->judgement->has_probability ? "adopted (screening)"
                                                                 : "promoted",
               row->promoted_at);
    }
    if (row->has_reverse_pairs) {
        begin_below();
        printf("watch, %u/%u reverse pairs", row->reverse_pairs, row->reverse_pairs_max);
        if (row->watch) {
            printf(": ");
            print_outcome(row->watch, row->state);
        }
        printf("\n");
    }
    if (row->claim) {
        begin_below();
        if (row->claim->answer != TRIREME__CLAIM__ANSWER__claimed)
            printf("claim: ");
        print_claim(row->claim);
        printf("\n");
    } else if (row->has_gain) {
        begin_below();
        printf("gain %.5f +- %.5f nats\n", row->gain, row->half_width);
    }
}

static void print_row(const Trireme__ProposalRow *row)
{
    char pairs[32] = "-";
    if (row->has_pairs)
        snprintf(pairs, sizeof pairs, "%u/%u", row->pairs, row->pairs_max);
    printf("%4u  %-14s %3s  ", row->number, row->state, pairs);
    print_patch(row->patch, row->n_patch, WIDTH - INDENT);
    if (row->hypothesis && *row->hypothesis)
        print_below(row->hypothesis, WIDTH - INDENT);
    print_found(row);
    if (row->reason)
        print_below(row->reason, SIZE_MAX);
}

void print_proposals_ls(const void *reply)
{
    const Trireme__ProposalsLsReply *r = reply;
    if (!r->n_proposals) {
        printf("nothing has been proposed\n");
        return;
    }
    printf("%4s  %-13s %s  %s\n", "no", "state", "pairs", "change, and why");
    for (size_t i = 0; i < r->n_proposals; i++)
        print_row(r->proposals[i]);
}

static void print_label(const char *label)
{
    printf("  %-13s ", label);
}

static void print_plan(const Trireme__Plan *p)
{
    print_label("kind");
    print_kind(p->has_calm, p->calm, p->slow);
    printf("; margin %g nats\n", p->margin);
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
    printf("%4s %10s %12s %12s %12s\n", "pair", "at step", "trunk", "fork", "better by");
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

static void print_judgement(const Trireme__Attempt *a, const char *state)
{
    const Trireme__Judgement *j = a->judgement;
    print_label(a->plan->reverse ? "watch" : "verdict");
    print_outcome(j, state);
    if (j->has_mean) {
        printf(": ");
        print_expected(j, a->plan->reverse ? "" : " beyond the margin");
    }
    printf("\n");
    if (j->reason && *j->reason) {
        print_label("");
        print_text(j->reason, SIZE_MAX);
        printf("\n");
    }
}

static void print_attempt(const Trireme__Attempt *a, const char *state)
{
    if (!a)
        return;
    if (a->plan->reverse)
        printf("  reverse pairs: forks with the recipe from before, against the trunk\n");
    else
        print_plan(a->plan);
    if (a->application) {
        print_label("newest fork");
        printf("trial %u, from step %" PRIu64 ", %" PRIu64
               " bytes, the trunk stood still for %.0f ms\n",
               a->application->trial, a->application->step, a->application->bytes,
               a->application->pause_ms);
    }
    print_pairs(a);
    if (a->judgement)
        print_judgement(a, state);
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
    print_attempt(r->forward, r->state);
    if (r->promotion) {
        print_label("trunk");
        printf("its fork, trial %u, became the trunk at step %" PRIu64 "\n", r->promotion->trial,
               r->promoted_at);
    }
    print_attempt(r->reverse, r->state);
    if (r->claim) {
        print_label("claim");
        print_claim(r->claim);
        if (r->claim->has_p)
            printf(" (t = %.4g, p = %.3g)", r->claim->student_t, r->claim->p);
        printf("\n");
    }
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
