#include "coordinator/ledger/history.h"

#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/ledger/turns.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

struct entry *history_entry(const struct history *history, uint32_t number)
{
    for (size_t i = 0; i < history->n; i++)
        if (history->entries[i].number == number)
            return &history->entries[i];
    return NULL;
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = text && *text ? mem_strdup(text) : NULL;
}

/* Puts a copy of a message in the place of another. */
#define SET(to, from) (message_free(to), (to) = message_copy(from))

static void clear_pairs(struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->n_pairs; i++)
        message_free(attempt->pairs[i]);
    free(attempt->pairs);
    attempt->pairs = NULL, attempt->n_pairs = 0;
}

static void free_attempt(struct attempt *attempt)
{
    message_free(attempt->plan);
    message_free(attempt->application);
    message_free(attempt->judgement);
    clear_pairs(attempt);
}

void history_clear(struct history *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct entry *e = &h->entries[i];
        message_free(e->proposal);
        message_free(e->judgement);
        message_free(e->promotion);
        message_free(e->claim);
        free_attempt(&e->forward);
        free_attempt(&e->reverse);
        free(e->by);
        free(e->reason);
    }
    free(h->entries);
    free(h->turns);
    for (size_t i = 0; i < h->n_promoted; i++)
        message_free(h->promoted[i]);
    free(h->promoted);
    for (size_t i = 0; i < h->n_notes; i++) {
        free(h->notes[i].by);
        free(h->notes[i].text);
    }
    free(h->notes);
    free(h->windows_taken);
    message_free(h->rule);
    message_free(h->stretch);
    message_free(h->superseded);
    *h = (struct history){0};
}

/* Removes a path: it is in force with one value, that of the newest change. */
static void no_longer_in_force(struct history *h, const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->n_promoted; i++)
        if (strcmp(h->promoted[i]->path, path) == 0)
            message_free(h->promoted[i]);
        else
            h->promoted[kept++] = h->promoted[i];
    h->n_promoted = kept;
}

static void in_force(struct history *h, const Trireme__Promotion *promotion)
{
    for (size_t i = 0; i < promotion->n_patch; i++) {
        no_longer_in_force(h, promotion->patch[i]->path);
        h->promoted = mem_resize(h->promoted, h->n_promoted + 1, sizeof *h->promoted);
        h->promoted[h->n_promoted++] = message_copy(promotion->patch[i]);
    }
}

static void add_proposal(struct history *h, const Trireme__Record *record)
{
    if (record->number == 0 || (h->n && record->number <= h->entries[h->n - 1].number))
        return;
    h->entries = mem_grow(h->entries, h->n, &h->room, sizeof *h->entries);
    h->entries[h->n++] = (struct entry){.number = record->number,
                                        .proposal = message_copy(record->proposal),
                                        .by = mem_strdup(record->by ? record->by : ""),
                                        .step = record->step,
                                        .first_rule = h->first_rule,
                                        .fate = FATE_PROPOSED};
    const struct entry *replaced =
        record->proposal->replaces ? history_entry(h, record->proposal->replaces) : NULL;
    turns_add(h, replaced ? (size_t)(replaced - h->entries) : SIZE_MAX);
}

static void add_note(struct history *h, const Trireme__Record *record)
{
    h->notes = mem_grow(h->notes, h->n_notes, &h->notes_room, sizeof *h->notes);
    h->notes[h->n_notes] = (struct note){.number = (uint32_t)h->n_notes + 1,
                                         .step = record->step,
                                         .by = mem_strdup(record->by ? record->by : ""),
                                         .text = mem_strdup(record->note ? record->note : "")};
    h->n_notes++;
}

static void queue(struct entry *e, uint64_t step)
{
    e->fate = FATE_QUEUED;
    e->queued_at = step;
}

