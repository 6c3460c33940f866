#include "coordinator/ledger/journal.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A superseded record. What it has used up counts from this place of the recorded inputs on, where
 * the correction stands, as it did the first time. */
struct charge {
    size_t at;
    const Trireme__Record *record;
};

struct journal {
    struct ledger *ledger;   /* the run's own */
    struct ledger *replayed; /* another run's, or NULL */
    struct history history;
    const Trireme__Record **recorded; /* to be repeated; borrowed from its ledger */
    size_t n_recorded, next;
    struct charge *charges; /* in the order of their places */
    size_t n_charges, n_charged;
    size_t known; /* records of the own ledger that hold now */
};

/* Whether something follows from a record. Nothing follows from events and corrections. */
static bool has_effect(const Trireme__Record *record)
{
    return record->kind != TRIREME__RECORD_KIND__event &&
           record->kind != TRIREME__RECORD_KIND__correction;
}

/* By their places; those of one place in the order of the ledger. */
static int compare_charges(const void *a, const void *b)
{
    const struct charge *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->record->seq > y->record->seq) - (x->record->seq < y->record->seq);
}

/* Collects the records from `first` on that hold and from which something follows. */
static void read_recorded(struct journal *c, const struct ledger *ledger, size_t first)
{
    size_t n = ledger_records(ledger);
    c->recorded = mem_new(n, sizeof *c->recorded);
    c->charges = mem_new(n, sizeof *c->charges);
    for (size_t i = first; i < n; i++) {
        const Trireme__Record *record = ledger_record(ledger, i);
        while (record->supersedes && c->n_recorded &&
               c->recorded[c->n_recorded - 1]->seq >= record->supersedes)
            c->charges[c->n_charges++] = (struct charge){SIZE_MAX, c->recorded[--c->n_recorded]};
        // Charges of places that are superseded too move to this place.
        for (size_t k = c->n_charges; k-- > 0 && c->charges[k].at > c->n_recorded;)
            c->charges[k].at = c->n_recorded;
        if (has_effect(record))
            c->recorded[c->n_recorded++] = record;
    }
    qsort(c->charges, c->n_charges, sizeof *c->charges, compare_charges);
}

/* Counts what was spent before this place of the recorded inputs. */
static void charge(struct journal *c)
{
    for (; c->n_charged < c->n_charges && c->charges[c->n_charged].at <= c->next; c->n_charged++)
        history_forget_record(&c->history, c->charges[c->n_charged].record);
}

/* Adds the records that an earlier launch of a replay wrote and the checkpoint knows: so many of
 * the recorded ones are repeated. A replay supersedes nothing. */
static void read_repeated(struct journal *c)
{
    charge(c);
    for (size_t i = 0; i < c->known; i++) {
        const Trireme__Record *record = ledger_record(c->ledger, i);
        history_add_record(&c->history, record);
        c->next += has_effect(record);
        charge(c);
    }
}

static bool is_of_first_rule(const struct ledger *ledger)
{
    struct history history = {0};
    history_read(&history, ledger, ledger_records(ledger));
    const bool first = history.first_rule;
    history_clear(&history);
    return first;
}

/* ERR_USAGE if one of the records that are to be replayed is of another revision of the rule. */
static int check_rule(const struct journal *c, const char *replay, uint32_t rule, struct err *err)
{
    for (size_t i = 0; i < c->n_recorded; i++) {
        const Trireme__Record *r = c->recorded[i];
        if (r->kind == TRIREME__RECORD_KIND__rule && r->rule->revision != rule)
            return err_set(err, ERR_USAGE,
                           "%s: from line %llu on its ledger is of revision %u of the rule, and "
                           "this version replays revision %u alone: replay it with the version "
                           "that trained it",
                           replay, (unsigned long long)r->seq, r->rule->revision, rule);
    }
    return 0;
}

struct journal *journal_open(const char *run, uint64_t known, const char *head, const char *replay,
                             uint32_t rule, struct err *err)
{
    struct journal *c = mem_new(1, sizeof *c);
    c->ledger = ledger_open(run, true, err);
    if (!c->ledger || ledger_check_head(c->ledger, known, head, err) < 0)
        goto fail;
    if (replay && !(c->replayed = ledger_open(replay, false, err)))
        goto fail;
    c->known = (size_t)known;
    if (replay && is_of_first_rule(c->replayed)) {
        err_set(err, ERR_USAGE,
                "%s: its ledger is of the first rule, which this version does not compute any "
                "more: expected one of the second",
                replay);
        goto fail;
    }
    if (!replay) {
        history_read(&c->history, c->ledger, c->known);
        read_recorded(c, c->ledger, c->known);
        charge(c);
    } else {
        read_recorded(c, c->replayed, 0);
        if (check_rule(c, replay, rule, err) < 0)
            goto fail;
        read_repeated(c);
    }
    return c;
fail:
    journal_free(c);
    return NULL;
}

