#include "coordinator/ledger/journal.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

/* A record that was superseded, by a correction that stands before this place of the script: its
 * error budget is spent from there on, as it was then. */
struct charge {
    size_t at;
    const Trireme__Record *record;
};

struct chronicle {
    struct ledger *ledger;   /* the run's own */
    struct ledger *replayed; /* another run's, or NULL */
    struct history history;
    const Trireme__Record **script; /* what is to be lived through; borrowed from its ledger */
    size_t n_script, next;
    struct charge *charges; /* in the order of their places */
    size_t n_charges, n_charged;
    size_t known; /* records of the own ledger that hold now */
};

/* Events tell of the planner's troubles, corrections of those of a launch: nothing follows from
 * them. */
static bool is_told(const Trireme__Record *record)
{
    return record->kind != TRIREME__RECORD_KIND__event &&
           record->kind != TRIREME__RECORD_KIND__correction;
}

static int check_head(const struct ledger *ledger, uint64_t known, const char *head,
                      struct err *err)
{
    char found[LEDGER_HEAD_SIZE];
    if (known > ledger_records(ledger))
        return err_set(
            err, ERR_DATA,
            "ledger.jsonl: found %zu records, expected at least the %llu of the checkpoint",
            ledger_records(ledger), (unsigned long long)known);
    ledger_head(ledger, (size_t)known, found);
    if (head && strcmp(found, head))
        return err_set(err, ERR_DATA,
                       "ledger.jsonl: line %llu has digest %s, expected %s as in the checkpoint",
                       (unsigned long long)known, found, head);
    return 0;
}

/* The records from `first` on that still hold and from which something follows. */
static void take_script(struct chronicle *c, const struct ledger *ledger, size_t first)
{
    size_t n = ledger_records(ledger);
    c->script = mem_new(n, sizeof *c->script);
    c->charges = mem_new(n, sizeof *c->charges);
    for (size_t i = first; i < n; i++) {
        const Trireme__Record *record = ledger_record(ledger, i);
        while (record->supersedes && c->n_script &&
               c->script[c->n_script - 1]->seq >= record->supersedes)
            c->charges[c->n_charges++] = (struct charge){SIZE_MAX, c->script[--c->n_script]};
        // those of places that are given up now are charged here as well
        for (size_t k = c->n_charges; k-- > 0 && c->charges[k].at > c->n_script;)
            c->charges[k].at = c->n_script;
        if (is_told(record))
            c->script[c->n_script++] = record;
    }
}

/* What was charged before this place of the script. */
static void charge(struct chronicle *c)
{
    for (; c->n_charged < c->n_charges && c->charges[c->n_charged].at <= c->next; c->n_charged++)
        history_forget(&c->history, c->charges[c->n_charged].record);
}

/* Records among the first n that still hold and from which something follows. */
static size_t count_told(const struct ledger *ledger, size_t n)
{
    size_t told = 0;
    for (size_t i = 0; i < n; i++)
        told += is_told(ledger_record(ledger, i));
    return told;
}

struct chronicle *chronicle_open(const char *run, uint64_t known, const char *head,
                                 const char *replay, struct err *err)
{
    struct chronicle *c = mem_new(1, sizeof *c);
    c->ledger = ledger_open(run, true, err);
    if (!c->ledger || check_head(c->ledger, known, head, err) < 0)
        goto fail;
    if (replay && !(c->replayed = ledger_open(replay, false, err)))
        goto fail;
    c->known = (size_t)known;
    history_read(&c->history, c->ledger, c->known);
    if (!replay) {
        take_script(c, c->ledger, c->known);
    } else { // as many of its records as this run has told of are behind us
        take_script(c, c->replayed, 0);
        c->next = count_told(c->ledger, c->known);
    }
    charge(c);
    return c;
fail:
    chronicle_free(c);
    return NULL;
}

void chronicle_free(struct chronicle *c)
{
    if (!c)
        return;
    history_clear(&c->history);
    free(c->script);
    free(c->charges);
    ledger_free(c->replayed);
    ledger_free(c->ledger);
    free(c);
}

struct history *chronicle_history(struct chronicle *c)
{
    return &c->history;
}

bool chronicle_scripted(const struct chronicle *c)
{
    return c->next < c->n_script;
}

bool chronicle_scripted_after(const struct chronicle *c, uint64_t step)
{
    // they stand in the order of their steps
    return chronicle_scripted(c) && c->script[c->n_script - 1]->step > step;
}

static int append(struct chronicle *c, const Trireme__Record *record, struct err *err)
{
    // what stands before it has not been lived through
    const bool behind = chronicle_scripted(c) && !c->replayed;
    if (ledger_append(c->ledger, record, err) < 0)
        return -1;
    c->known = behind ? c->known : ledger_records(c->ledger);
    return 0;
}

