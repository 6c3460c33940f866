/* What a replay compares with the ledger that it repeats. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "proto/schema/message.h"

static const char *const first[] = {
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: rule, step: 5, rule: {revision: 2}}",
    "{kind: hypothesis, number: 1, step: 5, plan: {slow: true}}"};
enum { FIRST = sizeof first / sizeof *first };

/* A record, what of it is a number that follows, and what that might be instead. NULL: a replay may
 * say that without an error. */
static const struct {
    const char *kind, *holds, *instead;
    bool may;
} compared[] = {
  // clang-format off
    {"hypothesis",  "plan: {calm: true}",             "plan: {calm: false}",             false},
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
    {"observation", "observation: {tokens: 5}",       "observation: {tokens: 6}",        false},
    {"observation", "observation: {windows: 64}",     "observation: {windows: 65}",      false},
    {"observation", "observation: {diverged: true}",  "observation: {diverged: false}",  false},
    {"observation", "observation: {trunk_diverged: true}",
     "observation: {trunk_diverged: false}",                                             false},
    {"rule",        "rule: {revision: 2, stake: 0.033}",
     "rule: {revision: 2, stake: 0.034}",                                                false},
    {"rule",        "rule: {revision: 2, tokens: 5}",
     "rule: {revision: 2, tokens: 6}",                                                   false},
    {"rule",        "rule: {revision: 2, looks: [3, 4]}",
     "rule: {revision: 2, looks: [3, 5]}",                                               false},
    {"rule",        "rule: {revision: 2, shares: [0.3, 0.3]}",
     "rule: {revision: 2, shares: [0.3]}",                                               false},
    {"stretch",     "stretch: {calm: true}",          "stretch: {calm: false}",          false},
    {"stretch",     "stretch: {horizon: 10}",         "stretch: {horizon: 11}",          false},
    {"stretch",     "stretch: {tail: 5}",             "stretch: {tail: 6}",              false},
    {"stretch",     "stretch: {windows: 64}",         "stretch: {windows: 65}",          false},
    {"stretch",     "stretch: {step_tokens: 5}",      "stretch: {step_tokens: 6}",       false},
    {"stretch",     "stretch: {trained: 5}",          "stretch: {trained: 6}",           false},
    {"stretch",     "stretch: {spent: 5}",            "stretch: {spent: 6}",             false},
    {"stretch",     "stretch: {since: 5}",            "stretch: {since: 6}",             false},
    {"stretch",     "stretch: {length: 500}",         "stretch: {length: 499}",          false},
    {"stretch",     "stretch: {arms: [{number: 1}]}", "stretch: {arms: [{number: 2}]}",  false},
    {"stretch",     "stretch: {arms: [{number: 1}]}",
     "stretch: {arms: [{number: 1, reverse: true}]}",                                    false},
    {"stretch",     "stretch: {arms: [{number: 1}]}",
     "stretch: {arms: [{number: 1}, {number: 2}]}",                                      false},
    {"decision",    "decision: {tokens: 5}",          "decision: {tokens: 6}",           false},
    {"decision",    "decision: {planners: 5}",        "decision: {planners: 6}",         false},
    {"decision",    "decision: {trunk_diverged: true}",
     "decision: {trunk_diverged: false}",                                                false},
    {"decision",    "decision: {windows_taken: [5, 7]}",
     "decision: {windows_taken: [5, 8]}",                                                false},
    {"claim",       "claim: {t: 1}",                  "claim: {t: 2}",                   false},
    {"claim",       "claim: {alpha: 0.05}",           "claim: {alpha: 0.04}",            false},
    {"claim",       "claim: {answer: claimed}",       "claim: {answer: unproven}",       false},
    {"claim",       "claim: {pairs: 3}",              "claim: {pairs: 4}",               false},
    {"claim",       "claim: {mean: 0.5}",             "claim: {mean: 0.25}",             false},
    {"claim",       "claim: {half_width: 1}",         "claim: {half_width: 2}",          false},
    {"claim",       "claim: {student_t: 3}",          "claim: {student_t: 3.5}",         false},
    {"claim",       "claim: {p: 0.01}",               "claim: {p: 0.02}",                false},
    {"claim",       "claim: {cause: gains}",          "claim: {cause: windows}",         false},
    {"verdict",     "judgement: {outcome: closed}",   "judgement: {outcome: open}",      false},
    {"verdict",     "judgement: {probability: 0.5}",  "judgement: {probability: 0.25}",  false},
    {"verdict",     "judgement: {deviation: 0.5}",    "judgement: {deviation: 0.25}",    false},
    {"verdict",     "judgement: {tokens: 5}",         "judgement: {tokens: 6}",          false},
    {"verdict",     "judgement: {reason: x}",         "judgement: {reason: y}",          true },
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
        for (size_t k = 0; k < FIRST; k++)
            must_record(journal, first[k]);
        must_record(journal, holds);
        journal_free(journal);
        journal = open_at(again, 0, run);
        for (size_t k = 0; k < FIRST; k++)
            must_record(journal, first[k]);
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

/* It can be opened, shown and continued without experiments; not computed again. */
static void a_ledger_of_the_first_rule_is_refused_for_replay_in_one_sentence(void **state)
{
    const struct run_dir *dir = *state;
    struct err err = {0};
    char *again = file_join(dir->root, "again");
    struct journal *journal = open_at(dir->run, 0, NULL);
    must_record(journal, first[0]);
    must_record(journal, "{kind: hypothesis, number: 1, step: 5, plan: {start: 20, pairs: 8}}");
    journal_free(journal);
    journal = open_at(dir->run, 2, NULL);
    assert_true(journal_history(journal)->first_rule);
    journal_free(journal);
    assert_int_equal(file_make_dirs(again, ERR_USAGE, &err), 0);
    assert_null(journal_open(again, 0, NULL, dir->run, RULE, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, dir->run);
    assert_contains(err.text, "its ledger is of the first rule, which this version does not "
                              "compute any more: expected one of the second");
    assert_null(strchr(err.text, '\n'));
    free(again);
}

static void check_revision_refused(const struct run_dir *dir, const char *again, uint32_t rule,
                                   unsigned line, unsigned revision)
{
    struct err err = {0};
    char *expected = mem_format("%s: from line %u on its ledger is of revision %u of the rule, and "
                                "this version replays revision %u alone: replay it with the "
                                "version that trained it",
                                dir->run, line, revision, rule);
    assert_null(journal_open(again, 0, NULL, dir->run, rule, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, expected);
    free(expected);
}

/* Also one with which a later version went on. */
static void a_ledger_of_another_revision_of_the_rule_is_refused_for_replay(void **state)
{
    const struct run_dir *dir = *state;
    struct err err = {0};
    char *again = file_join(dir->root, "again");
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t k = 0; k < FIRST; k++)
        must_record(journal, first[k]);
    journal_free(journal);
    assert_int_equal(file_make_dirs(again, ERR_USAGE, &err), 0);
    check_revision_refused(dir, again, 3, 2, 2);
    journal = open_at(dir->run, FIRST, NULL);
    must_record(journal, "{kind: rule, step: 10, rule: {revision: 3}}");
    journal_free(journal);
    check_revision_refused(dir, again, 3, 2, 2);
    check_revision_refused(dir, again, 2, FIRST + 1, 3);
    free(again);
}

static void what_was_superseded_may_be_of_another_revision_of_the_rule(void **state)
{
    const struct run_dir *dir = *state;
    struct err err = {0};
    char *again = file_join(dir->root, "again");
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t k = 0; k < FIRST; k++)
        must_record(journal, first[k]);
    must_record(journal, "{kind: correction, step: 5, supersedes: 2}");
    must_record(journal, "{kind: rule, step: 5, rule: {revision: 3}}");
    journal_free(journal);
    assert_int_equal(file_make_dirs(again, ERR_USAGE, &err), 0);
    check_revision_refused(dir, again, 2, FIRST + 2, 3);
    journal = journal_open(again, 0, NULL, dir->run, 3, &err);
    if (!journal)
        fail_msg("%s", err.text);
    journal_free(journal);
    free(again);
}

static void a_ledger_in_which_nothing_was_tried_is_of_no_rule_and_can_be_replayed(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    struct journal *journal = open_at(dir->run, 0, NULL);
    must_record(journal, first[0]);
    journal_free(journal);
    journal = open_at(again, 0, dir->run);
    must_record(journal, first[0]);
    assert_false(journal_repeats(journal));
    journal_free(journal);
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(all_numbers_that_follow_are_compared_in_a_replay),
        test_in_run_dir(a_ledger_of_the_first_rule_is_refused_for_replay_in_one_sentence),
        test_in_run_dir(a_ledger_of_another_revision_of_the_rule_is_refused_for_replay),
        test_in_run_dir(what_was_superseded_may_be_of_another_revision_of_the_rule),
        test_in_run_dir(a_ledger_in_which_nothing_was_tried_is_of_no_rule_and_can_be_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
