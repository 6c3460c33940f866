/* The replies of `trireme ledger` for people, and a coordinator's answer. */
#include "launcher/commands/print.h"

#include "launcher/commands/print_text.h"
#include "proto/config/changes.h"

#include "command.pb-c.h"
#include "planner.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void print_answer(const void *reply)
{
    const Trireme__Answer *r = reply;
    print_text(r->text, SIZE_MAX);
    printf("\n");
}

void print_ledger_verify(const void *reply)
{
    const Trireme__LedgerVerifyReply *r = reply;
    printf("%" PRIu64 " records, head %s: the chain holds, and %u checkpoints agree with it\n",
           r->records, r->head, r->checkpoints);
}

static void say(const char *text)
{
    print_text(text ? text : "", SIZE_MAX);
}

static void say_patch(Trireme__Change *const *patch, size_t n)
{
    char *text = changes_text(patch, n);
    say(text);
    free(text);
}

static void print_validation(const Trireme__Validation *v)
{
    if (v->accepted) {
        printf("legal: %s", protobuf_c_enum_descriptor_get_value(
                                &trireme__validation__next__descriptor, (int)v->next)
                                ->name);
        return;
    }
    printf("refused: ");
    say(v->reason);
}

static void print_plan(const Trireme__Plan *p)
{
    printf("%sat most %u pairs of %" PRIu64 " steps", p->reverse ? "reverse: " : "", p->pairs,
           p->horizon);
    if (p->tail)
        printf(" and a tail of %" PRIu64, p->tail);
    printf(" from step %" PRIu64 ", %u windows, margin %g", p->start, p->windows, p->margin);
    if (!p->reverse)
        printf(", alpha %g", p->alpha);
}

static void print_judgement(const Trireme__Judgement *j)
{
    printf("%s", protobuf_c_enum_descriptor_get_value(&trireme__judgement__outcome__descriptor,
                                                      (int)j->outcome)
                     ->name);
    if (j->pairs)
        printf(" after %u %s", j->pairs, j->pairs == 1 ? "pair" : "pairs");
    if (j->has_mean)
        printf(": mean %.6g", j->mean);
    if (j->has_half_width)
        printf(" +- %.3g", j->half_width);
    else if (j->has_t)
        printf(", t %.4g", j->t);
    if (j->reason && *j->reason) {
        printf(": ");
        say(j->reason);
    }
}

/* What the record's kind tells of; false where that is nothing but its text. */
static bool print_told(const Trireme__Record *r)
{
    switch (r->kind) {
    case TRIREME__RECORD_KIND__proposal:
        say_patch(r->proposal->patch, r->proposal->n_patch);
        if (r->proposal->hypothesis && *r->proposal->hypothesis) {
            printf(" since ");
            say(r->proposal->hypothesis);
        }
        return true;
    case TRIREME__RECORD_KIND__validation:
        print_validation(r->validation);
        return true;
    case TRIREME__RECORD_KIND__order:
        say(r->order);
        return true;
    case TRIREME__RECORD_KIND__hypothesis:
        print_plan(r->plan);
        return true;
    case TRIREME__RECORD_KIND__application:
        printf("pair %u: trial %u forked from step %" PRIu64, r->application->pair,
               r->application->trial, r->application->step);
        return true;
    case TRIREME__RECORD_KIND__observation:
        printf("pair %u: ", r->observation->pair);
        if (r->observation->diverged || r->observation->trunk_diverged)
            printf("the %s diverged", r->observation->diverged ? "fork" : "trunk's tail");
        else
            printf("trunk %.6f, fork %.6f", r->observation->trunk_loss, r->observation->fork_loss);
        return true;
    case TRIREME__RECORD_KIND__verdict:
        print_judgement(r->judgement);
        return true;
    case TRIREME__RECORD_KIND__promotion:
    case TRIREME__RECORD_KIND__rollback:
    case TRIREME__RECORD_KIND__correction:
        if (r->promotion)
            say_patch(r->promotion->patch, r->promotion->n_patch);
        return r->promotion != NULL;
    default:
        return false;
    }
}

static void print_record(const Trireme__Record *r)
{
    printf("%5" PRIu64 "  %s  step %-8" PRIu64 " ", r->seq, r->time ? r->time : "", r->step);
    if (r->number)
        printf("%4u", r->number);
    else
        printf("%4s", "");
    printf("  %-11s ",
           protobuf_c_enum_descriptor_get_value(&trireme__record_kind__descriptor, (int)r->kind)
               ->name);
    if (r->by && *r->by) {
        say(r->by);
        printf(": ");
    }
    const char *joint = print_told(r) ? "; " : "";
    if (r->supersedes) {
        printf("%sthe lines from %" PRIu64 " on no longer hold", joint, r->supersedes);
        joint = ": ";
    }
    if (r->text && *r->text) {
        fputs(joint, stdout);
        say(r->text);
    }
    printf("\n");
}

void print_ledger_show(const void *reply)
{
    const Trireme__LedgerShowReply *r = reply;
    for (size_t i = 0; i < r->n_records; i++)
        print_record(r->records[i]);
}
