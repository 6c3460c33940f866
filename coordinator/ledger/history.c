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
    [FATE_REJECTED]     = "rejected",
    [FATE_INCONCLUSIVE] = "inconclusive",
    [FATE_PROMOTED]     = "promoted",
    [FATE_CONFIRMED]    = "confirmed",
    [FATE_UNCONFIRMED]  = "unconfirmed",
    [FATE_ROLLED_BACK]  = "rolled back",
    // clang-format on
};

const char *fate_name(enum fate fate)
{
    return fates[fate];
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

static void free_attempt(struct attempt *attempt)
{
    message_free(attempt->plan);
    message_free(attempt->application);
    message_free(attempt->judgement);
    for (size_t i = 0; i < attempt->n_pairs; i++)
        message_free(attempt->pairs[i]);
    free(attempt->pairs);
}

void history_clear(struct history *h)
{
    for (size_t i = 0; i < h->n; i++) {
        struct entry *e = &h->entries[i];
        message_free(e->proposal);
        message_free(e->judgement);
        message_free(e->promotion);
        free_attempt(&e->forward);
        free_attempt(&e->reverse);
        free(e->by);
        free(e->reason);
    }
    free(h->entries);
    for (size_t i = 0; i < h->n_promoted; i++)
        message_free(h->promoted[i]);
    free(h->promoted);
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

static void add_validation(struct entry *e, const Trireme__Validation *validation)
{
    static const enum fate next[] = {[TRIREME__VALIDATION__NEXT__queued] = FATE_QUEUED,
                                     [TRIREME__VALIDATION__NEXT__waiting] = FATE_WAITING,
                                     [TRIREME__VALIDATION__NEXT__observed] = FATE_OBSERVED};
    e->fate = validation->accepted ? next[validation->next] : FATE_REFUSED;
    set_text(&e->reason, validation->accepted ? NULL : validation->reason);
}

static void add_order(struct entry *e, const Trireme__Record *record)
{
    if (!record->has_order)
        return;
    if (record->order == TRIREME__ORDER__approve && e->fate == FATE_WAITING)
        e->fate = FATE_QUEUED;
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
    h->registered += !e->forward.plan;
    SET(e->forward.plan, plan);
    e->fate = FATE_OPEN;
}

static struct attempt *current(struct entry *e)
{
    return e->reverse.plan ? &e->reverse : &e->forward;
}

static void add_observation(struct history *h, struct entry *e,
                            const Trireme__Observation *observation)
{
    struct attempt *attempt = current(e);
    attempt->pairs = mem_resize(attempt->pairs, attempt->n_pairs + 1, sizeof *attempt->pairs);
    attempt->pairs[attempt->n_pairs++] = message_copy(observation);
    h->tokens += observation->tokens;
}

static void add_verdict(struct entry *e, const Trireme__Judgement *judgement)
{
    SET(e->judgement, judgement);
    if (e->fate != FATE_PROMOTED ||
        e->reverse.plan) // that there will be no reverse pairs is not the forward ones' verdict
        SET(current(e)->judgement, judgement);
    switch (judgement->outcome) {
    case TRIREME__JUDGEMENT__OUTCOME__open:
    case TRIREME__JUDGEMENT__OUTCOME__promote: // the promotion itself is a record of its own
    case _TRIREME__JUDGEMENT__OUTCOME_IS_INT_SIZE:
        return;
    case TRIREME__JUDGEMENT__OUTCOME__reject:
        e->fate = FATE_REJECTED;
        break;
    case TRIREME__JUDGEMENT__OUTCOME__inconclusive:
        e->fate = FATE_INCONCLUSIVE;
        break;
    case TRIREME__JUDGEMENT__OUTCOME__confirmed:
        e->fate = FATE_CONFIRMED;
        break;
    case TRIREME__JUDGEMENT__OUTCOME__unconfirmed:
        e->fate = FATE_UNCONFIRMED;
        break;
    case TRIREME__JUDGEMENT__OUTCOME__rolled_back:
        e->fate = FATE_ROLLED_BACK;
        break;
    }
    set_text(&e->reason, judgement->reason);
}

static void add_promotion(struct history *h, struct entry *e, const Trireme__Record *record)
{
    SET(e->promotion, record->promotion);
    e->promoted_at = record->step;
    e->fate = FATE_PROMOTED;
    h->promotions++;
    h->changed_at = record->step;
    in_force(h, record->promotion);
}

/* Removes the paths that were set by hand. */
static void add_correction(struct history *h, const Trireme__Record *record)
{
    const Trireme__Promotion *promotion = record->promotion;
    h->changed_at = record->recipe ? record->step : h->changed_at;
    for (size_t i = 0; promotion && i < promotion->n_patch; i++)
        no_longer_in_force(h, promotion->patch[i]->path);
}

void history_add_record(struct history *h, const Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__proposal && record->proposal)
        add_proposal(h, record);
    if (record->kind == TRIREME__RECORD_KIND__correction)
        add_correction(h, record);
    struct entry *e = record->number ? history_entry(h, record->number) : NULL;
    if (!e)
        return;
    switch (record->kind) {
    case TRIREME__RECORD_KIND__validation:
        add_validation(e, record->validation);
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
        add_verdict(e, record->judgement);
        return;
    case TRIREME__RECORD_KIND__promotion:
        add_promotion(h, e, record);
        return;
    case TRIREME__RECORD_KIND__rollback:
        e->fate = FATE_ROLLED_BACK;
        h->changed_at = record->step;
        in_force(h, record->promotion);
        return;
    default:
        return;
    }
}

void history_forget_record(struct history *h, const Trireme__Record *record)
{
    h->registered +=
        record->kind == TRIREME__RECORD_KIND__hypothesis && record->plan && !record->plan->reverse;
}

void history_read(struct history *h, const struct ledger *ledger, size_t n)
{
    const Trireme__Record **kept = mem_new(n, sizeof *kept);
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        const Trireme__Record *record = ledger_record(ledger, i);
        while (record->supersedes && n_kept && kept[n_kept - 1]->seq >= record->supersedes)
            history_forget_record(h, kept[--n_kept]);
        kept[n_kept++] = record;
    }
    for (size_t i = 0; i < n_kept; i++)
        history_add_record(h, kept[i]);
    free(kept);
}

