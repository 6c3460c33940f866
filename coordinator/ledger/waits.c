#include "coordinator/ledger/waits.h"

#include "coordinator/ledger/history.h"

#include <stddef.h>

/* Whether it was given up by the machine, at this step or later. */
static bool is_given_up_now(const struct entry *e, uint64_t step)
{
    return e->fate == FATE_CLOSED && e->judgement && e->judgement->machine && e->over_at >= step;
}

enum waits waits_of(const struct history *h, const Trireme__Proposal *proposal, uint64_t step)
{
    const bool adoption = proposal->on_adoption_of > 0;
    const uint32_t number = adoption ? proposal->on_adoption_of : proposal->after;
    const struct entry *e = number ? history_entry(h, number) : NULL;
    if (!number)
        return WAITS_NO;
    if (e && (!entry_is_over(e) || is_given_up_now(e, step)))
        return WAITS_ON;
    return !adoption || (e && entry_is_adopted(e)) ? WAITS_NO : WAITS_IN_VAIN;
}

/* Returns the entry of a number that a proposal names as `name`; NULL with a sentence. */
static const struct entry *find(const struct history *h, const char *name, uint32_t number,
                                uint32_t own, struct err *err)
{
    const struct entry *e = history_entry(h, number);
    if (number == own)
        err_set(err, ERR_USAGE, "%s: found %u, the proposal itself, expected another", name,
                number);
    else if (!e)
        err_set(err, ERR_USAGE, "%s: found no proposal %u, there are %zu", name, number,
                own ? h->n - 1 : h->n);
    return number == own ? NULL : e;
}

static int check_wait(const struct history *h, const Trireme__Proposal *p, uint32_t own,
                      struct err *err)
{
    if (p->after && p->on_adoption_of)
        return err_set(err, ERR_USAGE,
                       "found after %u and on_adoption_of %u, expected one of them at most",
                       p->after, p->on_adoption_of);
    if (p->after && !find(h, "after", p->after, own, err))
        return -1;
    const struct entry *e =
        p->on_adoption_of ? find(h, "on_adoption_of", p->on_adoption_of, own, err) : NULL;
    if (p->on_adoption_of && !e)
        return -1;
    if (e && entry_is_over(e) && !entry_is_adopted(e))
        return err_set(err, ERR_USAGE,
                       "on_adoption_of: proposal %u is %s, expected one that may be adopted yet, "
                       "or was",
                       e->number, entry_word(e));
    return 0;
}

static int check_replaced(const struct history *h, const Trireme__Proposal *p, uint32_t own,
                          const char *by, struct err *err)
{
    const struct entry *e = find(h, "replaces", p->replaces, own, err);
    if (!e)
        return -1;
    if (p->replaces == p->after || p->replaces == p->on_adoption_of)
        return err_set(err, ERR_USAGE, "replaces: found %u, for which it waits, expected another",
                       p->replaces);
    if (!entry_is_in_queue(e) && e->fate != FATE_OPEN)
        return err_set(err, ERR_USAGE,
                       "replaces: proposal %u is %s, expected one that waits, is deferred, queued "
                       "or open",
                       e->number, entry_word(e));
    if (!entry_may_end(e, by))
        return err_set(err, ERR_USAGE,
                       "replaces: proposal %u is another's, which only a person may replace; "
                       "expected one of your own",
                       e->number);
    return 0;
}

int waits_check(const struct history *h, const Trireme__Proposal *p, uint32_t own, const char *by,
                struct err *err)
{
    return check_wait(h, p, own, err) < 0 || (p->replaces && check_replaced(h, p, own, by, err) < 0)
               ? -1
               : 0;
}
