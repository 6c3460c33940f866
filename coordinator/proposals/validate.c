#include "coordinator/proposals/validate.h"

#include "coordinator/ledger/history.h"
#include "coordinator/patch/patch.h"
#include "coordinator/patch/recipe.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

/* Whether an entry's change was tried beside the recipe in force, or will be; or was in force
 * itself and was taken back. */
static bool counts(const struct prospect *p, const struct entry *e)
{
    bool observed = e->fate == FATE_OBSERVED &&
                    p->asked->experiment->mode == TRIREME__EXPERIMENT__MODE__observe;
    return (entry_tells(e) || observed) &&
           (entry_is_pending(e) || e->fate == FATE_TAKEN_BACK || e->fate == FATE_ROLLED_BACK ||
            e->step >= p->history->changed_at);
}

/* Returns another entry whose change makes the same recipe of the one in force, and that neither
 * waits for another nor is replaced; NULL: there is none. after: the recipe that this change makes.
 */
static const struct entry *duplicate(const struct prospect *p, const struct entry *entry,
                                     uint32_t replaces, const Trireme__Config *after)
{
    for (size_t i = 0; i < p->history->n; i++) {
        const struct entry *e = &p->history->entries[i];
        struct err unread;
        if (e == entry || !counts(p, e) || e->number == replaces ||
            (entry_is_in_queue(e) && e->fate != FATE_QUEUED && entry_waits_for(e)))
            continue;
        Trireme__Config *other =
            changes_apply(p->in_force, e->proposal->patch, e->proposal->n_patch, &unread);
        bool same = other && recipe_same(other, after, &unread) > 0;
        message_free(other);
        if (same)
            return e;
    }
    return NULL;
}

Trireme__Config *validate_recipe(const struct validate *v, const Trireme__Proposal *proposal,
                                 struct err *err)
{
    if (v->off) {
        err_set(err, ERR_USAGE, "%s", v->off);
        return NULL;
    }
    Trireme__Config *after =
        patch_apply(v->prospect->in_force, proposal->patch, proposal->n_patch, v->policy, err);
    return !after && v->allow_noop ? message_copy(v->prospect->in_force) : after;
}

int validate_proposal(struct validated *found, const struct validate *v,
                      const Trireme__Proposal *proposal, const struct entry *entry, uint64_t step,
                      bool person, struct err *err)
{
    *found = (struct validated){.after = validate_recipe(v, proposal, err),
                                .cause = TRIREME__CAUSE__unfit};
    if (!found->after)
        return -1;
    found->duplicate =
        v->allow_noop ? NULL : duplicate(v->prospect, entry, proposal->replaces, found->after);
    if (found->duplicate)
        return err_set(err, ERR_USAGE, "duplicate: proposal %u says the same, and is %s",
                       found->duplicate->number, entry_word(found->duplicate));
    const struct prospect then = prospect_instead(
        v->prospect, history_entry(v->prospect->history, proposal->replaces), step);
    return prospect_check(&then, step, found->after, person, &found->cause, err);
}

Trireme__Validation__Next validate_next(const Trireme__Config *asked, bool person, bool deferred)
{
    const Trireme__Validation__Next next =
        deferred ? TRIREME__VALIDATION__NEXT__deferred : TRIREME__VALIDATION__NEXT__queued;
    switch (asked->experiment->mode) {
    case TRIREME__EXPERIMENT__MODE__approve:
        return person ? next : TRIREME__VALIDATION__NEXT__waiting;
    case TRIREME__EXPERIMENT__MODE__observe:
        return TRIREME__VALIDATION__NEXT__observed;
    default:
        return next;
    }
}

const char *validate_says(Trireme__Validation__Next next)
{
    switch (next) {
    case TRIREME__VALIDATION__NEXT__waiting:
        return "legal; it waits for approval";
    case TRIREME__VALIDATION__NEXT__deferred:
        return "legal; it waits";
    case TRIREME__VALIDATION__NEXT__observed:
        return "legal; this run only observes, so it will not be tried";
    default:
        return "legal; it is tried as soon as there is room";
    }
}