int history_check_order(const struct history *h, uint32_t number, Trireme__Order order,
                        struct err *err)
{
    static const char *const expected[] = {
        [TRIREME__ORDER__approve] = "one that waits for approval",
        [TRIREME__ORDER__veto] = "one that waits, is queued or is open",
        [TRIREME__ORDER__kill] = "one that is queued, open, or has reverse pairs to come",
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
    return err_set(err, ERR_USAGE, "proposal %u is %s, expected %s", number, fate_name(e->fate),
                   expected[order]);
}

uint32_t history_room(const struct history *h, uint32_t forks)
{
    uint32_t taken = 0;
    for (size_t i = 0; i < h->n; i++)
        taken += entry_is_pending(&h->entries[i]);
    return taken < forks ? forks - taken : 0;
}

const struct attempt *attempt_open(const struct entry *e)
{
    if (e->fate == FATE_PROMOTED && e->reverse.plan)
        return &e->reverse;
    return e->fate == FATE_OPEN ? &e->forward : NULL;
}

const struct entry *history_next_open(const struct history *h, const struct entry *after)
{
    for (const struct entry *e = after ? after + 1 : h->entries; e < h->entries + h->n; e++)
        if (attempt_open(e))
            return e;
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
    if (e->fate != FATE_INCONCLUSIVE && e->fate != FATE_REJECTED)
        return true;
    if (!e->judgement->has_cause) // of an earlier version
        return !e->reason || e->fate == FATE_REJECTED;
    switch (e->judgement->cause) {
    case TRIREME__CAUSE__gains:
    case TRIREME__CAUSE__diverged:
    case TRIREME__CAUSE__no_spread:
    case TRIREME__CAUSE__vetoed:
        return true;
    default:
        return false;
    }
}

uint64_t attempt_next_start(const struct attempt *a)
{
    return a->plan->start + a->n_pairs * a->plan->horizon;
}
