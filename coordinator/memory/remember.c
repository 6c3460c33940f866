#include "coordinator/memory/remember.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/memory/about_run.h"
#include "coordinator/memory/memory_recipe.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include <stdlib.h>
#include <string.h>

static const double pause_factor = 49; /* after a try in vain: times what it took */

struct remember {
    const char *run;               /* borrowed */
    const Trireme__Config *config; /* borrowed */
    size_t looked;                 /* records of the ledger that were looked at */
    double next;                   /* try, at the earliest; clock_now() */
};

/* What the notes are made from. */
struct making {
    const struct ledger *ledger;
    const struct about_run *about;
    const Trireme__Config *config;
    struct history history; /* up to the record that is looked at, without that */
    struct memory_notes *notes;
    size_t room;
};

/* The newest record of that kind about a hypothesis before record i; NULL: there is none. */
static const Trireme__Record *before(const struct making *m, size_t i, Trireme__RecordKind kind,
                                     uint32_t number)
{
    while (i-- > 0) {
        const Trireme__Record *r = ledger_record(m->ledger, i);
        if (r->kind == kind && r->number == number)
            return r;
    }
    return NULL;
}

/* Tokens that the trunk had where the newest stretch with its fork before record i began. */
static uint64_t tried_at(const struct making *m, size_t i, uint32_t number)
{
    while (i-- > 0) {
        const Trireme__Stretch *s = ledger_record(m->ledger, i)->stretch;
        for (size_t a = 0;
             ledger_record(m->ledger, i)->kind == TRIREME__RECORD_KIND__stretch && a < s->n_arms;
             a++)
            if (s->arms[a]->number == number && !s->arms[a]->reverse)
                return s->trained;
    }
    return 0;
}

static void add_evidence(Trireme__MemoryNote *note, const struct making *m,
                         const Trireme__Record *record)
{
    char head[LEDGER_HEAD_SIZE];
    Trireme__Evidence *e = message_new(&trireme__evidence__descriptor);
    ledger_head(m->ledger, (size_t)record->seq, head);
    e->run = mem_strdup(m->about->id);
    e->has_seq = 1, e->seq = record->seq;
    e->sha256 = mem_strdup(head);
    note->evidence = mem_resize(note->evidence, note->n_evidence + 1, sizeof *note->evidence);
    note->evidence[note->n_evidence++] = e;
}

/* The values of these paths in the recipe that is in force; fresh, for changes_free. */
static Trireme__Change **in_force(const struct making *m, Trireme__Change *const *patch, size_t n)
{
    Trireme__Change **values = mem_new(n, sizeof(Trireme__Change *));
    for (size_t i = 0; i < n; i++) {
        values[i] = message_new(&trireme__change__descriptor);
        values[i]->path = mem_strdup(patch[i]->path);
        for (size_t k = 0; k < m->history.n_promoted && !values[i]->value; k++)
            if (!strcmp(m->history.promoted[k]->path, patch[i]->path))
                values[i]->value = mem_strdup(m->history.promoted[k]->value);
        if (!values[i]->value)
            values[i]->value = message_path_value(m->config, patch[i]->path);
    }
    return values;
}

static void set_recipe(Trireme__MemoryNote *note, const struct making *m, const struct entry *e)
{
    struct memory_recipe recipe;
    if (e->promotion) {
        recipe = memory_recipe_of(m->config, e->promotion->before, e->promotion->patch,
                                  e->promotion->n_patch);
    } else {
        Trireme__Change **values = in_force(m, e->proposal->patch, e->proposal->n_patch);
        recipe = memory_recipe_of(m->config, values, e->proposal->patch, e->proposal->n_patch);
        changes_free(values, e->proposal->n_patch);
    }
    note->recipe = recipe.list, note->n_recipe = recipe.n;
}

/* Adds a note about the hypothesis of record i; returns it. */
static Trireme__MemoryNote *add(struct making *m, size_t i, Trireme__MemoryNote__Outcome outcome)
{
    const Trireme__Record *record = ledger_record(m->ledger, i);
    const struct entry *e = history_entry(&m->history, record->number);
    Trireme__MemoryNote *note = message_new(&trireme__memory_note__descriptor);
    about_run_tell(note, m->about);
    note->has_kind = 1, note->kind = outcome == TRIREME__MEMORY_NOTE__OUTCOME__claimed
                                         ? TRIREME__MEMORY_NOTE__KIND__claim
                                         : TRIREME__MEMORY_NOTE__KIND__adoption;
    note->has_outcome = 1, note->outcome = outcome;
    note->text = mem_strdup(e->proposal->hypothesis);
    note->by = mem_strdup("coordinator");
    note->time = mem_strdup(record->time);
    note->has_tokens = 1, note->tokens = tried_at(m, i, record->number);
    set_recipe(note, m, e);
    add_evidence(note, m, record);
    const Trireme__Record *promotion =
        before(m, i, TRIREME__RECORD_KIND__promotion, record->number);
    if (promotion)
        add_evidence(note, m, promotion);
    m->notes->list = mem_grow(m->notes->list, m->notes->n, &m->room, sizeof *m->notes->list);
    return m->notes->list[m->notes->n++] = note;
}

static void look_at_claim(struct making *m, size_t i)
{
    const Trireme__Claim *claim = ledger_record(m->ledger, i)->claim;
    if (claim->answer != TRIREME__CLAIM__ANSWER__claimed)
        return;
    Trireme__MemoryNote *note = add(m, i, TRIREME__MEMORY_NOTE__OUTCOME__claimed);
    note->has_gain = 1, note->gain = claim->mean;
    note->has_half_width = 1, note->half_width = claim->half_width;
}

