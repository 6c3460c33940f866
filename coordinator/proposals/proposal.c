/* Proposals: whether they are legal, and what is answered. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/validate.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSALS_MAX = 32 /* of one launch that the ledger tells of */ };

int proposal_log_event(struct intake *intake, uint64_t step, const char *by, const char *text,
                       struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = (char *)text;
    progress_log(intake->context.progress, "%s: %s", by, text);
    return journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__event, 0, step, by,
                         err);
}

int proposal_log_refusal(struct intake *intake, uint64_t step, const char *by, const char *text,
                         struct err *err)
{
    if (intake->n_refused < REFUSALS_MAX) {
        intake->n_refused++;
        return proposal_log_event(intake, step, by, text, err);
    }
    progress_log(intake->context.progress, "%s: %s", by, text);
    return 0;
}

/* What a proposal is checked against. *prospect: filled in; borrowed by the result. */
static struct validate validate_of(struct prospect *prospect, const struct intake *intake)
{
    *prospect = campaign_prospect(intake->campaign);
    return (struct validate){.prospect = prospect,
                             .policy = intake->policy,
                             .off = campaign_off(intake->campaign),
                             .allow_noop = intake->allow_noop};
}

int proposal_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err)
{
    struct prospect prospect;
    const struct validate v = validate_of(&prospect, intake);
    Trireme__Config *after = validate_recipe(&v, proposal, err);
    message_free(after);
    return after ? 0 : -1;
}

int proposal_validate(const struct intake *intake, const Trireme__Proposal *proposal,
                      const struct entry *entry, const char *by, uint64_t step,
                      Trireme__Cause *cause, struct err *err)
{
    struct prospect prospect;
    struct validated found;
    const struct validate v = validate_of(&prospect, intake);
    int rc = validate_proposal(&found, &v, proposal, entry, step, actor_is_proven_person(by), err);
    *cause = found.cause;
    message_free(found.after);
    return rc;
}

void proposal_answer_with(Trireme__Answer *answer, bool accepted, uint32_t number, char *text)
{
    answer->has_accepted = 1, answer->accepted = accepted;
    answer->has_number = number > 0, answer->number = number;
    free(answer->text);
    answer->text = text;
}

static Trireme__Validation__Next next_of(enum fate fate)
{
    return fate == FATE_WAITING    ? TRIREME__VALIDATION__NEXT__waiting
           : fate == FATE_DEFERRED ? TRIREME__VALIDATION__NEXT__deferred
           : fate == FATE_OBSERVED ? TRIREME__VALIDATION__NEXT__observed
                                   : TRIREME__VALIDATION__NEXT__queued;
}

void proposal_answer(const struct entry *e, Trireme__Answer *answer)
{
    const bool waits = (e->fate == FATE_WAITING || e->fate == FATE_DEFERRED) && e->reason;
    if (e->fate == FATE_REFUSED)
        proposal_answer_with(answer, false, e->number,
                             mem_strdup(e->reason ? e->reason : "refused"));
    else
        proposal_answer_with(answer, true, e->number,
                             mem_format("proposal %u: %s%s%s%s", e->number,
                                        validate_says(next_of(e->fate)),
                                        waits && e->fate == FATE_WAITING ? ", then" : "",
                                        waits ? " " : "", waits ? e->reason : ""));
}
