/* trireme ledger verify, trireme ledger show. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/commands/command.h"
#include "launcher/commands/print_text.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a checkpoint's manifest says of the ledger. */
struct known {
    uint64_t step, records;
    char *head;
};

static void free_known(struct known *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(known[i].head);
    free(known);
}

/* Reads what the checkpoints know. Those that are removed meanwhile are left out. */
static struct known *read_known(const char *run, size_t *n, struct err *err)
{
    size_t n_steps = 0;
    uint64_t *steps = checkpoint_steps(run, &n_steps, err);
    if (!steps)
        return NULL;
    struct known *known = mem_new(n_steps, sizeof *known);
    int rc = 0;
    *n = 0;
    for (size_t i = 0; rc == 0 && i < n_steps; i++) {
        char *folder = checkpoint_folder(run, steps[i]), *path = file_join(folder, "manifest.json");
        Trireme__Manifest *manifest = checkpoint_manifest(folder, err);
        if (manifest)
            known[(*n)++] = (struct known){steps[i], manifest->ledger_records,
                                           mem_strdup(manifest->ledger_head)};
        else
            rc = file_exists(path) ? -1 : 0;
        message_free(manifest);
        free(path);
        free(folder);
    }
    free(steps);
    if (rc == 0)
        return known;
    free_known(known, *n);
    return NULL;
}

int command_ledger_verify(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerVerifyRequest *r = request;
    Trireme__LedgerVerifyReply *out = reply;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    size_t n = 0;
    // before the ledger, which may grow meanwhile
    struct known *known = read_known(r->run, &n, err);
    if (!known)
        return -1;
    struct ledger *ledger = ledger_open(r->run, false, err);
    int rc = ledger ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (ledger_check_head(ledger, known[i].records, known[i].head, err) < 0)
            rc = err_context(err, "checkpoint of step %" PRIu64, known[i].step);
    if (rc == 0) {
        char head[LEDGER_HEAD_SIZE];
        ledger_head(ledger, ledger_records(ledger), head);
        out->has_records = true, out->records = ledger_records(ledger);
        out->head = mem_strdup(head);
        out->has_checkpoints = true, out->checkpoints = (uint32_t)n;
    }
    ledger_free(ledger);
    free_known(known, n);
    return rc;
}

/* Copies a record with only the submessage that its kind fills. */
static Trireme__Record *copy_of(const Trireme__Record *record)
{
    Trireme__Record shown = *record;
    shown.proposal = record->kind == TRIREME__RECORD_KIND__proposal ? record->proposal : NULL;
    shown.validation = record->kind == TRIREME__RECORD_KIND__validation ? record->validation : NULL;
    shown.plan = record->kind == TRIREME__RECORD_KIND__hypothesis ? record->plan : NULL;
    shown.application =
        record->kind == TRIREME__RECORD_KIND__application ? record->application : NULL;
    shown.observation =
        record->kind == TRIREME__RECORD_KIND__observation ? record->observation : NULL;
    shown.judgement = record->kind == TRIREME__RECORD_KIND__verdict ? record->judgement : NULL;
    shown.rule = record->kind == TRIREME__RECORD_KIND__rule ? record->rule : NULL;
    shown.stretch = record->kind == TRIREME__RECORD_KIND__stretch ? record->stretch : NULL;
    shown.decision = record->kind == TRIREME__RECORD_KIND__decision ? record->decision : NULL;
    shown.claim = record->kind == TRIREME__RECORD_KIND__claim ? record->claim : NULL;
    if (record->promotion && !record->promotion->n_patch)
        shown.promotion = NULL;
    return message_copy(&shown);
}