void journal_free(struct journal *c)
{
    if (!c)
        return;
    history_clear(&c->history);
    free(c->recorded);
    free(c->charges);
    ledger_free(c->replayed);
    ledger_free(c->ledger);
    free(c);
}

void journal_ask_before(struct journal *c, ledger_check_fn check, void *context)
{
    ledger_ask_before(c->ledger, check, context);
}

const struct ledger *journal_ledger(const struct journal *c)
{
    return c->ledger;
}

struct history *journal_history(struct journal *c)
{
    return &c->history;
}

bool journal_repeats(const struct journal *c)
{
    return c->next < c->n_recorded;
}

bool journal_repeats_after(const struct journal *c, uint64_t step)
{
    // They are ordered by step.
    return journal_repeats(c) && c->recorded[c->n_recorded - 1]->step > step;
}

static int append(struct journal *c, const Trireme__Record *record, struct err *err)
{
    // The records before it are not repeated yet.
    const bool behind = journal_repeats(c) && !c->replayed;
    if (ledger_append(c->ledger, record, err) < 0)
        return -1;
    c->known = behind ? c->known : ledger_records(c->ledger);
    return 0;
}

int journal_diverge(struct journal *c, uint64_t step, const char *reason, struct err *err)
{
    if (!journal_repeats(c))
        return 0;
    if (c->replayed)
        return err_set(err, ERR_DATA, "the replay is not what the ledger says: %s", reason);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_kind = 1, record.kind = TRIREME__RECORD_KIND__correction;
    record.has_step = 1, record.step = step;
    record.by = "coordinator";
    record.has_supersedes = 1, record.supersedes = c->recorded[c->next]->seq;
    record.text = (char *)reason;
    for (; c->next < c->n_recorded; charge(c))
        history_forget_record(&c->history, c->recorded[c->next++]);
    return append(c, &record, err);
}

static const char *kind_name(const Trireme__Record *record)
{
    return protobuf_c_enum_descriptor_get_value(&trireme__record_kind__descriptor,
                                                (int)record->kind)
        ->name;
}

/* The same number, or both no number. */
static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_observation(const Trireme__Observation *a, const Trireme__Observation *b)
{
    const bool told = a->n_first_windows && b->n_first_windows; // not by an earlier version
    return a->pair == b->pair && same_number(a->trunk_loss, b->trunk_loss) &&
           same_number(a->fork_loss, b->fork_loss) && a->diverged == b->diverged &&
           a->trunk_diverged == b->trunk_diverged &&
           same_number(a->window_variance, b->window_variance) &&
           a->first_window == b->first_window && a->windows == b->windows &&
           a->tokens == b->tokens &&
           (!told || (a->n_first_windows == b->n_first_windows &&
                      !memcmp(a->first_windows, b->first_windows,
                              a->n_first_windows * sizeof *a->first_windows)));
}

static bool same_plan(const Trireme__Plan *a, const Trireme__Plan *b)
{
    return a->slow == b->slow && a->start == b->start && a->horizon == b->horizon &&
           a->tail == b->tail && a->pairs == b->pairs && a->windows == b->windows &&
           a->margin == b->margin && a->alpha == b->alpha && a->beta == b->beta &&
           a->reverse == b->reverse && a->calm == b->calm;
}

static bool same_judgement(const Trireme__Judgement *a, const Trireme__Judgement *b)
{
    const bool told = a->has_cause && b->has_cause; // not by an earlier version
    return a->outcome == b->outcome && a->pairs == b->pairs && same_number(a->mean, b->mean) &&
           same_number(a->t, b->t) && same_number(a->half_width, b->half_width) &&
           same_number(a->probability, b->probability) && same_number(a->deviation, b->deviation) &&
           a->tokens == b->tokens && (!told || a->cause == b->cause);
}

static bool same_changes(Trireme__Change *const *a, size_t n_a, Trireme__Change *const *b,
                         size_t n_b)
{
    bool equal = n_a == n_b;
    for (size_t i = 0; equal && i < n_a; i++)
        equal = message_equal(a[i], b[i]);
    return equal;
}

static bool same_promotion(const Trireme__Promotion *a, const Trireme__Promotion *b)
{
    return a->adopted == b->adopted && same_changes(a->patch, a->n_patch, b->patch, b->n_patch) &&
           same_changes(a->before, a->n_before, b->before, b->n_before);
}

/* A launch repeats what one of another version did as long as both come to the same; which rule
 * goes on then is a record of its own. */
static bool same_rule(const Trireme__Rule *a, const Trireme__Rule *b)
{
    Trireme__Rule other = *b;
    other.has_revision = a->has_revision, other.revision = a->revision;
    return message_equal(a, &other);
}

/* Whether two records say the same. What both measured must be the same numbers, and what follows
 * from them too. Labels, times and the numbers of trials may differ. */
