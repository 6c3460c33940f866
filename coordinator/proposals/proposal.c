/* Proposals and orders: checked, recorded, carried out. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/patch.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/proposals/recall.h"
#include "coordinator/proposals/recipe.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

int proposal_log_event(struct intake *intake, uint64_t step, const char *by, const char *text,
                       struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = (char *)text;
    progress_log(intake->context.progress, "%s: %s", by, text);
    return journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__event, 0, step, by,
                         err);
}

/* Whether an entry's change was tried beside the recipe in force, or will be; or was in force
 * itself and was taken back. */
static bool counts(const struct intake *intake, const struct entry *e)
{
    bool observed = e->fate == FATE_OBSERVED && intake->context.run->config->experiment->mode ==
                                                    TRIREME__EXPERIMENT__MODE__observe;
    return (entry_tells(e) || observed) &&
           (entry_is_pending(e) || e->fate == FATE_TAKEN_BACK || e->fate == FATE_ROLLED_BACK ||
            e->step >= context_history(&intake->context)->changed_at);
}

/* Returns another entry whose change makes the same recipe of the one in force; NULL: there is
 * none. after: the recipe that this change makes. */
static const struct entry *duplicate(const struct intake *intake, const struct entry *entry,
                                     const Trireme__Config *after)
{
    for (size_t i = 0; i < context_history(&intake->context)->n; i++) {
        const struct entry *e = &context_history(&intake->context)->entries[i];
        struct err unread;
        if (e == entry || !counts(intake, e))
            continue;
        Trireme__Config *other = changes_apply(context_config(&intake->context), e->proposal->patch,
                                               e->proposal->n_patch, &unread);
        bool same = other && recipe_same(other, after, &unread) > 0;
        message_free(other);
        if (same)
            return e;
    }
    return NULL;
}

/* Returns the recipe that a change makes of the one in force; NULL with the reason. */
static Trireme__Config *recipe_after(const struct intake *intake, const Trireme__Proposal *proposal,
                                     struct err *err)
{
    if (campaign_off(intake->campaign)) {
        err_set(err, ERR_USAGE, "%s", campaign_off(intake->campaign));
        return NULL;
    }
    Trireme__Config *after = patch_apply(context_config(&intake->context), proposal->patch,
                                         proposal->n_patch, intake->policy, err);
    if (!after && intake->allow_noop)
        after = message_copy(context_config(&intake->context));
    return after;
}

int proposal_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err)
{
    Trireme__Config *after = recipe_after(intake, proposal, err);
    message_free(after);
    return after ? 0 : -1;
}

static int validate(const struct intake *intake, const struct entry *entry, uint64_t step,
                    struct err *err)
{
    Trireme__Config *after = recipe_after(intake, entry->proposal, err);
    if (!after)
        return -1;
    const struct entry *other = intake->allow_noop ? NULL : duplicate(intake, entry, after);
    int rc = other ? err_set(err, ERR_USAGE, "duplicate: proposal %u says the same, and is %s",
                             other->number, entry_word(other))
                   : campaign_check(intake->campaign, step, after,
                                    actor_is_proven_person(entry->by), err);
    message_free(after);
    return rc;
}

static Trireme__Validation__Next next_of(const struct intake *intake, const char *by)
{
    switch (intake->context.run->config->experiment->mode) {
    case TRIREME__EXPERIMENT__MODE__approve:
        return actor_is_person(by) ? TRIREME__VALIDATION__NEXT__queued
                                   : TRIREME__VALIDATION__NEXT__waiting;
    case TRIREME__EXPERIMENT__MODE__observe:
        return TRIREME__VALIDATION__NEXT__observed;
    default:
        return TRIREME__VALIDATION__NEXT__queued;
    }
}

/* Fills in an answer. The text is taken over. */
static void answer_with(Trireme__Answer *answer, bool accepted, uint32_t number, char *text)
{
    answer->has_accepted = 1, answer->accepted = accepted;
    answer->has_number = number > 0, answer->number = number;
    free(answer->text);
    answer->text = text;
}

static const char *what_follows(enum fate fate)
{
    switch (fate) {
    case FATE_WAITING:
        return "legal; it waits for approval";
    case FATE_OBSERVED:
        return "legal; this run only observes, so it will not be tried";
    default:
        return "legal; it is tried as soon as there is room";
    }
}

void proposal_answer(const struct entry *e, Trireme__Answer *answer)
{
    if (e->fate == FATE_REFUSED)
        answer_with(answer, false, e->number, mem_strdup(e->reason ? e->reason : "refused"));
    else
        answer_with(answer, true, e->number,
                    mem_format("proposal %u: %s", e->number, what_follows(e->fate)));
}