int chronicle_part(struct chronicle *c, uint64_t step, const char *reason, struct err *err)
{
    if (!chronicle_scripted(c))
        return 0;
    if (c->replayed)
        return err_set(err, ERR_DATA, "the replay is not what the ledger says: %s", reason);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_kind = 1, record.kind = TRIREME__RECORD_KIND__correction;
    record.has_step = 1, record.step = step;
    record.by = "coordinator";
    record.has_supersedes = 1, record.supersedes = c->script[c->next]->seq;
    record.text = (char *)reason;
    while (c->next < c->n_script)
        history_forget(&c->history, c->script[c->next++]);
    charge(c);
    return append(c, &record, err);
}

static const char *kind_name(const Trireme__Record *record)
{
    return protobuf_c_enum_descriptor_get_value(&trireme__record_kind__descriptor,
                                                (int)record->kind)
        ->name;
}

/* Whether a record tells of the same as one that is there: what both measured must be the same
 * numbers. */
static bool same(const Trireme__Record *a, const Trireme__Record *b)
{
    if (a->kind != b->kind || a->number != b->number || a->step != b->step)
        return false;
    switch (a->kind) {
    case TRIREME__RECORD_KIND__observation:
        return a->observation->trunk_loss == b->observation->trunk_loss &&
               a->observation->fork_loss == b->observation->fork_loss &&
               a->observation->diverged == b->observation->diverged &&
               a->observation->trunk_diverged == b->observation->trunk_diverged;
    case TRIREME__RECORD_KIND__verdict:
        return a->judgement->outcome == b->judgement->outcome;
    case TRIREME__RECORD_KIND__validation:
        return a->validation->accepted == b->validation->accepted;
    default:
        return true;
    }
}

/* What an earlier launch of a replay told of next, and died; NULL: nothing. */
static const Trireme__Record *next_own(const struct chronicle *c)
{
    for (size_t i = c->known; i < ledger_records(c->ledger); i++)
        if (is_told(ledger_record(c->ledger, i)))
            return ledger_record(c->ledger, i);
    return NULL;
}

static int write_record(struct chronicle *c, const Trireme__Record *record, struct err *err)
{
    if (is_told(record) && chronicle_scripted(c)) {
        const Trireme__Record *told = c->script[c->next];
        if (same(record, told)) {
            c->next++;
            charge(c);
            const Trireme__Record *there = c->replayed ? next_own(c) : told;
            if (there && !same(record, there))
                return err_set(err, ERR_DATA,
                               "ledger.jsonl: line %llu, of an earlier launch, is not what the "
                               "replayed ledger says",
                               (unsigned long long)there->seq);
            if (there) { // it stands there already
                c->known = (size_t)there->seq;
                history_take(&c->history, there);
                return 0;
            }
        } else {
            char *reason = mem_format(
                "line %llu tells of %s of %u at step %llu; this time it came to %s of %u at step "
                "%llu, or to other numbers",
                (unsigned long long)told->seq, kind_name(told), told->number,
                (unsigned long long)told->step, kind_name(record), record->number,
                (unsigned long long)record->step);
            int rc = chronicle_part(c, record->step, reason, err);
            free(reason);
            if (rc < 0)
                return -1;
        }
    }
    if (append(c, record, err) < 0)
        return -1;
    history_take(&c->history, record);
    return 0;
}

int chronicle_write(struct chronicle *c, Trireme__Record *record, Trireme__RecordKind kind,
                    uint32_t number, uint64_t step, const char *by, struct err *err)
{
    record->has_kind = 1, record->kind = kind;
    record->has_number = number > 0, record->number = number;
    record->has_step = 1, record->step = step;
    record->by = (char *)by;
    return write_record(c, record, err);
}

const Trireme__Record *chronicle_input(const struct chronicle *c, uint64_t step)
{
    if (!chronicle_scripted(c))
        return NULL;
    const Trireme__Record *record = c->script[c->next];
    bool input = record->kind == TRIREME__RECORD_KIND__proposal ||
                 record->kind == TRIREME__RECORD_KIND__order || chronicle_gives_up(record);
    return input && record->step == step ? record : NULL;
}

bool chronicle_may_register(const struct chronicle *c, uint32_t number, uint64_t step)
{
    if (!chronicle_scripted(c))
        return true;
    const Trireme__Record *next = c->script[c->next];
    return next->number == number && next->step == step &&
           (next->kind == TRIREME__RECORD_KIND__hypothesis ||
            next->kind == TRIREME__RECORD_KIND__verdict);
}

uint64_t chronicle_known(const struct chronicle *c, char head[LEDGER_HEAD_SIZE])
{
    ledger_head(c->ledger, c->known, head);
    return c->known;
}

bool chronicle_gives_up(const Trireme__Record *record)
{
    return record->kind == TRIREME__RECORD_KIND__verdict && record->judgement->machine;
}

const char *chronicle_gave_up(const struct chronicle *c, uint32_t number, uint64_t step)
{
    for (size_t i = c->next; i < c->n_script && c->script[i]->step <= step; i++) {
        const Trireme__Record *r = c->script[i];
        if (r->number == number)
            return chronicle_gives_up(r) ? r->judgement->reason : NULL;
    }
    return NULL;
}
