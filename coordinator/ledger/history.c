#include "coordinator/ledger/history.h"

#include "base/mem.h"
#include "coordinator/ledger/ledger.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

static const char *const fates[] = {
    // clang-format off
    [FATE_PROPOSED]     = "proposed",
    [FATE_REFUSED]      = "refused",
    [FATE_OBSERVED]     = "observed",
    [FATE_WAITING]      = "waiting",
    [FATE_VETOED]       = "vetoed",
    [FATE_QUEUED]       = "queued",
    [FATE_OPEN]         = "open",
    [FATE_ADOPTED]      = "adopted",
    [FATE_KEPT]         = "kept",
    [FATE_TAKEN_BACK]   = "taken back",
    [FATE_REJECTED]     = "rejected",
    [FATE_INCONCLUSIVE] = "inconclusive",
    [FATE_PROMOTED]     = "promoted",
    [FATE_CONFIRMED]    = "confirmed",
    [FATE_UNCONFIRMED]  = "unconfirmed",
    [FATE_ROLLED_BACK]  = "rolled back",
    // clang-format on
};

static const char *const causes[] = {
    // clang-format off
    [TRIREME__CAUSE__diverged]       = "diverged",
    [TRIREME__CAUSE__memory]         = "no memory",
    [TRIREME__CAUSE__lost]           = "lost",
    [TRIREME__CAUSE__failed]         = "failed",
    [TRIREME__CAUSE__killed]         = "killed",
    [TRIREME__CAUSE__vetoed]         = "vetoed",
    [TRIREME__CAUSE__superseded]     = "superseded",
    [TRIREME__CAUSE__money]          = "no money",
    [TRIREME__CAUSE__time]           = "no time",
    [TRIREME__CAUSE__overruled]      = "overruled",
    [TRIREME__CAUSE__unfit]          = "unfit",
    [TRIREME__CAUSE__beaten]         = "beaten",
    [TRIREME__CAUSE__no_hope]        = "no hope",
    [TRIREME__CAUSE__no_sign]        = "no sign",
    [TRIREME__CAUSE__without_effect] = "without effect",
    [TRIREME__CAUSE__windows]        = "no windows",
    // clang-format on
};

static const char *cause_word(Trireme__Cause cause)
{
    const bool known = cause >= 0 && (size_t)cause < sizeof causes / sizeof *causes;
    return known && causes[cause] ? causes[cause] : "closed";
}

const char *entry_word(const struct entry *e)
{
    if (e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__claimed && e->fate == FATE_KEPT)
        return "claimed";
    return e->fate == FATE_CLOSED ? cause_word(e->judgement->cause) : fates[e->fate];
}

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
    for (size_t i = 0; i < h->n_promoted; i++)
        message_free(h->promoted[i]);
    free(h->promoted);
    free(h->windows_taken);
    message_free(h->rule);
    message_free(h->stretch);
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
                                        .fate = FATE_PROPOSED};
}

static void queue(struct entry *e, uint64_t step)
{
    e->fate = FATE_QUEUED;
    e->queued_at = step;
}

static void add_validation(struct entry *e, const Trireme__Record *record)
{
    const Trireme__Validation *validation = record->validation;
    static const enum fate next[] = {[TRIREME__VALIDATION__NEXT__queued] = FATE_QUEUED,
                                     [TRIREME__VALIDATION__NEXT__waiting] = FATE_WAITING,
                                     [TRIREME__VALIDATION__NEXT__observed] = FATE_OBSERVED};
    e->fate = validation->accepted ? next[validation->next] : FATE_REFUSED;
    e->queued_at = record->step;
    set_text(&e->reason, validation->accepted ? NULL : validation->reason);
}

static void add_order(struct entry *e, const Trireme__Record *record)
{
    if (!record->has_order)
        return;
    if (record->order == TRIREME__ORDER__approve && e->fate == FATE_WAITING)
        queue(e, record->step);
    if (record->order == TRIREME__ORDER__veto &&
        (e->fate == FATE_WAITING || e->fate == FATE_QUEUED)) {
        e->fate = FATE_VETOED;
        set_text(&e->reason, record->text);
    }
}

