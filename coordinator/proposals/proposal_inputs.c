/* Proposals and orders as they come: recorded, carried out; those that are recorded repeated. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/ledger/waits.h"
#include "coordinator/patch/patch.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/note.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/proposals/recall.h"
#include "coordinator/proposals/validate.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>

enum { IN_VAIN_MAX = 64 /* refused proposals of planners in a row that the ledger tells of */ };

/* Whether a proposal is legal now: an entry's, or (NULL) one that is not in the ledger. */
static bool is_legal(const struct intake *intake, const Trireme__Proposal *proposal,
                     const struct entry *e, const char *by, uint64_t step, struct err *why)
{
    const struct history *h = context_history(&intake->context);
    Trireme__Cause cause;
    if (waits_check(h, proposal, e ? e->number : 0, by, why) < 0)
        return false;
    return (waits_of(h, proposal, step) == WAITS_ON
                ? deferred_check(intake, proposal, why)
                : proposal_validate(intake, proposal, e, by, step, &cause, why)) == 0;
}

/* Whether it is one more of a planner that proposes in vain. */
static bool is_in_vain(const struct intake *intake, const Trireme__Proposal *proposal,
                       const char *by, uint64_t step, struct err *why)
{
    const struct history *h = context_history(&intake->context);
    size_t n = 0;
    while (n < IN_VAIN_MAX && n < h->n && h->entries[h->n - 1 - n].fate == FATE_REFUSED &&
           !actor_is_person(h->entries[h->n - 1 - n].by))
        n++;
    return n == IN_VAIN_MAX && !actor_is_person(by) &&
           !is_legal(intake, proposal, NULL, by, step, why);
}

/* Writes whether a proposal is legal; if it replaces another and needs no approval, closes that. */
static int judge(struct intake *intake, const struct entry *e, uint64_t step,
                 Trireme__Answer *answer, struct err *err)
{
    const bool deferred =
        waits_of(context_history(&intake->context), e->proposal, step) == WAITS_ON;
    struct err why = {0};
    Trireme__Validation validation = TRIREME__VALIDATION__INIT;
    Trireme__Record record = TRIREME__RECORD__INIT;
    validation.has_accepted = 1;
    validation.accepted = is_legal(intake, e->proposal, e, e->by, step, &why);
    validation.reason = validation.accepted ? NULL : why.text;
    validation.has_next = validation.accepted;
    validation.next = validate_next(intake->context.run->config, actor_is_person(e->by), deferred);
    record.validation = &validation;
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__validation, e->number,
                      step, "rule", err) < 0)
        return -1;
    proposal_answer(e, answer);
    return e->fate == FATE_QUEUED || e->fate == FATE_DEFERRED
               ? deferred_replace(intake, e, step, answer, err)
               : 0;
}

static int submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                  uint64_t step, Trireme__Answer *answer, struct err *err)
{
    uint32_t number = (uint32_t)context_history(&intake->context)->n + 1;
    Trireme__Record record = TRIREME__RECORD__INIT;
    struct err why = {0};
    // Texts of any size, and proposals without end, are not recorded.
    if (patch_check_proposal(proposal, &why) < 0 || is_in_vain(intake, proposal, by, step, &why)) {
        proposal_answer_with(answer, false, 0, mem_strdup(why.text));
        return proposal_log_refusal(intake, step, by, why.text, err);
    }
    record.proposal = (Trireme__Proposal *)proposal;
    intake->owed =
        intake->owed && intake->planner && !actor_is_named(by, intake->planner->ops->name);
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__proposal, number,
                      step, by, err) < 0)
        return -1;
    const struct entry *e = history_entry(context_history(&intake->context), number);
    if (judge(intake, e, step, answer, err) < 0)
        return -1;
    char *text = changes_text(proposal->patch, proposal->n_patch);
    progress_log(intake->context.progress, "proposal %u of %s: %s: %s", number, by, text,
                 e->fate == FATE_REFUSED ? e->reason : "legal");
    if (e->fate == FATE_WAITING)
        progress_say(intake->context.progress,
                     "proposal %u: %s - it waits: trireme proposals approve %s %u", number, text,
                     intake->context.run->folder, number);
    free(text);
    recall_tell_settled(intake, e, answer);
    return deferred_release(intake, step, err);
}

