/* What is proposed and ordered, by whomever: checked, told of in the ledger, carried out. */
#include "coordinator/campaign/campaign.h"
#include "coordinator/gate/plan.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/patch.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

int proposal_log_event(struct intake *h, uint64_t step, const char *by, const char *text,
                       struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = (char *)text;
    progress_log(h->context.progress, "%s: %s", by, text);
    return journal_write(h->context.journal, &record, TRIREME__RECORD_KIND__event, 0, step, by,
                         err);
}

/* A proposal that says the same and is or was tried beside the recipe that is in force; or was in
 * force itself, and was taken back. */
static const struct entry *duplicate(const struct intake *h, const Trireme__Proposal *proposal)
{
    for (size_t i = 0; i < context_history(&h->context)->n; i++) {
        const struct entry *e = &context_history(&h->context)->entries[i];
        bool counts =
            e->fate == FATE_ROLLED_BACK || e->step >= context_history(&h->context)->changed_at;
        if (e->proposal != proposal && e->fate != FATE_REFUSED && e->fate != FATE_PROPOSED &&
            counts &&
            changes_equal(e->proposal->patch, e->proposal->n_patch, proposal->patch,
                          proposal->n_patch))
            return e;
    }
    return NULL;
}

int proposal_check(const struct intake *h, const Trireme__Proposal *proposal, uint64_t step,
                   Trireme__Plan *plan, struct err *err)
{
    if (campaign_off(h->campaign))
        return err_set(err, ERR_USAGE, "%s", campaign_off(h->campaign));
    Trireme__Config *after = patch_apply(context_config(&h->context), proposal->patch,
                                         proposal->n_patch, h->policy, err);
    if (!after && h->allow_noop)
        after = message_copy(context_config(&h->context));
    if (!after)
        return -1;
    int rc = plan_make(&h->context, plan, step, patch_is_slow(proposal->patch, proposal->n_patch),
                       after, err);
    message_free(after);
    return rc;
}

static int validate(const struct intake *h, const struct entry *entry, uint64_t step,
                    struct err *err)
{
    Trireme__Plan plan;
    const struct entry *other = duplicate(h, entry->proposal);
    if (other && !h->allow_noop)
        return err_set(err, ERR_USAGE, "duplicate: proposal %u says the same, and is %s",
                       other->number, fate_name(other->fate));
    return proposal_check(h, entry->proposal, step, &plan, err);
}

static Trireme__Validation__Next next_of(const struct intake *h, const char *by)
{
    switch (h->context.run->config->experiment->mode) {
    case TRIREME__EXPERIMENT__MODE__approve:
        return strcmp(by, "person") ? TRIREME__VALIDATION__NEXT__waiting
                                    : TRIREME__VALIDATION__NEXT__queued;
    case TRIREME__EXPERIMENT__MODE__observe:
        return TRIREME__VALIDATION__NEXT__observed;
    default:
        return TRIREME__VALIDATION__NEXT__queued;
    }
}

int proposal_submit(struct intake *h, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, bool *accepted, struct err *why, struct err *err)
{
    uint32_t number = (uint32_t)context_history(&h->context)->n + 1;
    Trireme__Record record = TRIREME__RECORD__INIT;
    *why = (struct err){0};
    *accepted = false;
    // its texts may be of any size: they are not written down
    if (patch_check_proposal(proposal, why) < 0)
        return proposal_log_event(h, step, by, why->text, err);
    record.proposal = (Trireme__Proposal *)proposal;
    h->owed = h->owed && h->planner && strcmp(by, h->planner->ops->name);
    if (journal_write(h->context.journal, &record, TRIREME__RECORD_KIND__proposal, number, step, by,
                      err) < 0)
        return -1;
    *accepted = validate(h, history_entry(context_history(&h->context), number), step, why) == 0;
    Trireme__Validation validation = TRIREME__VALIDATION__INIT;
    validation.has_accepted = 1, validation.accepted = *accepted;
    validation.reason = *accepted ? NULL : why->text;
    validation.has_next = *accepted, validation.next = next_of(h, by);
    record = (Trireme__Record)TRIREME__RECORD__INIT;
    record.validation = &validation;
    if (journal_write(h->context.journal, &record, TRIREME__RECORD_KIND__validation, number, step,
                      "rule", err) < 0)
        return -1;
    char *text = changes_text(proposal->patch, proposal->n_patch);
    progress_log(h->context.progress, "proposal %u of %s: %s: %s", number, by, text,
                 *accepted ? "legal" : why->text);
    if (history_entry(context_history(&h->context), number)->fate == FATE_WAITING)
        progress_say(h->context.progress,
                     "proposal %u: %s - it waits: trireme proposals approve %s %u", number, text,
                     h->context.run->folder, number);
    free(text);
    return 0;
}

int proposal_order(struct intake *h, const char *order, uint32_t number, const char *by,
                   uint64_t step, bool *accepted, struct err *why, struct err *err)
{
    const struct entry *e = history_entry(context_history(&h->context), number);
    *accepted = history_check_order(context_history(&h->context), number, order, why) == 0;
    if (!*accepted)
        return 0;
    bool open = e->fate == FATE_OPEN || e->fate == FATE_PROMOTED || !strcmp(order, "kill");
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.order = (char *)order;
    if (journal_write(h->context.journal, &record, TRIREME__RECORD_KIND__order, number, step, by,
                      err) < 0)
        return -1;
    if (open && campaign_close(h->campaign, number, step,
                               !strcmp(order, "veto") ? "vetoed" : "killed", err) < 0)
        return -1;
    err_set(why, ERR_USAGE, "proposal %u: %s", number,
            !strcmp(order, "approve") ? "approved"
            : !strcmp(order, "veto")  ? "vetoed"
                                      : "killed");
    return 0;
}

/* Closes a hypothesis that the machine could not go on with when this was done first; why: where it
 * is not open. */
static int take_giving_up(struct intake *h, const Trireme__Record *record, uint64_t step,
                          struct err *why, struct err *err)
{
    const struct entry *e = history_entry(context_history(&h->context), record->number);
    err_set(why, ERR_USAGE, "hypothesis %u is not open", record->number);
    return e && attempt_open(e)
               ? campaign_give_up(h->campaign, record->number, step, record->judgement->reason, err)
               : 0;
}

int proposal_repeat_recorded(struct intake *h, uint64_t step, struct err *err)
{
    const Trireme__Record *record;
    bool accepted;
    struct err why;
    while ((record = journal_input(h->context.journal, step))) {
        int rc;
        if (record->kind == TRIREME__RECORD_KIND__proposal)
            rc = proposal_submit(h, record->proposal, record->by, step, &accepted, &why, err);
        else if (record->kind == TRIREME__RECORD_KIND__order)
            rc = proposal_order(h, record->order, record->number, record->by, step, &accepted, &why,
                                err);
        else
            rc = take_giving_up(h, record, step, &why, err);
        if (rc < 0)
            return -1;
        // it was refused, and nothing told of it
        if (journal_input(h->context.journal, step) == record)
            return journal_diverge(h->context.journal, step, why.text, err);
    }
    return 0;
}
