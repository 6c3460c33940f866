/* A ledger that is written, repeated by a later launch, superseded, and replayed. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "coordinator/ledger/journal.h"
#include "proto/schema/message.h"

// clang-format off
static const char *const script[] = {
    "{kind: proposal, number: 1, step: 5, by: random, proposal: {id: a, patch: {optimizer.lr: "
    "0.01}, hypothesis: faster}}",
    "{kind: validation, number: 1, step: 5, validation: {accepted: true, next: queued}}",
    "{kind: rule, step: 5, rule: {revision: 2, stake: 0.033, tokens: 1000000}}",
    "{kind: hypothesis, number: 1, step: 5, plan: {slow: true, margin: 0.002}}",
    "{kind: event, step: 9, by: random, text: it was slow}",
    "{kind: observation, number: 1, step: 40, observation: {pair: 0, trunk_loss: 2.5, "
    "fork_loss: 2.25}}",
    "{kind: order, number: 1, step: 45, by: person, order: kill}",
    "{kind: verdict, number: 1, step: 45, judgement: {outcome: closed, pairs: 1, cause: killed, "
    "reason: killed}}",
};
// clang-format on
enum { SCRIPT = sizeof script / sizeof *script, PLANNED = 4 /* up to the hypothesis */, EVENT = 4 };

/* Writes the script into a new ledger. */
static void write_script(const char *run)
{
    struct journal *journal = open_at(run, 0, NULL);
    assert_false(journal_repeats(journal));
    for (size_t i = 0; i < SCRIPT; i++)
        must_record(journal, script[i]);
    assert_int_equal(history_entry(journal_history(journal), 1)->fate, FATE_CLOSED);
    journal_free(journal);
}

static void what_stands_beyond_the_checkpoint_is_lived_through_and_not_written_again(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    for (uint64_t known = 0; known <= SCRIPT; known++) {
        struct journal *journal = open_at(dir->run, known, NULL);
        assert_int_equal(journal_history(journal)->n, known > 0);
        for (size_t i = known; i < SCRIPT; i++) {
            if (strstr(script[i], "kind: event"))
                continue; // nothing follows from an event, so it need not be repeated
            assert_true(journal_repeats(journal));
            must_record(journal, script[i]);
            char head[LEDGER_HEAD_SIZE];
            assert_int_equal(journal_known(journal, head), i + 1);
        }
        assert_false(journal_repeats(journal));
        assert_int_equal(history_entry(journal_history(journal), 1)->fate, FATE_CLOSED);
        assert_int_equal(history_entry(journal_history(journal), 1)->forward.n_pairs, 1);
        journal_free(journal);
        assert_int_equal(count_lines(dir->run), SCRIPT);
    }
}

static void what_comes_after_the_end_of_the_script_is_written(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, SCRIPT - 1, NULL);
    must_record(journal, script[SCRIPT - 1]);
    must_record(journal,
                "{kind: proposal, number: 2, step: 60, proposal: {patch: {optimizer.lr: 0.02}}}");
    assert_int_equal(journal_history(journal)->n, 2);
    journal_free(journal);
    assert_int_equal(count_lines(dir->run), SCRIPT + 1);
}

static void an_input_is_given_at_its_step_until_it_is_told(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, 0, NULL);
    assert_null(journal_input(journal, 4));
    assert_string_equal(journal_input(journal, 5)->proposal->id, "a");
    assert_null(journal_input(journal, 6));
    for (size_t i = 0; i < PLANNED; i++) {
        must_record(journal, script[i]);
        assert_null(journal_input(journal, 5)); // what follows from inputs is no input
    }
    must_record(journal, script[5]);
    assert_null(journal_input(journal, 44));
    assert_int_equal(journal_input(journal, 45)->order, TRIREME__ORDER__kill);
    must_record(journal, script[6]);
    assert_null(journal_input(journal, 45));
    journal_free(journal);
}

