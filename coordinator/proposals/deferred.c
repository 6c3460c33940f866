/* Proposals that wait for others, and those that replace others. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/ledger/waits.h"
#include "coordinator/patch/patch.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/run/progress.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>

/* The recipe once a proposal is adopted, which itself may wait for an adoption; as far as one can
 * know: a change that cannot be made is passed over. */
static Trireme__Config *recipe_with(const struct intake *intake, uint32_t number)
{
    const struct entry *e =
        number ? history_entry(context_history(&intake->context), number) : NULL;
    if (!e || entry_is_over(e)) // it is part of the recipe, or will not be
        return message_copy(context_config(&intake->context));
    struct err unread;
    Trireme__Config *before = recipe_with(intake, e->proposal->on_adoption_of);
    Trireme__Config *with =
        changes_apply(before, e->proposal->patch, e->proposal->n_patch, &unread);
    if (!with)
        return before;
    message_free(before);
    return with;
}

int deferred_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err)
{
    struct err unread;
    if (proposal->after && proposal_check(intake, proposal, &unread) == 0)
        return 0;
    if (campaign_off(intake->campaign))
        return err_set(err, ERR_USAGE, "%s", campaign_off(intake->campaign));
    Trireme__Config *then =
        recipe_with(intake, proposal->after ? proposal->after : proposal->on_adoption_of);
    Trireme__Config *after =
        patch_apply(then, proposal->patch, proposal->n_patch, intake->policy, err);
    const bool legal = after || intake->allow_noop;
    message_free(after);
    message_free(then);
    return legal ? 0 : -1;
}

/* Closes one that waited in vain. */
static int close_in_vain(struct intake *intake, const struct entry *e, uint64_t step,
                         struct err *err)
{
    const struct entry *other =
        history_entry(context_history(&intake->context), e->proposal->on_adoption_of);
    char *reason = mem_format("proposal %u is %s", e->proposal->on_adoption_of,
                              other ? entry_word(other) : "not there");
    int rc =
        campaign_close(intake->campaign, e->number, step, TRIREME__CAUSE__not_needed, reason, err);
    free(reason);
    return rc;
}

/* Queues one that waits no more, or closes it. */
static int release(struct intake *intake, const struct entry *e, uint64_t step, struct err *err)
{
    struct err why = {0};
    Trireme__Cause cause;
    if (proposal_validate(intake, e->proposal, e, e->by, step, &cause, &why) < 0)
        return campaign_close(intake->campaign, e->number, step, cause, why.text, err);
    Trireme__Validation validation = TRIREME__VALIDATION__INIT;
    Trireme__Record record = TRIREME__RECORD__INIT;
    validation.has_accepted = 1, validation.accepted = true;
    validation.has_next = 1, validation.next = TRIREME__VALIDATION__NEXT__queued;
    record.validation = &validation;
    progress_log(intake->context.progress, "proposal %u: it waits no more, and is queued",
                 e->number);
    return journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__validation,
                         e->number, step, "rule", err);
}

int deferred_release(struct intake *intake, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&intake->context);
    for (size_t i = 0; i < h->n; i++) { // each waits for one that is before it
        const struct entry *e = &h->entries[i];
        if ((e->fate != FATE_WAITING && e->fate != FATE_DEFERRED) || !entry_waits_for(e))
            continue;
        const enum waits waits = waits_of(h, e->proposal, step);
        const bool free_now = waits == WAITS_NO && e->fate == FATE_DEFERRED;
        if ((waits == WAITS_IN_VAIN && close_in_vain(intake, e, step, err) < 0) ||
            (free_now && release(intake, e, step, err) < 0))
            return -1;
    }
    return 0;
}

int deferred_replace(struct intake *intake, const struct entry *e, uint64_t step,
                     Trireme__Answer *answer, struct err *err)
{
    const struct entry *other =
        e->proposal->replaces
            ? history_entry(context_history(&intake->context), e->proposal->replaces)
            : NULL;
    if (!other || (!entry_is_in_queue(other) && other->fate != FATE_OPEN))
        return 0;
    const uint64_t back = campaign_returns(intake->campaign, other, step);
    char *text = mem_format("%s; it replaces %u, of which %llu tokens of the stretch under way "
                            "come back",
                            answer->text, other->number, (unsigned long long)back),
         *reason = mem_format("proposal %u came in its place", e->number);
    proposal_answer_with(answer, true, e->number, text);
    answer->has_tokens = true, answer->tokens = back;
    int rc = campaign_close(intake->campaign, other->number, step, TRIREME__CAUSE__replaced, reason,
                            err);
    free(reason);
    return rc;
}
