#include "launcher/bench/bench_result.h"

#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/bench/bench_judge.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <stdlib.h>

static Trireme__Change **copy_patch(Trireme__Change *const *patch, size_t n)
{
    Trireme__Change **out = mem_new(n, sizeof *out);
    for (size_t i = 0; i < n; i++)
        out[i] = message_copy(patch[i]);
    return out;
}

static void add_adoption(Trireme__BenchRun *result, struct bench_judge *judge,
                         const Trireme__Record *r, const struct history *history)
{
    const struct entry *entry = history_entry(history, r->number);
    Trireme__BenchAdoption *a = message_new(&trireme__bench_adoption__descriptor);
    a->has_number = a->has_step = a->has_verdict = a->has_claimed = 1;
    a->number = r->number, a->step = r->step;
    a->n_patch = r->promotion->n_patch;
    a->patch = copy_patch(r->promotion->patch, a->n_patch);
    const size_t known = r->promotion->n_before < a->n_patch ? r->promotion->n_before : a->n_patch;
    Trireme__Change **before = mem_new(a->n_patch, sizeof *before);
    for (size_t i = 0; i < known; i++)
        before[i] = r->promotion->before[i];
    a->verdict = bench_judge_adopt(judge, a->patch, before, a->n_patch);
    free(before);
    a->became = mem_strdup(entry ? entry_word(entry) : "adopted");
    a->claimed = entry && entry->claim && entry->claim->answer == TRIREME__CLAIM__ANSWER__claimed;
    result->adoptions =
        mem_resize(result->adoptions, result->n_adoptions + 1, sizeof *result->adoptions);
    result->adoptions[result->n_adoptions++] = a;
}

static void add_call(Trireme__BenchRun *result, const Trireme__Call *call)
{
    result->calls++;
    result->call_tokens += call->prompt_tokens + call->answer_tokens;
}

static void read_records(Trireme__BenchRun *result, const Trireme__BenchTask *task,
                         const struct ledger *ledger, const struct history *history)
{
    const size_t n = ledger_records(ledger);
    bool *gone = ledger_superseded(ledger, n);
    struct bench_judge *judge = bench_judge_new(task);
    for (size_t i = 0; i < n; i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind == TRIREME__RECORD_KIND__event && r->call && r->call->has_turn)
            add_call(result, r->call); // also of what no longer holds: it was paid for
        if (gone[i] || !r->promotion)
            continue;
        if (r->kind == TRIREME__RECORD_KIND__promotion)
            add_adoption(result, judge, r, history);
        else if (r->kind == TRIREME__RECORD_KIND__rollback)
            bench_judge_set(judge, r->promotion->patch, r->promotion->n_patch);
    }
    bench_judge_free(judge);
    free(gone);
}

static int read_ledger(Trireme__BenchRun *result, const Trireme__BenchTask *task,
                       const char *folder, struct err *err)
{
    struct ledger *ledger = ledger_open(folder, false, err);
    struct history history = {0};
    if (!ledger)
        return -1;
    history_read(&history, ledger, ledger_records(ledger));
    result->proposed = (uint32_t)history.n;
    result->spent = history_tokens(&history, history.spent, history.first_unit);
    for (size_t i = 0; i < history.n; i++)
        result->tried +=
            history.entries[i].forward.n_pairs + history.entries[i].forward.n_before > 0;
    read_records(result, task, ledger, &history);
    history_clear(&history);
    ledger_free(ledger);
    return 0;
}

int bench_result_read(Trireme__BenchRun *result, const Trireme__BenchTask *task, const char *folder,
                      struct err *err)
{
    Trireme__Config *config = run_config_of(folder, err);
    if (!config)
        return -1;
    result->has_spent = result->has_tokens = 1;
    result->has_calls = result->has_call_tokens = result->has_proposed = result->has_tried = 1;
    result->tokens = config->train->steps * run_config_step_tokens(config);
    message_free(config);
    return read_ledger(result, task, folder, err);
}