// clang-format off
/* What may come out differently, and in which line of the script. */
static const struct {
    size_t line;
    const char *instead;
} others[] = {
    {1, "{kind: validation, number: 1, step: 5, validation: {accepted: false, reason: no}}"},
    {1, "{kind: validation, number: 1, step: 6, validation: {accepted: true, next: queued}}"},
    {2, "{kind: rule, step: 5, rule: {revision: 2, stake: 0.05, tokens: 1000000}}"},
    {3, "{kind: validation, number: 1, step: 5, validation: {accepted: true, next: queued}}"},
    {3, "{kind: hypothesis, number: 1, step: 5, plan: {slow: true, calm: true, margin: 0.002}}"},
    {5,
     "{kind: observation, number: 1, step: 40, observation: {trunk_loss: 2.5, fork_loss: "
     "2.2500000000000004}}"},
    {5,
     "{kind: observation, number: 1, step: 40, observation: {trunk_loss: 2.4999999999999996, "
     "fork_loss: 2.25}}"},
    {5,
     "{kind: observation, number: 1, step: 40, observation: {trunk_loss: 2.5, fork_loss: 2.25, "
     "diverged: true}}"},
    {5,
     "{kind: observation, number: 2, step: 40, observation: {trunk_loss: 2.5, fork_loss: 2.25}}"},
    {7, "{kind: verdict, number: 1, step: 45, judgement: {outcome: open, pairs: 1}}"},
};
// clang-format on
enum { OTHERS = sizeof others / sizeof *others, OTHER_LOSS = 5 };

static void what_comes_out_differently_supersedes_the_rest_of_the_script(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    for (size_t i = 0; i < OTHERS; i++) {
        char *run = mem_format("%s%zu", dir->run, i);
        write_script(run);
        struct journal *journal = open_at(run, 0, NULL);
        for (size_t k = 0; k < others[i].line; k++)
            if (k != EVENT) // the event
                must_record(journal, script[k]);
        must_record(journal, others[i].instead);
        assert_false(journal_repeats(journal));
        journal_free(journal);
        struct ledger *ledger = ledger_open(run, false, &err);
        assert_int_equal(ledger_records(ledger), SCRIPT + 2);
        const Trireme__Record *correction = ledger_record(ledger, SCRIPT);
        assert_int_equal(correction->kind, TRIREME__RECORD_KIND__correction);
        assert_int_equal(correction->supersedes, others[i].line + 1);
        char *line = mem_format("line %zu tells of", others[i].line + 1);
        assert_contains(correction->text, line);
        free(line);
        Trireme__Record *instead = record_fixture(others[i].instead);
        assert_int_equal(ledger_record(ledger, SCRIPT + 1)->kind, instead->kind);
        message_free(instead);
        ledger_free(ledger);
        free(run);
    }
}

static void superseded_lines_are_neither_known_nor_lived_through_by_later_launches(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, 5, NULL);
    must_record(journal, others[OTHER_LOSS].instead);
    journal_free(journal);
    journal = open_at(dir->run, SCRIPT + 2, NULL);
    const struct entry *e = history_entry(journal_history(journal), 1);
    assert_int_equal(e->fate, FATE_OPEN);
    assert_int_equal(e->forward.n_pairs, 1);
    assert_true(e->forward.pairs[0]->fork_loss == 2.2500000000000004);
    journal_free(journal);
    // from the first record on: the new line, not the old one
    journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < PLANNED; i++)
        must_record(journal, script[i]);
    must_record(journal, others[OTHER_LOSS].instead);
    assert_false(journal_repeats(journal));
    journal_free(journal);
    assert_int_equal(count_lines(dir->run), SCRIPT + 2);
}

static void a_run_that_parts_says_why_once(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, PLANNED, NULL);
    assert_int_equal(journal_diverge(journal, 30, "the operator changed optimizer.lr", &err), 0);
    assert_int_equal(journal_diverge(journal, 30, "again", &err), 0);
    assert_false(journal_repeats(journal));
    journal_free(journal);
    struct ledger *ledger = ledger_open(dir->run, false, &err);
    assert_int_equal(ledger_records(ledger), SCRIPT + 1);
    assert_string_equal(ledger_record(ledger, SCRIPT)->text, "the operator changed optimizer.lr");
    assert_int_equal(ledger_record(ledger, SCRIPT)->supersedes,
                     6); // the event in line 5 stays true
    ledger_free(ledger);
}

static void a_replay_tells_the_story_into_a_ledger_of_its_own(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    write_script(dir->run);
    struct journal *journal = open_at(again, 0, dir->run);
    assert_string_equal(journal_input(journal, 5)->proposal->id, "a");
    for (size_t i = 0; i < SCRIPT; i++)
        if (i != EVENT)
            must_record(journal, script[i]);
    assert_false(journal_repeats(journal));
    journal_free(journal);
    assert_int_equal(count_lines(again), SCRIPT - 1);
    assert_int_equal(count_lines(dir->run), SCRIPT);
    free(again);
}