static int submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                  uint64_t step, Trireme__Answer *answer, struct err *err)
{
    uint32_t number = (uint32_t)context_history(&intake->context)->n + 1;
    Trireme__Record record = TRIREME__RECORD__INIT;
    struct err why = {0};
    // Its texts may be of any size, so they are not recorded.
    if (patch_check_proposal(proposal, &why) < 0) {
        answer_with(answer, false, 0, mem_strdup(why.text));
        return proposal_log_event(intake, step, by, why.text, err);
    }
    record.proposal = (Trireme__Proposal *)proposal;
    intake->owed =
        intake->owed && intake->planner && !actor_is_named(by, intake->planner->ops->name);
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__proposal, number,
                      step, by, err) < 0)
        return -1;
    const struct entry *e = history_entry(context_history(&intake->context), number);
    Trireme__Validation validation = TRIREME__VALIDATION__INIT;
    validation.has_accepted = 1, validation.accepted = validate(intake, e, step, &why) == 0;
    validation.reason = validation.accepted ? NULL : why.text;
    validation.has_next = validation.accepted, validation.next = next_of(intake, by);
    record = (Trireme__Record)TRIREME__RECORD__INIT;
    record.validation = &validation;
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__validation, number,
                      step, "rule", err) < 0)
        return -1;
    char *text = changes_text(proposal->patch, proposal->n_patch);
    progress_log(intake->context.progress, "proposal %u of %s: %s: %s", number, by, text,
                 validation.accepted ? "legal" : why.text);
    e = history_entry(context_history(&intake->context), number);
    if (e->fate == FATE_WAITING)
        progress_say(intake->context.progress,
                     "proposal %u: %s - it waits: trireme proposals approve %s %u", number, text,
                     intake->context.run->folder, number);
    free(text);
    proposal_answer(e, answer);
    recall_tell_settled(intake, e, answer);
    return 0;
}

int proposal_submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, Trireme__Answer *answer, struct err *err)
{
    Trireme__Proposal *numbered = patch_number_sources(proposal, context_config(&intake->context));
    int rc = submit(intake, numbered, by, step, answer, err);
    message_free(numbered);
    return rc;
}

int proposal_order(struct intake *intake, Trireme__Order order, uint32_t number, const char *by,
                   uint64_t step, Trireme__Answer *answer, struct err *err)
{
    static const char *const done[] = {
        [TRIREME__ORDER__approve] = "approved",
        [TRIREME__ORDER__veto] = "vetoed",
        [TRIREME__ORDER__kill] = "killed",
        [TRIREME__ORDER__takeback] = "taken back after the step under way",
    };
    const struct entry *e = history_entry(context_history(&intake->context), number);
    struct err why;
    if (history_check_order(context_history(&intake->context), number, order, &why) < 0 ||
        (order == TRIREME__ORDER__takeback &&
         campaign_check_takeback(intake->campaign, number, &why) < 0)) {
        answer_with(answer, false, number, mem_strdup(why.text));
        return 0;
    }
    const bool open =
        order != TRIREME__ORDER__takeback && (attempt_open(e) || order == TRIREME__ORDER__kill);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_order = 1, record.order = order;
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__order, number, step,
                      by, err) < 0)
        return -1;
    const Trireme__Cause cause =
        order == TRIREME__ORDER__kill ? TRIREME__CAUSE__killed : TRIREME__CAUSE__vetoed;
    if (open && campaign_close(intake->campaign, number, step, cause, done[order], err) < 0)
        return -1;
    answer_with(answer, true, number, mem_format("proposal %u: %s", number, done[order]));
    return 0;
}

/* Closes a hypothesis that the machine gave up when this was recorded. */
static int repeat_giving_up(struct intake *intake, const Trireme__Record *record, uint64_t step,
                            Trireme__Answer *answer, struct err *err)
{
    const struct entry *e = history_entry(context_history(&intake->context), record->number);
    if (e && attempt_open(e))
        return campaign_give_up(intake->campaign, record->number, step, record->judgement->cause,
                                record->judgement->reason, err);
    answer_with(answer, false, record->number,
                mem_format("hypothesis %u is not open", record->number));
    return 0;
}

static int repeat(struct intake *intake, const Trireme__Record *record, uint64_t step,
                  Trireme__Answer *answer, struct err *err)
{
    if (record->kind == TRIREME__RECORD_KIND__proposal)
        return proposal_submit(intake, record->proposal, record->by, step, answer, err);
    if (record->kind == TRIREME__RECORD_KIND__order)
        return proposal_order(intake, record->order, record->number, record->by, step, answer, err);
    return repeat_giving_up(intake, record, step, answer, err);
}

int proposal_repeat_recorded(struct intake *intake, uint64_t step, struct err *err)
{
    const Trireme__Record *record;
    int rc = 0;
    while (rc == 0 && (record = journal_input(intake->context.journal, step))) {
        Trireme__Answer *answer = message_new(&trireme__answer__descriptor);
        rc = repeat(intake, record, step, answer, err);
        const bool refused = rc == 0 && journal_input(intake->context.journal, step) == record;
        if (refused) // no record was written
            rc = journal_diverge(intake->context.journal, step, answer->text, err);
        message_free(answer);
        if (refused)
            break;
    }
    return rc;
}
