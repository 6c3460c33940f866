/* Notes in a ledger that is repeated, superseded and replayed. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "coordinator/ledger/journal.h"

// clang-format off
static const char *const script[] = {
    "{kind: note, step: 3, by: person uid 1, note: the noise is in b}",
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: note, step: 9, by: planner uid 1, note: wait}",
};
// clang-format on
enum { SCRIPT = sizeof script / sizeof *script };

static void write_script(const char *run)
{
    struct journal *journal = open_at(run, 0, NULL);
    for (size_t i = 0; i < SCRIPT; i++)
        must_record(journal, script[i]);
    journal_free(journal);
}

static void assert_both_are_there(struct journal *journal)
{
    const struct history *h = journal_history(journal);
    assert_int_equal(h->n_notes, 2);
    assert_int_equal(h->notes[1].number, 2);
    assert_int_equal(h->notes[1].step, 9);
    assert_string_equal(h->notes[0].text, "the noise is in b");
    assert_string_equal(h->notes[1].by, "planner uid 1");
}

static void a_note_is_an_input_that_a_later_launch_and_a_replay_repeat(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    write_script(dir->run);
    for (int replay = 0; replay < 2; replay++) {
        struct journal *journal = replay ? open_at(again, 0, dir->run) : open_at(dir->run, 0, NULL);
        assert_int_equal(journal_history(journal)->n_notes, 0);
        assert_string_equal(journal_input(journal, 3)->note, "the noise is in b");
        must_record(journal, script[0]);
        must_record(journal, script[1]);
        assert_null(journal_input(journal, 8));
        assert_string_equal(journal_input(journal, 9)->note, "wait");
        must_record(journal, script[2]);
        assert_false(journal_repeats(journal));
        assert_both_are_there(journal);
        journal_free(journal);
        assert_int_equal(count_lines(replay ? again : dir->run), SCRIPT);
    }
    free(again);
}

static void a_note_with_other_words_is_another_one(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    struct err err;
    write_script(dir->run);
    struct journal *journal = open_at(again, 0, dir->run);
    assert_int_equal(try_write(journal, "{kind: note, step: 3, note: it is in a}", &err), -1);
    journal_free(journal);
    free(again);
}

static void a_note_stays_where_its_record_is_superseded(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    write_script(dir->run);
    struct journal *journal = open_at(dir->run, 2, NULL);
    assert_int_equal(journal_history(journal)->n_notes, 1);
    if (journal_diverge(journal, 5, "the operator changed optimizer.lr", &err) < 0)
        fail_msg("%s", err.text);
    assert_both_are_there(journal);
    journal_free(journal);
    journal = open_at(dir->run, count_lines(dir->run), NULL);
    assert_both_are_there(journal);
    journal_free(journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(a_note_is_an_input_that_a_later_launch_and_a_replay_repeat),
        test_in_run_dir(a_note_with_other_words_is_another_one),
        test_in_run_dir(a_note_stays_where_its_record_is_superseded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
