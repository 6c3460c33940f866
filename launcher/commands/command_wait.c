/* trireme wait: looks at the run's files now and then, until they tell what is waited for. */
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/inbox/turn.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/run/run.h"
#include "launcher/commands/command.h"
#include "launcher/commands/trunk_lines.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <stdlib.h>
#include <string.h>

static const double POLL_SECONDS = 0.5, TURN_POLL_SECONDS = 0.1; /* which the training rests for */

/* What the files tell at one moment. */
struct moment {
    uint64_t step, changed_at;
    const char **words; /* what became of each proposal; constant texts */
    size_t n;
    bool has_turn; /* one is open, at: */
    uint64_t turn;
};

static int look(struct moment *moment, const char *run, struct err *err)
{
    struct ledger *ledger = ledger_open(run, false, err);
    if (!ledger)
        return -1;
    struct history history = {0};
    history_read(&history, ledger, ledger_records(ledger));
    moment->words = mem_resize(moment->words, history.n + 1, sizeof *moment->words);
    for (size_t i = 0; i < history.n; i++)
        moment->words[i] = entry_word(&history.entries[i]);
    moment->n = history.n;
    moment->changed_at = history.changed_at;
    history_clear(&history);
    ledger_free(ledger);
    return trunk_lines_step(&moment->step, run, err);
}

/* Whether it is the planner's turn; the rest is looked at when it is. */
static int look_for_turn(struct moment *moment, const char *run, struct err *err)
{
    const int open = turn_read(&moment->turn, run, err);
    moment->has_turn = open > 0;
    return open > 0 ? look(moment, run, err) : open;
}

static bool has_changed(const struct moment *before, const struct moment *now, size_t i)
{
    return i >= before->n || strcmp(before->words[i], now->words[i]) != 0;
}

static bool has_happened(const Trireme__WaitRequest *r, const struct moment *before,
                         const struct moment *now)
{
    switch (r->for_) {
    case TRIREME__WAIT_REQUEST__FOR__verdict:
        for (size_t i = 0; i < now->n; i++)
            if (has_changed(before, now, i))
                return true;
        return false;
    case TRIREME__WAIT_REQUEST__FOR__adoption:
        return now->changed_at != before->changed_at;
    case TRIREME__WAIT_REQUEST__FOR__step:
        return now->step >= r->until;
    case TRIREME__WAIT_REQUEST__FOR__turn:
        return now->has_turn;
    default:
        return false;
    }
}

static void tell(Trireme__WaitReply *out, const struct moment *before, const struct moment *now)
{
    out->has_step = true, out->step = now->step;
    out->has_turn = now->has_turn, out->turn = now->turn;
    out->changes = mem_new(now->n, sizeof *out->changes);
    for (size_t i = 0; i < now->n; i++) {
        if (!has_changed(before, now, i))
            continue;
        Trireme__StateChange *change = out->changes[out->n_changes++] =
            message_new(&trireme__state_change__descriptor);
        change->has_number = true, change->number = (uint32_t)i + 1;
        change->before = i < before->n ? mem_strdup(before->words[i]) : NULL;
        change->state = mem_strdup(now->words[i]);
    }
}

int command_wait(const void *request, void *reply, struct err *err)
{
    const Trireme__WaitRequest *r = request;
    Trireme__WaitReply *out = reply;
    struct moment before = {0}, now = {0};
    const double end = clock_now() + r->timeout;
    int rc = run_config_exists(r->run, err);
    const bool for_turn = r->for_ == TRIREME__WAIT_REQUEST__FOR__turn;
    bool trained = true, happened = false;
    if (rc == 0)
        rc = look(&before, r->run, err);
    while (rc == 0) {
        trained = run_is_trained(r->run); // before what it wrote last
        rc = for_turn && trained ? look_for_turn(&now, r->run, err) : look(&now, r->run, err);
        happened = rc == 0 && has_happened(r, &before, &now);
        const bool waits = r->for_ == TRIREME__WAIT_REQUEST__FOR__seconds || trained;
        if (rc < 0 || happened || !waits || clock_now() >= end)
            break;
        clock_sleep(for_turn ? TURN_POLL_SECONDS : POLL_SECONDS);
    }
    if (rc == 0 && for_turn && !happened)
        rc = look(&now, r->run, err);
    if (rc == 0) {
        out->has_happened = true, out->happened = happened;
        out->has_trained = true, out->trained = trained;
        tell(out, &before, &now);
    }
    free(before.words);
    free(now.words);
    return rc;
}