static void a_replay_that_comes_out_differently_is_an_error_and_writes_nothing_more(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    for (size_t i = 0; i < OTHERS; i++) {
        char *again = mem_format("%s/again%zu", dir->root, i);
        struct journal *journal = open_at(again, 0, dir->run);
        for (size_t k = 0; k < others[i].line; k++)
            if (k != EVENT)
                must_record(journal, script[k]);
        char head[LEDGER_HEAD_SIZE];
        uint64_t known = journal_known(journal, head);
        struct err err = {0};
        assert_int_equal(try_write(journal, others[i].instead, &err), -1);
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, "the replay is not what the ledger says: line ");
        journal_free(journal);
        assert_int_equal(count_lines(again), known);
        free(again);
    }
}

static void a_replay_may_not_part(void **state)
{
    const struct run_dir *dir = *state;
    struct err err = {0};
    char before[LEDGER_HEAD_SIZE], after[LEDGER_HEAD_SIZE];
    char *again = file_join(dir->root, "again");
    write_script(dir->run);
    struct journal *journal = open_at(again, 0, dir->run);
    for (size_t i = 0; i < PLANNED; i++)
        must_record(journal, script[i]);
    uint64_t known = journal_known(journal, before);
    assert_int_equal(journal_diverge(journal, 30, "the operator changed optimizer.lr", &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(
        err.text, "the replay is not what the ledger says: the operator changed optimizer.lr");
    assert_int_equal(journal_known(journal, after), known);
    assert_string_equal(after, before);
    assert_int_equal(journal_history(journal)->registered, 1);
    assert_true(journal_repeats(journal));
    journal_free(journal);
    assert_int_equal(count_lines(again), PLANNED);
    assert_int_equal(count_lines(dir->run), SCRIPT);
    free(again);
}

/* A launch of a replay that died had written more records than its checkpoint knew. */
static void a_replay_that_goes_on_does_not_write_its_own_lines_again(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    write_script(dir->run);
    struct journal *journal = open_at(again, 0, dir->run);
    for (size_t i = 0; i < 6; i++)
        if (i != EVENT)
            must_record(journal, script[i]);
    journal_free(journal);
    for (int launch = 0; launch < 2; launch++) {
        journal = open_at(again, 2, dir->run);
        for (size_t i = 2; i < SCRIPT; i++)
            if (i != EVENT)
                must_record(journal, script[i]);
        assert_false(journal_repeats(journal));
        journal_free(journal);
        assert_int_equal(count_lines(again), SCRIPT - 1);
    }
    free(again);
}

static void that_a_machine_had_no_memory_is_known_at_its_step_until_it_is_told(void **state)
{
    const struct run_dir *dir = *state;
    static const char refused[] =
        "{kind: verdict, number: 1, step: 20, judgement: {outcome: closed, pairs: 0, "
        "cause: memory, reason: no memory, machine: true}}";
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < PLANNED; i++)
        must_record(journal, script[i]);
    must_record(journal, refused);
    assert_null(journal_gave_up(journal, 1, 20));
    journal_free(journal);
    journal = open_at(dir->run, PLANNED, NULL);
    assert_null(journal_gave_up(journal, 1, 19));
    assert_null(journal_gave_up(journal, 2, 20));
    assert_string_equal(journal_gave_up(journal, 1, 20)->reason, "no memory");
    must_record(journal, refused);
    assert_null(journal_gave_up(journal, 1, 20));
    journal_free(journal);
}

static void a_verdict_of_the_machine_is_an_input_at_its_step(void **state)
{
    const struct run_dir *dir = *state;
    static const char refused[] =
        "{kind: verdict, number: 1, step: 20, judgement: {outcome: closed, pairs: 0, "
        "cause: memory, reason: no memory, machine: true}}";
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < PLANNED; i++)
        must_record(journal, script[i]);
    must_record(journal, refused);
    journal_free(journal);
    journal = open_at(dir->run, PLANNED - 1, NULL);
    assert_null(journal_input(journal, 20)); // the hypothesis comes first
    must_record(journal, script[PLANNED - 1]);
    assert_null(journal_input(journal, 19));
    assert_null(journal_input(journal, 21));
    const Trireme__Record *input = journal_input(journal, 20);
    assert_non_null(input);
    assert_int_equal(input->kind, TRIREME__RECORD_KIND__verdict);
    assert_string_equal(input->judgement->reason, "no memory");
    must_record(journal, refused);
    assert_null(journal_input(journal, 20));
    journal_free(journal);
}

