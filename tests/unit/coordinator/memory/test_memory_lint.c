/* Which notes do not hold any more. */
#include "tests/unit/coordinator/memory/ledger_run_fixture.h"

#include "coordinator/memory/memory_lint.h"

#define SCALE "of: {arch: gpt2, optimizer: adamw, parameters: 1000, tokens: 100000}\ntokens: %d\n"

/* A run with two records, and a note that rests on the given one; the caller's. */
static Trireme__MemoryNote *note_on(const char *folder, uint64_t seq)
{
    static const char *const records[] = {"{kind: event, step: 1, text: one}",
                                          "{kind: event, step: 2, text: two}"};
    struct err err = {.text = ""};
    char *run = run_fixture(folder, "run", "aaaa", "d1"), head[LEDGER_HEAD_SIZE], yaml[300];
    ledger_fixture(run, records, 2);
    struct ledger *ledger = ledger_open(run, false, &err);
    ledger_head(ledger, seq <= 2 ? (size_t)seq : 0, head);
    ledger_free(ledger);
    snprintf(yaml, sizeof yaml,
             "id: 7\nkind: person\nrun_name: run\nevidence: [{run: aaaa, seq: %d, sha256: %s}]",
             (int)seq, head);
    free(run);
    return note_fixture(yaml);
}