/* Until when it waits, perhaps for its approval before. */
static void tell_wait(const struct history *h, struct entry *e)
{
    const struct entry *other = history_entry(h, entry_waits_for(e));
    const bool waits =
        e->fate == FATE_DEFERRED || (e->fate == FATE_WAITING && other && !entry_is_over(other));
    char *text = waits ? mem_format("until %u is %s", entry_waits_for(e),
                                    e->proposal->on_adoption_of ? "adopted" : "over")
                       : NULL;
    set_text(&e->reason, text);
    free(text);
}

static void add_validation(const struct history *h, struct entry *e, const Trireme__Record *record)
{
    const Trireme__Validation *validation = record->validation;
    static const enum fate next[] = {[TRIREME__VALIDATION__NEXT__queued] = FATE_QUEUED,
                                     [TRIREME__VALIDATION__NEXT__waiting] = FATE_WAITING,
                                     [TRIREME__VALIDATION__NEXT__observed] = FATE_OBSERVED,
                                     [TRIREME__VALIDATION__NEXT__deferred] = FATE_DEFERRED};
    e->fate = validation->accepted ? next[validation->next] : FATE_REFUSED;
    e->queued_at = record->step;
    if (validation->accepted)
        tell_wait(h, e);
    else
        set_text(&e->reason, validation->reason);
}

static void add_order(struct entry *e, const Trireme__Record *record)
{
    if (!record->has_order)
        return;
    if (record->order == TRIREME__ORDER__approve && e->fate == FATE_WAITING) {
        if (entry_waits_for(e))
            e->fate = FATE_DEFERRED;
        else
            queue(e, record->step);
    }
    if (record->order == TRIREME__ORDER__veto && entry_is_in_queue(e)) {
        e->fate = FATE_VETOED;
        set_text(&e->reason, record->text);
    }
    if (record->order == TRIREME__ORDER__takeback && entry_is_adopted(e)) {
        e->asked_back = true;
        e->asked_back_at = record->step;
    }
}

static void add_hypothesis(struct history *h, struct entry *e, const Trireme__Plan *plan)
{
    if (plan->reverse) {
        SET(e->reverse.plan, plan);
        return;
    }
    h->first_rule = h->first_rule || !h->rule;
    for (size_t i = 0; h->first_rule && i < h->n; i++)
        h->entries[i].first_rule = true;
    h->registered += !e->forward.plan;
    SET(e->forward.plan, plan);
    e->fate = FATE_OPEN;
}

static struct attempt *current(struct entry *e)
{
    return e->reverse.plan ? &e->reverse : &e->forward;
}

/* Tokens that a fork cost. Reverse ones are no hypothesis; a person's are not at stake. */
static void spend(struct history *h, const struct entry *e, uint64_t tokens)
{
    h->spent += tokens;
    h->since += e->reverse.plan || actor_is_proven_person(e->by) ? 0 : tokens;
}

static void add_observation(struct history *h, struct entry *e,
                            const Trireme__Observation *observation)
{
    struct attempt *attempt = current(e);
    attempt->pairs = mem_resize(attempt->pairs, attempt->n_pairs + 1, sizeof *attempt->pairs);
    attempt->pairs[attempt->n_pairs++] = message_copy(observation);
    spend(h, e, observation->tokens);
}

/* The stretch under way is over: at its end, or since nobody takes part in it any more. */
static void end_stretch(struct history *h, uint64_t step)
{
    for (size_t i = 0; i < h->n; i++)
        h->entries[i].in_stretch = false;
    message_free(h->stretch);
    h->stretch = NULL;
    h->ended_at = step;
}

static void leave_stretch(struct history *h, struct entry *e, uint64_t step)
{
    bool any = false;
    if (!e->in_stretch)
        return;
    e->in_stretch = false;
    for (size_t i = 0; i < h->n; i++)
        any = any || h->entries[i].in_stretch;
    if (!any)
        end_stretch(h, step);
}

uint64_t history_tokens(const struct history *h, uint64_t tokens, uint64_t unit)
{
    return h->unit == 0 || h->unit == unit
               ? tokens
               : (uint64_t)((double)tokens / (double)h->unit * (double)unit + 0.5);
}