int proposal_submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, Trireme__Answer *answer, struct err *err)
{
    Trireme__Proposal *numbered = patch_number_sources(proposal, context_config(&intake->context));
    int rc = submit(intake, numbered, by, step, answer, err);
    message_free(numbered);
    return rc;
}

/* What is said of one that was killed. back: tokens of the stretch under way that come back. */
static char *tell_killed(const struct entry *e, bool in_stretch, uint64_t back)
{
    if (in_stretch)
        return mem_format("proposal %u: killed; %llu tokens of the stretch under way come back",
                          e->number, (unsigned long long)back);
    if (!e->forward.plan)
        return mem_format("proposal %u: killed before its first pair: it cost nothing", e->number);
    return mem_format("proposal %u: killed; it was not in a stretch, so nothing comes back",
                      e->number);
}

/* Carries out what follows from an order that is written. */
static int follow(struct intake *intake, Trireme__Order order, const struct entry *e, bool open,
                  uint64_t step, Trireme__Answer *answer, struct err *err)
{
    if (order == TRIREME__ORDER__approve)
        return deferred_replace(intake, e, step, answer, err);
    const Trireme__Cause cause =
        order == TRIREME__ORDER__kill ? TRIREME__CAUSE__killed : TRIREME__CAUSE__vetoed;
    return open ? campaign_close(intake->campaign, e->number, step, cause,
                                 order == TRIREME__ORDER__kill ? "killed" : "vetoed", err)
                : 0;
}

int proposal_order(struct intake *intake, Trireme__Order order, uint32_t number, const char *by,
                   uint64_t step, Trireme__Answer *answer, struct err *err)
{
    static const char *const done[] = {
        [TRIREME__ORDER__approve] = "approved",
        [TRIREME__ORDER__veto] = "vetoed",
        [TRIREME__ORDER__takeback] = "taken back after the step under way",
    };
    const struct entry *e = history_entry(context_history(&intake->context), number);
    struct err why;
    if (history_check_order(context_history(&intake->context), number, order, &why) < 0 ||
        (order == TRIREME__ORDER__takeback &&
         campaign_check_takeback(intake->campaign, number, &why) < 0)) {
        proposal_answer_with(answer, false, number, mem_strdup(why.text));
        return 0;
    }
    const bool open =
        order != TRIREME__ORDER__takeback && (attempt_open(e) || order == TRIREME__ORDER__kill);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_order = 1, record.order = order;
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__order, number, step,
                      by, err) < 0)
        return -1;
    const bool kills = order == TRIREME__ORDER__kill, in_stretch = e->in_stretch;
    const uint64_t back = kills ? campaign_returns(intake->campaign, e, step) : 0;
    proposal_answer_with(answer, true, number,
                         kills ? tell_killed(e, in_stretch, back)
                               : mem_format("proposal %u: %s", number, done[order]));
    answer->has_tokens = kills, answer->tokens = back;
    return follow(intake, order, e, open, step, answer, err) < 0
               ? -1
               : deferred_release(intake, step, err);
}

/* Closes a hypothesis that the machine gave up when this was recorded. */
static int repeat_giving_up(struct intake *intake, const Trireme__Record *record, uint64_t step,
                            Trireme__Answer *answer, struct err *err)
{
    const struct entry *e = history_entry(context_history(&intake->context), record->number);
    if (e && attempt_open(e))
        return campaign_give_up(intake->campaign, record->number, step, record->judgement->cause,
                                record->judgement->reason, err);
    proposal_answer_with(answer, false, record->number,
                         mem_format("hypothesis %u is not open", record->number));
    return 0;
}

static int repeat(struct intake *intake, const Trireme__Record *record, uint64_t step,
                  Trireme__Answer *answer, struct err *err)
{
    if (record->kind == TRIREME__RECORD_KIND__proposal)
        return proposal_submit(intake, record->proposal, record->by, step, answer, err);
    if (record->kind == TRIREME__RECORD_KIND__order && record->order == TRIREME__ORDER__queue)
        return queue_order(intake, record->numbers, record->n_numbers, record->by, step, answer,
                           err);
    if (record->kind == TRIREME__RECORD_KIND__order)
        return proposal_order(intake, record->order, record->number, record->by, step, answer, err);
    if (record->kind == TRIREME__RECORD_KIND__note)
        return note_repeat(intake, record->note ? record->note : "", record->by, step, err);
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