static void add_hypothesis(struct history *h, struct entry *e, const Trireme__Plan *plan)
{
    if (plan->reverse) {
        SET(e->reverse.plan, plan);
        return;
    }
    h->first_rule = h->first_rule || !h->rule;
    h->registered += !e->forward.plan;
    SET(e->forward.plan, plan);
    e->fate = FATE_OPEN;
}

static struct attempt *current(struct entry *e)
{
    return e->reverse.plan ? &e->reverse : &e->forward;
}

/* Tokens that a fork cost. Reverse ones are no hypothesis. */
static void spend(struct history *h, const struct entry *e, uint64_t tokens)
{
    h->spent += tokens;
    h->since += e->reverse.plan ? 0 : tokens;
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

static void add_stretch(struct history *h, const Trireme__Record *record)
{
    SET(h->stretch, record->stretch);
    h->stretch_start = record->step;
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

static void add_claim(struct history *h, struct entry *e, const Trireme__Claim *claim)
{
    h->claims += claim->answer == TRIREME__CLAIM__ANSWER__open;
    h->claimed += claim->answer == TRIREME__CLAIM__ANSWER__claimed;
    SET(e->claim, claim);
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
    SET(e->judgement, judgement);
    if (e->fate != FATE_PROMOTED ||
        e->reverse.plan) // that there will be no reverse pairs is not the forward ones' verdict
        SET(current(e)->judgement, judgement);
    spend(h, e, judgement->tokens);
    if (fate_of(e, judgement->outcome) != e->fate || returned) {
        e->fate = fate_of(e, judgement->outcome);
        set_text(&e->reason, judgement->reason);
    }
    if (returned) {
        e->returned = true;
        e->forward.n_before += e->forward.n_pairs;
        clear_pairs(&e->forward);
    }
    if (!attempt_open(e))
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
        add_validation(e, record);
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
        add_claim(h, e, record->claim);
        return;
    case TRIREME__RECORD_KIND__promotion:
    case TRIREME__RECORD_KIND__rollback:
        change(h, e, record);
        return;
    default:
        return;
    }
}

void history_add_record(struct history *h, const Trireme__Record *record)
{
    struct entry *e;
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
    default:
        e = record->number ? history_entry(h, record->number) : NULL;
        if (e)
            add_of_entry(h, e, record);
    }
}

void history_forget_record(struct history *h, const Trireme__Record *record)
{
    uint64_t tokens = 0;
    switch (record->kind) {
    case TRIREME__RECORD_KIND__hypothesis:
        h->registered += record->plan && !record->plan->reverse;
        return;
    case TRIREME__RECORD_KIND__claim:
        h->claims += record->claim->answer == TRIREME__CLAIM__ANSWER__open;
        h->claimed += record->claim->answer == TRIREME__CLAIM__ANSWER__claimed;
        return;
    case TRIREME__RECORD_KIND__observation:
        tokens = record->observation->tokens;
        break;
    case TRIREME__RECORD_KIND__verdict:
        tokens = record->judgement->tokens;
        break;
    case TRIREME__RECORD_KIND__decision:
        tokens = record->decision->tokens;
        take_windows(h, record->decision);
        break;
    default:
        return;
    }
    h->spent += tokens;
    h->since += tokens;
}

/* A record that was superseded. What it used up counts from this place among those that hold on,
 * where the correction stands: an adoption before it does not forgive it. */
struct superseded {
    size_t at;
    const Trireme__Record *record;
};