/* What is spent is counted in the unit of a stretch from there on. In the first one the trunk has
 * the steps that were asked for, since nothing is adopted yet. */
static void use_unit(struct history *h, const Trireme__Stretch *stretch)
{
    h->first_unit = h->first_unit ? h->first_unit : stretch->step_tokens;
    const uint64_t unit = stretch->unit ? stretch->unit : h->first_unit;
    h->spent = history_tokens(h, h->spent, unit);
    h->since = history_tokens(h, h->since, unit);
    h->unit = unit;
}

static void add_stretch(struct history *h, const Trireme__Record *record)
{
    use_unit(h, record->stretch);
    SET(h->stretch, record->stretch);
    message_free(h->superseded);
    h->superseded = NULL;
    h->stretch_start = record->step;
    h->stretch_end = record->step + record->stretch->horizon;
    for (size_t i = 0; i < record->stretch->n_arms; i++) {
        struct entry *e = history_entry(h, record->stretch->arms[i]->number);
        if (e)
            e->in_stretch = true;
    }
}

static void take_windows(struct history *h, const Trireme__Decision *decision)
{
    const size_t n = decision->n_windows_taken;
    if (n > h->n_windows_taken) {
        h->windows_taken = mem_resize(h->windows_taken, n, sizeof *h->windows_taken);
        memset(h->windows_taken + h->n_windows_taken, 0,
               (n - h->n_windows_taken) * sizeof *h->windows_taken);
        h->n_windows_taken = n;
    }
    for (size_t s = 0; s < n; s++)
        if (decision->windows_taken[s] > h->windows_taken[s])
            h->windows_taken[s] = decision->windows_taken[s];
}

static void add_decision(struct history *h, const Trireme__Record *record)
{
    h->spent += record->decision->tokens;
    h->since += record->decision->planners;
    take_windows(h, record->decision);
    end_stretch(h, record->step);
}

static void count_claim(struct history *h, const Trireme__Claim *claim)
{
    h->claims += claim->answer == TRIREME__CLAIM__ANSWER__open;
    h->claimed += claim->answer == TRIREME__CLAIM__ANSWER__claimed;
}

static void add_claim(struct history *h, struct entry *e, const Trireme__Record *record)
{
    count_claim(h, record->claim);
    SET(e->claim, record->claim);
    if (!attempt_open(e)) // it was what kept the attempt open
        leave_stretch(h, e, record->step);
}

static enum fate fate_of(const struct entry *e, Trireme__Judgement__Outcome outcome)
{
    switch (outcome) {
    case TRIREME__JUDGEMENT__OUTCOME__reject:
        return FATE_REJECTED;
    case TRIREME__JUDGEMENT__OUTCOME__inconclusive:
        return FATE_INCONCLUSIVE;
    case TRIREME__JUDGEMENT__OUTCOME__confirmed:
        return FATE_CONFIRMED;
    case TRIREME__JUDGEMENT__OUTCOME__unconfirmed:
        return FATE_UNCONFIRMED;
    case TRIREME__JUDGEMENT__OUTCOME__rolled_back:
        return FATE_ROLLED_BACK;
    case TRIREME__JUDGEMENT__OUTCOME__closed:
        return FATE_CLOSED;
    case TRIREME__JUDGEMENT__OUTCOME__kept:
        return FATE_KEPT;
    case TRIREME__JUDGEMENT__OUTCOME__returned:
        return FATE_QUEUED;
    case TRIREME__JUDGEMENT__OUTCOME__taken_back: // its rollback is a record of its own
    case TRIREME__JUDGEMENT__OUTCOME__adopted:    // its promotion too
    case TRIREME__JUDGEMENT__OUTCOME__promote:
    case TRIREME__JUDGEMENT__OUTCOME__open:
    case _TRIREME__JUDGEMENT__OUTCOME_IS_INT_SIZE:
        break;
    }
    return e->fate;
}

