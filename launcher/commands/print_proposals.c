/* The replies of `trireme proposals` for people. */
#include "launcher/commands/print.h"

#include "launcher/commands/print_text.h"
#include "proto/config/changes.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 100, INDENT = 26 };

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

static void print_attempt(const Trireme__Attempt *a, bool reverse)
{
    if (!a)
        return;
    if (reverse)
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
    print_attempt(r->forward, false);
    if (r->promotion) {
        print_label("promoted");
        printf("at step %" PRIu64 ", trial %u: %s\n", r->promoted_at, r->promotion->trial,
               r->promotion->adopted ? "the last fork became the trunk"
                                     : "the change was applied to the trunk's state");
    }
    print_attempt(r->reverse, true);
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
