/* What a replay compares with the ledger that it repeats. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "proto/schema/message.h"

static const char *const first[] = {
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: hypothesis, number: 1, step: 5, plan: {start: 20, horizon: 20, pairs: 8}}"};

/* A record, what of it is a number that follows, and what that might be instead. NULL: a replay may
 * say that without an error. */
static const struct {
    const char *kind, *holds, *instead;
    bool may;
} compared[] = {
  // clang-format off
    {"hypothesis",  "plan: {alpha: 0.01}",            "plan: {alpha: 0.02}",             false},
    {"hypothesis",  "plan: {beta: 0.1}",              "plan: {beta: 0.2}",               false},
    {"hypothesis",  "plan: {margin: 0.002}",          "plan: {margin: 0.001}",           false},
    {"hypothesis",  "plan: {pairs: 8}",               "plan: {pairs: 6}",                false},
    {"hypothesis",  "plan: {start: 20}",              "plan: {start: 40}",               false},
    {"hypothesis",  "plan: {horizon: 20}",            "plan: {horizon: 21}",             false},
    {"hypothesis",  "plan: {tail: 10}",               "plan: {tail: 0}",                 false},
    {"hypothesis",  "plan: {slow: true}",             "plan: {slow: false}",             false},
    {"hypothesis",  "plan: {windows: 128}",           "plan: {windows: 127}",            false},
    {"hypothesis",  "plan: {reverse: true}",          "plan: {reverse: false}",          false},
    {"hypothesis",  "plan: {holds_for: this text}",   "plan: {holds_for: x}",            true },
    {"application", "application: {pair: 1}",         "application: {pair: 2}",          false},
    {"application", "application: {verified: {optimizer.lr: 0.1}}",
     "application: {verified: {optimizer.lr: 0.2}}",                                     false},
    {"application", "application: {pause_ms: 3}",     "application: {pause_ms: 4}",      true },
    {"observation", "observation: {pair: 1}",         "observation: {pair: 2}",          false},
    {"observation", "observation: {trunk_loss: 2.5}", "observation: {trunk_loss: 2.25}", false},
    {"observation", "observation: {fork_loss: 2.5}",  "observation: {fork_loss: 2.25}",  false},
    {"observation", "observation: {window_variance: 1e-6}",
     "observation: {window_variance: 2e-6}",                                             false},
    {"observation", "observation: {first_window: 5}", "observation: {first_window: 6}",  false},
    {"observation", "observation: {first_windows: [5, 7]}",
     "observation: {first_windows: [5, 8]}",                                             false},
    {"observation", "observation: {first_windows: [5, 7]}",
     "observation: {first_windows: [5]}",                                                false},
    {"observation", "observation: {fork_loss: 2.5}",
     "observation: {fork_loss: 2.5, first_windows: [5, 7]}",                             true },
    {"verdict",     "judgement: {mean: 0.5}",         "judgement: {mean: 0.25}",         false},
    {"verdict",     "judgement: {t: 3}",              "judgement: {t: 3.5}",             false},
    {"verdict",     "judgement: {half_width: 1}",     "judgement: {half_width: 2}",      false},
    {"verdict",     "judgement: {pairs: 3}",          "judgement: {pairs: 4}",           false},
    {"verdict",     "judgement: {cause: money}",      "judgement: {cause: time}",        false},
    {"verdict",     "judgement: {pairs: 3}",          "judgement: {pairs: 3, cause: time}", true},
    {"promotion",   "promotion: {adopted: true}",     "promotion: {adopted: false}",     false},
    {"promotion",   "promotion: {patch: {optimizer.lr: 0.1}}",
     "promotion: {patch: {optimizer.lr: 0.2}}",                                          false},
    {"promotion",   "promotion: {before: {optimizer.lr: 0.1}}",
     "promotion: {before: {optimizer.lr: 0.2}}",                                         false},
    {"promotion",   "promotion: {trial: 3}",          "promotion: {trial: 4}",           true },
    {"rollback",    "promotion: {adopted: true}",     "promotion: {adopted: false}",     false},
  // clang-format on
};

static void all_numbers_that_follow_are_compared_in_a_replay(void **state)
{
    const struct run_dir *dir = *state;
    for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
        char *run = mem_format("%s/run%zu", dir->root, i), *again = mem_format("%s-again", run);
        char *holds = mem_format("{kind: %s, number: 1, step: 40, %s}", compared[i].kind,
                                 compared[i].holds),
             *other = mem_format("{kind: %s, number: 1, step: 40, %s}", compared[i].kind,
                                 compared[i].instead);
        struct journal *journal = open_at(run, 0, NULL);
        must_record(journal, first[0]);
        must_record(journal, first[1]);
        must_record(journal, holds);
        journal_free(journal);
        journal = open_at(again, 0, run);
        must_record(journal, first[0]);
        must_record(journal, first[1]);
        struct err err = {0};
        if (try_write(journal, other, &err) != (compared[i].may ? 0 : -1))
            fail_msg("%s instead of %s: %s", compared[i].instead, compared[i].holds,
                     compared[i].may ? err.text : "no error");
        journal_free(journal);
        free(other);
        free(holds);
        free(again);
        free(run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(all_numbers_that_follow_are_compared_in_a_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