static void add_verdict(struct history *h, struct entry *e, const Trireme__Record *record)
{
    const Trireme__Judgement *judgement = record->judgement;
    const bool returned = judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__returned;
    if (e->fate == FATE_KEPT && judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__kept) {
        spend(h, e,
              judgement->tokens); // its claim ends in mid stretch: what it was kept for stands
        return;
    }
    SET(e->judgement, judgement);
    if ((e->fate != FATE_PROMOTED && !entry_is_adopted(e)) ||
        e->reverse.plan) // that there will be no reverse pairs is not the forward ones' verdict
        SET(current(e)->judgement, judgement);
    spend(h, e, judgement->tokens);
    const bool back = judgement->outcome == TRIREME__JUDGEMENT__OUTCOME__taken_back;
    if (fate_of(e, judgement->outcome) != e->fate || returned || back) {
        e->fate = fate_of(e, judgement->outcome);
        set_text(&e->reason, judgement->reason);
    }
    if (returned) {
        e->returned = true;
        e->forward.n_before += e->forward.n_pairs;
        clear_pairs(&e->forward);
    }
    if (!attempt_open(e) || back) // the rollback follows
        leave_stretch(h, e, record->step);
}

static void change(struct history *h, struct entry *e, const Trireme__Record *record)
{
    h->changed_at = record->step;
    in_force(h, record->promotion);
    if (record->kind == TRIREME__RECORD_KIND__rollback) {
        e->fate = h->first_rule ? FATE_ROLLED_BACK : FATE_TAKEN_BACK;
        return;
    }
    SET(e->promotion, record->promotion);
    e->promoted_at = record->step;
    e->fate = h->first_rule ? FATE_PROMOTED : FATE_ADOPTED;
    h->since = 0;
}

/* Removes the paths that were set by hand. */
static void add_correction(struct history *h, const Trireme__Record *record)
{
    const Trireme__Promotion *promotion = record->promotion;
    h->changed_at = record->recipe ? record->step : h->changed_at;
    for (size_t i = 0; promotion && i < promotion->n_patch; i++)
        no_longer_in_force(h, promotion->patch[i]->path);
}

/* Adds a record of one entry. */
static void add_of_entry(struct history *h, struct entry *e, const Trireme__Record *record)
{
    switch (record->kind) {
    case TRIREME__RECORD_KIND__validation:
        add_validation(h, e, record);
        return;
    case TRIREME__RECORD_KIND__order:
        add_order(e, record);
        return;
    case TRIREME__RECORD_KIND__hypothesis:
        add_hypothesis(h, e, record->plan);
        return;
    case TRIREME__RECORD_KIND__application:
        SET(current(e)->application, record->application);
        return;
    case TRIREME__RECORD_KIND__observation:
        add_observation(h, e, record->observation);
        return;
    case TRIREME__RECORD_KIND__verdict:
        add_verdict(h, e, record);
        return;
    case TRIREME__RECORD_KIND__claim:
        add_claim(h, e, record);
        return;
    case TRIREME__RECORD_KIND__promotion:
    case TRIREME__RECORD_KIND__rollback:
        change(h, e, record);
        return;
    default:
        return;
    }
}

/* Numbers that there are not, or that are there twice, nobody has written. */
static void order_queue(struct history *h, const Trireme__Record *record)
{
    size_t *entries = mem_new(record->n_numbers, sizeof *entries), n = 0;
    for (size_t i = 0; i < record->n_numbers; i++) {
        const struct entry *e = history_entry(h, record->numbers[i]);
        bool known = !e;
        for (size_t k = 0; e && k < n; k++)
            known = known || entries[k] == (size_t)(e - h->entries);
        if (!known)
            entries[n++] = (size_t)(e - h->entries);
    }
    turns_order(h, entries, n, record->by ? record->by : "");
    free(entries);
}