/* What a change that is closed came to, if its pairs said so. */
static bool closed_as(Trireme__MemoryNote__Outcome *outcome, const Trireme__Judgement *judgement)
{
    switch (judgement->cause) {
    case TRIREME__CAUSE__beaten:
        *outcome = TRIREME__MEMORY_NOTE__OUTCOME__beaten;
        return true;
    case TRIREME__CAUSE__no_sign:
        *outcome = TRIREME__MEMORY_NOTE__OUTCOME__no_sign;
        return true;
    case TRIREME__CAUSE__no_hope:
        *outcome = TRIREME__MEMORY_NOTE__OUTCOME__no_hope;
        return true;
    case TRIREME__CAUSE__without_effect:
        *outcome = TRIREME__MEMORY_NOTE__OUTCOME__without_effect;
        return true;
    case TRIREME__CAUSE__diverged:
        *outcome = TRIREME__MEMORY_NOTE__OUTCOME__diverged;
        return true;
    default:
        return false;
    }
}

static void look_at_verdict(struct making *m, size_t i, const struct entry *e)
{
    const Trireme__Judgement *judgement = ledger_record(m->ledger, i)->judgement;
    Trireme__MemoryNote__Outcome outcome;
    if (judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__kept && e->fate == FATE_ADOPTED)
        add(m, i, TRIREME__MEMORY_NOTE__OUTCOME__adopted);
    else if (judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__taken_back)
        add(m, i, TRIREME__MEMORY_NOTE__OUTCOME__taken_back);
    else if (judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__closed &&
             closed_as(&outcome, judgement))
        add(m, i, outcome);
}

static void look_at(struct making *m, size_t i)
{
    const Trireme__Record *record = ledger_record(m->ledger, i);
    const struct entry *e = record->number ? history_entry(&m->history, record->number) : NULL;
    if (!e || !e->proposal || m->history.first_rule)
        return;
    if (record->kind == TRIREME__RECORD_KIND__claim)
        look_at_claim(m, i);
    if (record->kind == TRIREME__RECORD_KIND__verdict)
        look_at_verdict(m, i, e);
}

void remember_ledger(struct memory_notes *notes, const struct ledger *ledger, size_t from,
                     const struct about_run *about, const Trireme__Config *config)
{
    struct making m = {.ledger = ledger, .about = about, .config = config, .notes = notes};
    bool *superseded = ledger_superseded(ledger, ledger_records(ledger));
    *notes = (struct memory_notes){0};
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        if (superseded[i])
            continue;
        if (i >= from)
            look_at(&m, i);
        history_add_record(&m.history, ledger_record(ledger, i));
    }
    history_clear(&m.history);
    free(superseded);
}

/* Whether a note may follow from one of the records that were not looked at. */
static bool has_news(const struct remember *r, const struct ledger *ledger)
{
    for (size_t i = r->looked; i < ledger_records(ledger); i++) {
        const Trireme__RecordKind kind = ledger_record(ledger, i)->kind;
        if (kind == TRIREME__RECORD_KIND__verdict || kind == TRIREME__RECORD_KIND__claim)
            return true;
    }
    return false;
}

struct remember *remember_new(const char *run, const Trireme__Config *config)
{
    struct remember *r = mem_new(1, sizeof *r);
    *r = (struct remember){.run = run, .config = config};
    return r;
}

void remember_free(struct remember *remember)
{
    free(remember);
}

/* Writes them to the file; what is there already is passed over. */
static int write_notes(const struct memory_notes *notes, const char *path, struct err *err)
{
    struct memory *memory =
        notes->n ? memory_open(path, MEMORY_WRITE, MEMORY_RUN_WAIT_MS, err) : NULL;
    int rc = notes->n && !memory ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < notes->n; i++) {
        const Trireme__MemoryNote *note = notes->list[i];
        char *once = mem_format("%s:%llu", note->run, (unsigned long long)note->evidence[0]->seq);
        rc = memory_add(memory, NULL, note, once, err);
        free(once);
    }
    memory_close(memory);
    return rc;
}

/* Notes what is new. Returns 1; 0 where RUN/data.yaml, or RUN/id, is not there yet. */
static int note_news(const struct remember *r, const struct ledger *ledger, const char *path,
                     struct err *err)
{
    struct about_run about;
    struct memory_notes notes = {0};
    if (about_run_read(&about, r->run, r->config, err) < 0)
        return -1;
    int rc = about.id && about.n_gate ? 1 : 0;
    if (rc) {
        remember_ledger(&notes, ledger, r->looked, &about, r->config);
        rc = write_notes(&notes, path, err) < 0 ? -1 : 1;
    }
    memory_notes_clear(&notes);
    about_run_clear(&about);
    return rc;
}

int remember_turn(struct remember *r, const struct ledger *ledger, struct err *err)
{
    const double began = clock_now();
    if (began < r->next)
        return 0;
    char *path = memory_path(r->run, r->config->experiment->notes);
    const int rc = path && has_news(r, ledger) ? note_news(r, ledger, path, err) : 1;
    free(path);
    if (rc > 0)
        r->looked = ledger_records(ledger);
    if (rc < 0)
        r->next = clock_now() + pause_factor * (clock_now() - began);
    return rc < 0 ? -1 : 0;
}