void history_read(struct history *h, const struct ledger *ledger, size_t n)
{
    const Trireme__Record **kept = mem_new(n, sizeof *kept);
    struct superseded *lost = mem_new(n, sizeof *lost);
    size_t n_kept = 0, n_lost = 0, n_forgotten = 0;
    for (size_t i = 0; i < n; i++) {
        const Trireme__Record *record = ledger_record(ledger, i);
        while (record->supersedes && n_kept && kept[n_kept - 1]->seq >= record->supersedes)
            lost[n_lost++] = (struct superseded){SIZE_MAX, kept[--n_kept]};
        // those of places that are superseded too move to this place
        for (size_t k = n_lost; k-- > 0 && lost[k].at > n_kept;)
            lost[k].at = n_kept;
        kept[n_kept++] = record;
    }
    for (size_t i = 0; i < n_kept; i++) {
        for (; n_forgotten < n_lost && lost[n_forgotten].at <= i; n_forgotten++)
            history_forget_record(h, lost[n_forgotten].record);
        history_add_record(h, kept[i]);
    }
    free(lost);
    free(kept);
}

int history_check_order(const struct history *h, uint32_t number, Trireme__Order order,
                        struct err *err)
{
    static const char *const expected[] = {
        [TRIREME__ORDER__approve] = "one that waits for approval",
        [TRIREME__ORDER__veto] = "one that waits, is queued or is open",
        [TRIREME__ORDER__kill] = "one that is queued, open, or watched",
    };
    const struct entry *e = history_entry(h, number);
    if (!e)
        return err_set(err, ERR_USAGE, "found no proposal %u, there are %zu", number, h->n);
    const bool waits = e->fate == FATE_WAITING, queued = e->fate == FATE_QUEUED;
    const bool fits[] = {
        [TRIREME__ORDER__approve] = waits,
        [TRIREME__ORDER__veto] = waits || queued || e->fate == FATE_OPEN,
        [TRIREME__ORDER__kill] = queued || attempt_open(e),
    };
    if (fits[order])
        return 0;
    return err_set(err, ERR_USAGE, "proposal %u is %s, expected %s", number, entry_word(e),
                   expected[order]);
}

uint32_t history_room(const struct history *h, uint32_t forks)
{
    uint32_t taken = 0;
    for (size_t i = 0; i < h->n; i++) {
        const enum fate fate = h->entries[i].fate;
        taken += fate == FATE_WAITING || fate == FATE_QUEUED || fate == FATE_OPEN;
    }
    return taken < forks ? forks - taken : 0;
}

bool entry_claims(const struct entry *e)
{
    return e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__open;
}

const struct attempt *attempt_open(const struct entry *e)
{
    const bool first_rule = e->fate == FATE_PROMOTED;
    if (e->reverse.plan && (first_rule || e->fate == FATE_ADOPTED ||
                            (e->fate == FATE_KEPT && entry_claims(e))))
        return &e->reverse;
    return e->fate == FATE_OPEN ? &e->forward : NULL;
}

uint32_t attempt_next_pair(const struct attempt *a)
{
    return (uint32_t)(a->n_before + a->n_pairs);
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

bool entry_is_pending(const struct entry *e)
{
    return e->fate == FATE_WAITING || e->fate == FATE_QUEUED || attempt_open(e);
}

bool entry_tells(const struct entry *e)
{
    if (e->fate == FATE_PROPOSED || e->fate == FATE_REFUSED || e->fate == FATE_OBSERVED)
        return false;
    if (e->fate != FATE_INCONCLUSIVE && e->fate != FATE_REJECTED && e->fate != FATE_CLOSED)
        return true;
    if (!e->judgement->has_cause) // of an earlier version
        return !e->reason || e->fate == FATE_REJECTED;
    switch (e->judgement->cause) {
    case TRIREME__CAUSE__gains:
    case TRIREME__CAUSE__diverged:
    case TRIREME__CAUSE__no_spread:
    case TRIREME__CAUSE__vetoed:
    case TRIREME__CAUSE__beaten:
    case TRIREME__CAUSE__no_hope:
    case TRIREME__CAUSE__no_sign:
    case TRIREME__CAUSE__without_effect:
        return true;
    default:
        return false;
    }
}