static void another_verdict_says_nothing_of_the_machine(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, SCRIPT - 1, NULL);
    assert_null(journal_gave_up(journal, 1, 45));
    assert_null(journal_input(journal, 45));
    journal_free(journal);
}

static void a_ledger_that_is_not_the_checkpoints_is_refused(void **state)
{
    const struct run_dir *dir = *state;
    struct err err = {0};
    char head[LEDGER_HEAD_SIZE];
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, 3, NULL);
    journal_known(journal, head);
    journal_free(journal);
    journal = journal_open(dir->run, 3, head, NULL, RULE, &err);
    assert_non_null(journal);
    journal_free(journal);
    assert_null(journal_open(dir->run, 4, head, NULL, RULE, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "ledger.jsonl:4: found SHA-256 ");
    assert_null(journal_open(dir->run, SCRIPT + 1, head, NULL, RULE, &err));
    assert_contains(
        err.text,
        "ledger.jsonl: found 8 records, expected at least the 9 that the checkpoint knows of");
}

/* Of a rule that is computed otherwise, but not of other constants. */
static void
a_launch_of_another_revision_repeats_what_it_comes_to_too_and_then_tells_its_own(void **state)
{
    const struct run_dir *dir = *state;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, 1, NULL);
    assert_false(journal_awaits_rule(journal, 5));
    must_record(journal, script[1]);
    assert_true(journal_awaits_rule(journal, 5));
    assert_false(journal_awaits_rule(journal, 6));
    must_record(journal, "{kind: rule, step: 5, rule: {revision: 3, stake: 0.033, tokens: "
                         "1000000}}");
    assert_int_equal(journal_history(journal)->rule->revision, RULE);
    assert_false(journal_awaits_rule(journal, 5));
    for (size_t i = PLANNED - 1; i < SCRIPT; i++)
        if (i != EVENT)
            must_record(journal, script[i]);
    static const char renewed[] = "{kind: rule, step: 50, rule: {revision: 3}}";
    assert_true(journal_awaits_rule(journal, 50));
    must_record(journal, renewed);
    assert_int_equal(journal_history(journal)->rule->revision, 3);
    journal_free(journal);
    journal = open_at(dir->run, SCRIPT, NULL);
    assert_false(journal_awaits_rule(journal, 45));
    assert_true(journal_awaits_rule(journal, 50));
    must_record(journal, renewed);
    assert_false(journal_repeats(journal));
    journal_free(journal);
    assert_int_equal(count_lines(dir->run), SCRIPT + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(what_stands_beyond_the_checkpoint_is_lived_through_and_not_written_again),
        test_in_run_dir(what_comes_after_the_end_of_the_script_is_written),
        test_in_run_dir(an_input_is_given_at_its_step_until_it_is_told),
        test_in_run_dir(what_comes_out_differently_supersedes_the_rest_of_the_script),
        test_in_run_dir(superseded_lines_are_neither_known_nor_lived_through_by_later_launches),
        test_in_run_dir(a_run_that_parts_says_why_once),
        test_in_run_dir(a_replay_tells_the_story_into_a_ledger_of_its_own),
        test_in_run_dir(a_replay_that_comes_out_differently_is_an_error_and_writes_nothing_more),
        test_in_run_dir(a_replay_may_not_part),
        test_in_run_dir(a_replay_that_goes_on_does_not_write_its_own_lines_again),
        test_in_run_dir(that_a_machine_had_no_memory_is_known_at_its_step_until_it_is_told),
        test_in_run_dir(a_verdict_of_the_machine_is_an_input_at_its_step),
        test_in_run_dir(another_verdict_says_nothing_of_the_machine),
        test_in_run_dir(a_ledger_that_is_not_the_checkpoints_is_refused),
        test_in_run_dir(
            a_launch_of_another_revision_repeats_what_it_comes_to_too_and_then_tells_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