void history_add_record(struct history *h, const Trireme__Record *record)
{
    switch (record->kind) {
    case TRIREME__RECORD_KIND__proposal:
        if (record->proposal)
            add_proposal(h, record);
        return;
    case TRIREME__RECORD_KIND__correction:
        add_correction(h, record);
        return;
    case TRIREME__RECORD_KIND__rule:
        SET(h->rule, record->rule);
        return;
    case TRIREME__RECORD_KIND__stretch:
        add_stretch(h, record);
        return;
    case TRIREME__RECORD_KIND__decision:
        add_decision(h, record);
        return;
    case TRIREME__RECORD_KIND__note:
        add_note(h, record);
        return;
    default:
        break;
    }
    if (record->has_order && record->order == TRIREME__ORDER__queue) {
        order_queue(h, record);
        return;
    }
    struct entry *e = record->number ? history_entry(h, record->number) : NULL;
    const bool was_over = e && entry_is_over(e);
    if (e)
        add_of_entry(h, e, record);
    if (e && !was_over && entry_is_over(e))
        e->over_at = record->step;
}

/* Whether a superseded record is about an arm that a planner proposed: not one with the recipe from
 * before an adoption, nor a person's. */
static bool was_planners(const struct history *h, uint32_t number)
{
    const Trireme__Stretch *stretch = h->superseded ? h->superseded : h->stretch;
    for (size_t i = 0; stretch && i < stretch->n_arms; i++)
        if (stretch->arms[i]->number == number)
            return !stretch->arms[i]->reverse && !stretch->arms[i]->person;
    return true;
}

/* Tokens that a superseded fork cost. */
static void forget_fork(struct history *h, uint32_t number, uint64_t tokens)
{
    h->spent += tokens;
    h->since += was_planners(h, number) ? tokens : 0;
}

void history_forget_record(struct history *h, const Trireme__Record *record)
{
    switch (record->kind) {
    case TRIREME__RECORD_KIND__hypothesis:
        h->registered += record->plan && !record->plan->reverse;
        return;
    case TRIREME__RECORD_KIND__claim:
        count_claim(h, record->claim);
        return;
    case TRIREME__RECORD_KIND__stretch:
        use_unit(h, record->stretch);
        SET(h->superseded, record->stretch);
        return;
    case TRIREME__RECORD_KIND__observation:
        forget_fork(h, record->number, record->observation->tokens);
        return;
    case TRIREME__RECORD_KIND__verdict:
        forget_fork(h, record->number, record->judgement->tokens);
        return;
    case TRIREME__RECORD_KIND__decision:
        h->spent += record->decision->tokens;
        h->since += record->decision->planners;
        take_windows(h, record->decision);
        return;
    case TRIREME__RECORD_KIND__note:
        add_note(h, record);
        return;
    default:
        return;
    }
}

void history_read(struct history *h, const struct ledger *ledger, size_t n)
{
    bool *superseded = ledger_superseded(ledger, n);
    // records from a superseded one on to its correction are all superseded, so in this order what
    // they used up counts where the correction stands
    for (size_t i = 0; i < n; i++)
        (superseded[i] ? history_forget_record : history_add_record)(h, ledger_record(ledger, i));
    free(superseded);
}

uint32_t history_room(const struct history *h, uint32_t forks)
{
    uint32_t taken = 0;
    for (size_t i = 0; i < h->n; i++)
        taken += entry_is_in_queue(&h->entries[i]) || h->entries[i].fate == FATE_OPEN;
    return taken < forks ? forks - taken : 0;
}

const struct entry *history_next_open(const struct history *h, const struct entry *after)
{
    for (const struct entry *e = after ? after + 1 : h->entries; e < h->entries + h->n; e++)
        if (attempt_open(e))
            return e;
    return NULL;
}

const struct entry *history_watched(const struct history *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (attempt_open(&h->entries[i]) == &h->entries[i].reverse)
            return &h->entries[i];
    return NULL;
}

const struct entry *history_asked_back(const struct history *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->entries[i].asked_back && entry_is_adopted(&h->entries[i]))
            return &h->entries[i];
    return NULL;
}
