/* Names of trials, and which of them a launch still has to run. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "coordinator/campaign/pair.h"

static void assert_name(char *name, const char *expected)
{
    assert_string_equal(name, expected);
    free(name);
}

static void a_name_says_hypothesis_direction_and_pair(void **state)
{
    (void)state;
    assert_name(pair_fork_name(3, false, 1), "h3.1");
    assert_name(pair_fork_name(3, true, 0), "r3.0");
    assert_name(pair_fork_tail_name("h3.1"), "h3.1-tail");
    assert_name(pair_trunk_tail_name(400, 20), "trunk-tail.400.20");
}

static void a_trial_is_over_when_its_pair_is_closed_or_observed(void **state)
{
    static const struct {
        const char *name;
        bool over;
    } cases[] = {
        {"h1.0",             true }, // observed
        {"h1.1",             false},
        {"h1.1-tail",        false},
        {"h1.0-tail",        true },
        {"r1.0",             false},
        {"h2.0",             true }, // closed
        {"h3.0",             false}, // it waits: an earlier launch went further
        {"trunk-tail.60.10", false}, // of the stretch under way
        {"trunk-tail.80.10", false},
        {"trunk-tail.40.10", true },
        {"trunk",            true },
    };
    const struct run_dir *dir = *state;
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (uint32_t number = 1; number <= 3; number++) {
        char *proposal = mem_format("{kind: proposal, number: %u, proposal: {id: a}}", number);
        must_record(journal, proposal);
        free(proposal);
    }
    must_record(journal, "{kind: rule, step: 20, rule: {revision: 2}}");
    must_record(journal, "{kind: hypothesis, number: 1, step: 20, plan: {slow: true}}");
    must_record(journal, "{kind: hypothesis, number: 2, step: 20, plan: {slow: true}}");
    must_record(journal, "{kind: validation, number: 3, step: 20, validation: {accepted: true, "
                         "next: queued}}");
    must_record(journal, "{kind: stretch, step: 20, stretch: {horizon: 20, arms: [{number: 1}, "
                         "{number: 2}]}}");
    must_record(journal, "{kind: observation, number: 1, step: 40, observation: {pair: 0}}");
    must_record(journal, "{kind: observation, number: 2, step: 40, observation: {pair: 0}}");
    must_record(journal, "{kind: decision, step: 40, decision: {tokens: 5}}");
    must_record(journal, "{kind: verdict, number: 2, step: 40, judgement: {outcome: closed}}");
    must_record(journal, "{kind: stretch, step: 40, stretch: {horizon: 20, arms: [{number: 1}]}}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (pair_of_name_is_over(journal_history(journal), cases[i].name) != cases[i].over)
            fail_msg("%s: expected that it is %sover", cases[i].name, cases[i].over ? "" : "not ");
    journal_free(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_hypothesis_direction_and_pair),
        test_in_run_dir(a_trial_is_over_when_its_pair_is_closed_or_observed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