static bool same(const Trireme__Record *a, const Trireme__Record *b)
{
    if (a->kind != b->kind || a->number != b->number || a->step != b->step)
        return false;
    switch (a->kind) {
    case TRIREME__RECORD_KIND__observation:
        return same_observation(a->observation, b->observation);
    case TRIREME__RECORD_KIND__hypothesis:
        return same_plan(a->plan, b->plan);
    case TRIREME__RECORD_KIND__application:
        return a->application->pair == b->application->pair &&
               same_changes(a->application->verified, a->application->n_verified,
                            b->application->verified, b->application->n_verified);
    case TRIREME__RECORD_KIND__verdict:
        return same_judgement(a->judgement, b->judgement);
    case TRIREME__RECORD_KIND__promotion:
    case TRIREME__RECORD_KIND__rollback:
        return same_promotion(a->promotion, b->promotion);
    case TRIREME__RECORD_KIND__rule:
        return same_rule(a->rule, b->rule);
    case TRIREME__RECORD_KIND__stretch:
        return message_equal(a->stretch, b->stretch);
    case TRIREME__RECORD_KIND__decision:
        return message_equal(a->decision, b->decision);
    case TRIREME__RECORD_KIND__claim:
        return message_equal(a->claim, b->claim);
    case TRIREME__RECORD_KIND__validation:
        return a->validation->accepted == b->validation->accepted &&
               (!a->validation->accepted || a->validation->next == b->validation->next);
    case TRIREME__RECORD_KIND__note:
        return !strcmp(a->note ? a->note : "", b->note ? b->note : "");
    default:
        return true;
    }
}

/* Returns the next record that an earlier launch of this replay wrote, or NULL. */
static const Trireme__Record *next_own(const struct journal *c)
{
    for (size_t i = c->known; i < ledger_records(c->ledger); i++)
        if (has_effect(ledger_record(c->ledger, i)))
            return ledger_record(c->ledger, i);
    return NULL;
}

static int write_record(struct journal *c, const Trireme__Record *record, struct err *err)
{
    if (has_effect(record) && journal_repeats(c)) {
        const Trireme__Record *due = c->recorded[c->next];
        if (same(record, due)) {
            c->next++;
            const Trireme__Record *there = c->replayed ? next_own(c) : due;
            if (there && !same(record, there))
                return err_set(err, ERR_DATA,
                               "ledger.jsonl: line %llu, of an earlier launch, is not what the "
                               "replayed ledger says",
                               (unsigned long long)there->seq);
            if (there) { // it stands there already
                c->known = (size_t)there->seq;
                history_add_record(&c->history, there);
                charge(c);
                return 0;
            }
        } else {
            char *reason = mem_format(
                "line %llu tells of %s of %u at step %llu; this time it came to %s of %u at step "
                "%llu, or to other numbers",
                (unsigned long long)due->seq, kind_name(due), due->number,
                (unsigned long long)due->step, kind_name(record), record->number,
                (unsigned long long)record->step);
            int rc = journal_diverge(c, record->step, reason, err);
            free(reason);
            if (rc < 0)
                return -1;
        }
    }
    if (append(c, record, err) < 0)
        return -1;
    history_add_record(&c->history, record);
    charge(c);
    return 0;
}

int journal_write(struct journal *c, Trireme__Record *record, Trireme__RecordKind kind,
                  uint32_t number, uint64_t step, const char *by, struct err *err)
{
    record->has_kind = 1, record->kind = kind;
    record->has_number = number > 0, record->number = number;
    record->has_step = 1, record->step = step;
    record->by = (char *)by;
    return write_record(c, record, err);
}

bool journal_awaits_rule(const struct journal *c, uint64_t step)
{
    const Trireme__Record *due = journal_repeats(c) ? c->recorded[c->next] : NULL;
    return !due || (due->kind == TRIREME__RECORD_KIND__rule && due->step == step);
}

const Trireme__Record *journal_input(const struct journal *c, uint64_t step)
{
    if (!journal_repeats(c))
        return NULL;
    const Trireme__Record *record = c->recorded[c->next];
    bool input = record->kind == TRIREME__RECORD_KIND__proposal ||
                 record->kind == TRIREME__RECORD_KIND__order ||
                 record->kind == TRIREME__RECORD_KIND__note || journal_gives_up(record);
    return input && record->step == step ? record : NULL;
}

uint64_t journal_total(const struct journal *c)
{
    return ledger_records(c->ledger);
}

uint64_t journal_known(const struct journal *c, char head[LEDGER_HEAD_SIZE])
{
    ledger_head(c->ledger, c->known, head);
    return c->known;
}

bool journal_gives_up(const Trireme__Record *record)
{
    return record->kind == TRIREME__RECORD_KIND__verdict && record->judgement->machine;
}

const Trireme__Judgement *journal_gave_up(const struct journal *c, uint32_t number, uint64_t step)
{
    for (size_t i = c->next; i < c->n_recorded && c->recorded[i]->step <= step; i++) {
        const Trireme__Record *r = c->recorded[i];
        if (r->number == number)
            return journal_gives_up(r) ? r->judgement : NULL;
    }
    return NULL;
}
