/* Whether an order about proposals fits what has become of them. */
#include "coordinator/ledger/history.h"
#include "proto/schema/message.h"

/* Whether no later change, nor one by hand, has replaced any of its values. */
static bool is_in_force(const struct history *h, const struct entry *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->promotion->n_patch; i++)
        for (size_t k = 0; k < h->n_promoted; k++)
            n += message_equal(e->promotion->patch[i], h->promoted[k]);
    return n == e->promotion->n_patch;
}

int history_check_order(const struct history *h, uint32_t number, Trireme__Order order,
                        struct err *err)
{
    static const char *const expected[] = {
        [TRIREME__ORDER__approve] = "one that waits for approval",
        [TRIREME__ORDER__veto] = "one that waits, is deferred, queued or open",
        [TRIREME__ORDER__kill] = "one that waits, is deferred, queued, open, or watched",
        [TRIREME__ORDER__takeback] = "one that was adopted and whose values are in force",
        [TRIREME__ORDER__queue] = "one that waits, is deferred or queued",
    };
    const struct entry *e = history_entry(h, number);
    if (!e)
        return err_set(err, ERR_USAGE, "found no proposal %u, there are %zu", number, h->n);
    const bool fits[] = {
        [TRIREME__ORDER__approve] = e->fate == FATE_WAITING,
        [TRIREME__ORDER__veto] = entry_is_in_queue(e) || e->fate == FATE_OPEN,
        [TRIREME__ORDER__kill] = entry_is_pending(e),
        [TRIREME__ORDER__takeback] = entry_is_adopted(e) && !e->asked_back && is_in_force(h, e),
        [TRIREME__ORDER__queue] = entry_is_in_queue(e),
    };
    if (fits[order])
        return 0;
    return err_set(err, ERR_USAGE, "proposal %u is %s, expected %s", number, entry_word(e),
                   expected[order]);
}

int history_check_queue(const struct history *h, const uint32_t *numbers, size_t n, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_USAGE, "found no number, expected those of proposals in the queue");
    for (size_t i = 0; i < n; i++) {
        if (history_check_order(h, numbers[i], TRIREME__ORDER__queue, err) < 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (numbers[k] == numbers[i])
                return err_set(err, ERR_USAGE, "found proposal %u twice, expected each once",
                               numbers[i]);
    }
    return 0;
}