int command_ledger_show(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerShowRequest *r = request;
    Trireme__LedgerShowReply *out = reply;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    struct ledger *ledger = ledger_open(r->run, false, err);
    if (!ledger)
        return -1;
    out->n_records = ledger_records(ledger);
    out->records = mem_new(out->n_records, sizeof *out->records);
    for (size_t i = 0; i < out->n_records; i++)
        out->records[i] = copy_of(ledger_record(ledger, i));
    ledger_free(ledger);
    return 0;
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

static const char *enum_name(const ProtobufCEnumDescriptor *type, int value)
{
    return protobuf_c_enum_descriptor_get_value(type, value)->name;
}

static void print_validation(const Trireme__Validation *v)
{
    if (v->accepted) {
        printf("legal: %s", enum_name(&trireme__validation__next__descriptor, (int)v->next));
        return;
    }
    printf("refused: ");
    say(v->reason);
}

static const char *kind_name(bool calm)
{
    return calm ? "calm" : "plain";
}

static void print_plan(const Trireme__Plan *p)
{
    if (p->reverse)
        printf("reverse: ");
    if (p->has_calm)
        printf("%s, ", kind_name(p->calm));
    printf("%s, margin %g", p->slow ? "slow" : "fast", p->margin);
}

static void print_judgement(const Trireme__Judgement *j)
{
    printf("%s", enum_name(&trireme__judgement__outcome__descriptor, (int)j->outcome));
    if (j->outcome == TRIREME__JUDGEMENT__OUTCOME__closed && j->has_cause)
        printf(" (%s)", enum_name(&trireme__cause__descriptor, (int)j->cause));
    if (j->pairs)
        printf(" after %u %s", j->pairs, j->pairs == 1 ? "pair" : "pairs");
    if (j->has_mean)
        printf(": mean %.6g", j->mean);
    if (j->has_probability)
        printf(" +- %.3g, probability %.4g", j->deviation, j->probability);
    else if (j->has_half_width) // of the first rule, like the next
        printf(" +- %.3g", j->half_width);
    else if (j->has_t)
        printf(", t %.4g", j->t);
    if (j->reason && *j->reason) {
        printf(": ");
        say(j->reason);
    }
}

static void print_rule(const Trireme__Rule *r)
{
    printf("rule %u for %" PRIu64 " tokens: stake %g, share %g, margin %g, alpha %g, claims %s",
           r->revision, r->tokens, r->stake, r->share, r->margin, r->alpha,
           enum_name(&trireme__gate__claims__descriptor, (int)r->claims));
}

static void print_stretch(const Trireme__Stretch *s)
{
    printf("%s, %" PRIu64 " steps and a tail of %" PRIu64 ", %u windows, of", kind_name(s->calm),
           s->horizon, s->tail, s->windows);
    for (size_t i = 0; i < s->n_arms; i++)
        printf("%s %u%s", i ? "," : "", s->arms[i]->number, s->arms[i]->reverse ? " reverse" : "");
    printf("; experiments have spent %" PRIu64 " tokens, the trunk is to have %" PRIu64 " steps",
           s->spent, s->length);
}

static void print_decision(const Trireme__Decision *d)
{
    printf("the trunk's tail and reading: %" PRIu64 " tokens%s", d->tokens,
           d->trunk_diverged ? "; it diverged: no pair of the stretch counts" : "");
}

static void print_claim(const Trireme__Claim *c)
{
    printf("claim %u at alpha %.3g: %s", c->t, c->alpha,
           enum_name(&trireme__claim__answer__descriptor, (int)c->answer));
    if (c->has_mean)
        printf(" after %u reverse pairs: mean %.6g +- %.3g, t %.4g, p %.3g", c->pairs, c->mean,
               c->half_width, c->student_t, c->p);
    else if (c->has_cause)
        printf(" (%s)", enum_name(&trireme__cause__descriptor, (int)c->cause));
}

/* Prints what belongs to the record's kind; returns false if that is its text alone. */
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
        printf("%s", enum_name(&trireme__order__descriptor, (int)r->order));
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
    case TRIREME__RECORD_KIND__rule:
        print_rule(r->rule);
        return true;
    case TRIREME__RECORD_KIND__stretch:
        print_stretch(r->stretch);
        return true;
    case TRIREME__RECORD_KIND__decision:
        print_decision(r->decision);
        return true;
    case TRIREME__RECORD_KIND__claim:
        print_claim(r->claim);
        return true;
    case TRIREME__RECORD_KIND__note:
        say(r->note);
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
    printf("%5" PRIu64 "  ", r->seq);
    say(r->time);
    printf("  step %-8" PRIu64 " ", r->step);
    if (r->number)
        printf("%4u", r->number);
    else
        printf("%4s", "");
    printf("  %-11s ", enum_name(&trireme__record_kind__descriptor, (int)r->kind));
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
