/* The order in which the queue is tried. */
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/run/progress.h"

/* "the queue: 5, 3, 4"; fresh. */
static char *tell_queue(const struct history *h)
{
    struct text text = {0};
    const char *between = "the queue: ";
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[h->turns[i]];
        if (!entry_is_in_queue(e))
            continue;
        text_printf(&text, "%s%u", between, e->number);
        between = ", ";
    }
    return text_take(&text);
}

int queue_order(struct intake *intake, const uint32_t *numbers, size_t n, const char *by,
                uint64_t step, Trireme__Answer *answer, struct err *err)
{
    const struct history *h = context_history(&intake->context);
    struct err why;
    if (history_check_queue(h, numbers, n, &why) < 0) {
        proposal_answer_with(answer, false, 0, mem_strdup(why.text));
        return 0;
    }
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_order = 1, record.order = TRIREME__ORDER__queue;
    record.numbers = (uint32_t *)numbers, record.n_numbers = n;
    if (journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__order, 0, step, by,
                      err) < 0)
        return -1;
    proposal_answer_with(answer, true, 0, tell_queue(h));
    progress_log(intake->context.progress, "%s: %s", by, answer->text);
    return 0;
}