/* The only fault of a note, looked for in a folder; NULL: it has none. The caller's. */
static Trireme__MemoryFault *fault_of(Trireme__MemoryNote *note, const char *folder)
{
    struct err err = {.text = ""};
    struct memory_faults faults;
    const struct memory_notes notes = {&note, 1};
    if (memory_lint(&faults, &notes, &folder, 1, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(faults.n <= 1);
    Trireme__MemoryFault *fault = faults.n ? message_copy(faults.list[0]) : NULL;
    memory_faults_clear(&faults);
    message_free(note);
    return fault;
}

static void assert_fault(Trireme__MemoryFault *fault, Trireme__MemoryFault__Kind kind,
                         const char *part)
{
    assert_non_null(fault);
    assert_int_equal(fault->id, 7);
    assert_int_equal(fault->kind, kind);
    assert_contains(fault->text, part);
    message_free(fault);
}

static void a_note_whose_record_is_there_holds(void **state)
{
    assert_null(fault_of(note_on(*state, 2), *state));
}

static void a_run_itself_may_be_named(void **state)
{
    Trireme__MemoryNote *note = note_on(*state, 2);
    char *run = file_join(*state, "run");
    assert_null(fault_of(note, run));
    free(run);
}

static void a_ledger_that_is_not_there_is_gone(void **state)
{
    Trireme__MemoryNote *note = note_on(*state, 2);
    free(note->evidence[0]->run);
    note->evidence[0]->run = strdup("bbbb");
    assert_fault(fault_of(note, *state), TRIREME__MEMORY_FAULT__KIND__gone,
                 "(bbbb) in the folders of runs (--runs)");
}

static void a_line_that_is_not_there_is_gone(void **state)
{
    assert_fault(fault_of(note_on(*state, 3), *state), TRIREME__MEMORY_FAULT__KIND__gone,
                 "has 2 lines, expected line 3");
}

static void a_record_that_a_correction_names_is_superseded(void **state)
{
    static const char *const correction[] = {"{kind: correction, step: 1, supersedes: 2}"};
    Trireme__MemoryNote *note = note_on(*state, 2), *before = message_copy(note);
    free(before->evidence[0]->sha256);
    before->evidence[0]->seq = 1;
    char *run = file_join(*state, "run"), head[LEDGER_HEAD_SIZE];
    struct err err = {.text = ""};
    ledger_fixture(run, correction, 1);
    struct ledger *ledger = ledger_open(run, false, &err);
    ledger_head(ledger, 1, head);
    ledger_free(ledger);
    before->evidence[0]->sha256 = strdup(head);
    assert_fault(fault_of(note, *state), TRIREME__MEMORY_FAULT__KIND__superseded,
                 "line 2 of run run (aaaa) is not in effect");
    assert_null(fault_of(before, *state)); // the line before holds
    free(run);
}

static void a_line_of_other_bytes_is_altered(void **state)
{
    Trireme__MemoryNote *note = note_on(*state, 2);
    char *run = file_join(*state, "run");
    size_t size;
    char *bytes = must_read_in(run, "ledger.jsonl", &size);
    memcpy(strstr(bytes, "two"), "TWO", 3);
    must_write_in(run, "ledger.jsonl", bytes, size);
    assert_fault(fault_of(note, *state), TRIREME__MEMORY_FAULT__KIND__altered,
                 "line 2 of run run (aaaa): found SHA-256");
    free(bytes);
    free(run);
}

/* Faults of a note and a later one about the same change. */
static struct memory_faults faults_of(const char *folder, const char *one, int tokens_one,
                                      const char *other, int tokens_other)
{
    struct err err = {.text = ""};
    struct memory_faults faults;
    Trireme__MemoryNote *list[2];
    for (int i = 0; i < 2; i++) {
        char yaml[400];
        snprintf(yaml, sizeof yaml,
                 "id: %d\nkind: adoption\noutcome: %s\n"
                 "recipe: [{path: optimizer.lr, before: 1e-3, after: 2e-3}]\n" SCALE,
                 i + 1, i ? other : one, i ? tokens_other : tokens_one);
        list[i] = note_fixture(yaml);
    }
    const struct memory_notes notes = {list, 2};
    if (memory_lint(&faults, &notes, &folder, 1, &err) < 0)
        fail_msg("%s", err.text);
    message_free(list[0]), message_free(list[1]);
    return faults;
}

static void a_later_note_of_the_other_outcome_contradicts(void **state)
{
    struct memory_faults faults = faults_of(*state, "claimed", 1000, "taken_back", 2000);
    assert_int_equal(faults.n, 1);
    assert_int_equal(faults.list[0]->id, 1);
    assert_int_equal(faults.list[0]->kind, TRIREME__MEMORY_FAULT__KIND__contradicted);
    assert_contains(faults.list[0]->text, "it says claimed, note 2 says taken back");
    memory_faults_clear(&faults);
    faults = faults_of(*state, "beaten", 1000, "adopted", 1000);
    assert_int_equal(faults.n, 1);
    memory_faults_clear(&faults);
}

static void another_scale_or_the_same_outcome_contradicts_nothing(void **state)
{
    struct memory_faults faults = faults_of(*state, "claimed", 1000, "taken_back", 4000);
    assert_int_equal(faults.n, 0);
    faults = faults_of(*state, "adopted", 1000, "claimed", 1000);
    assert_int_equal(faults.n, 0);
    faults = faults_of(*state, "adopted", 1000, "no_sign", 1000);
    assert_int_equal(faults.n, 0);
}

static void a_folder_that_cannot_be_read_is_refused(void **state)
{
    struct err err = {.text = ""};
    struct memory_faults faults;
    const struct memory_notes notes = {0};
    const char *folder = "/absent/folder";
    (void)state;
    assert_int_equal(memory_lint(&faults, &notes, &folder, 1, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "/absent/folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_note_whose_record_is_there_holds),
        test_in_folder(a_run_itself_may_be_named),
        test_in_folder(a_ledger_that_is_not_there_is_gone),
        test_in_folder(a_line_that_is_not_there_is_gone),
        test_in_folder(a_record_that_a_correction_names_is_superseded),
        test_in_folder(a_line_of_other_bytes_is_altered),
        test_in_folder(a_later_note_of_the_other_outcome_contradicts),
        test_in_folder(another_scale_or_the_same_outcome_contradicts_nothing),
        cmocka_unit_test(a_folder_that_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
