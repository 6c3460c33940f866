/* Proposals: whether they are legal, and what is answered. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/patch.h"
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

/* Returns another entry whose change makes the same recipe of the one in force, and that neither
 * waits for another nor is replaced; NULL: there is none. after: the recipe that this change makes.
 */
static const struct entry *duplicate(const struct intake *intake, const struct entry *entry,
                                     const Trireme__Config *after)
{
    for (size_t i = 0; i < context_history(&intake->context)->n; i++) {
        const struct entry *e = &context_history(&intake->context)->entries[i];
        struct err unread;
        if (e == entry || !counts(intake, e) || e->number == entry->proposal->replaces ||
            (entry_is_in_queue(e) && e->fate != FATE_QUEUED && entry_waits_for(e)))
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

int proposal_validate(const struct intake *intake, const struct entry *entry, uint64_t step,
                      Trireme__Cause *cause, struct err *err)
{
    Trireme__Config *after = recipe_after(intake, entry->proposal, err);
    *cause = TRIREME__CAUSE__unfit;
    if (!after)
        return -1;
    const struct entry *other = intake->allow_noop ? NULL : duplicate(intake, entry, after);
    int rc =
        other
            ? err_set(err, ERR_USAGE, "duplicate: proposal %u says the same, and is %s",
                      other->number, entry_word(other))
            : campaign_check_instead(
                  intake->campaign, cause, step, after, actor_is_proven_person(entry->by),
                  history_entry(context_history(&intake->context), entry->proposal->replaces), err);
    message_free(after);
    return rc;
}

void proposal_answer_with(Trireme__Answer *answer, bool accepted, uint32_t number, char *text)
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
    case FATE_DEFERRED:
        return "legal; it waits";
    case FATE_OBSERVED:
        return "legal; this run only observes, so it will not be tried";
    default:
        return "legal; it is tried as soon as there is room";
    }
}

void proposal_answer(const struct entry *e, Trireme__Answer *answer)
{
    const bool waits = (e->fate == FATE_WAITING || e->fate == FATE_DEFERRED) && e->reason;
    if (e->fate == FATE_REFUSED)
        proposal_answer_with(answer, false, e->number,
                             mem_strdup(e->reason ? e->reason : "refused"));
    else
        proposal_answer_with(answer, true, e->number,
                             mem_format("proposal %u: %s%s%s%s", e->number, what_follows(e->fate),
                                        waits && e->fate == FATE_WAITING ? ", then" : "",
                                        waits ? " " : "", waits ? e->reason : ""));
}
