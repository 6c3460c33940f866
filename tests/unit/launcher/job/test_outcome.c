#include "tests/unit/support.h"

#include "launcher/job/mpirun.h"
#include "launcher/job/outcome.h"

#include <signal.h>

/* How a launch without a status file is judged. Returns the code. */
static int judge(struct outcome *outcome, const char *folder, struct err *err)
{
    const struct mpirun job = {.run = folder, .servers = 1, .ranks = 4};
    uint64_t kept = 0;
    *err = (struct err){0};
    assert_int_equal(outcome_judge(outcome, &job, &kept, err), -1);
    outcome_clear(outcome);
    return (int)err->code;
}

static void a_code_of_ours_with_a_word_of_a_rank_is_the_runs_and_said_already(void **state)
{
    static const int ours[] = {ERR_USAGE, ERR_DATA, ERR_TRAIN, ERR_MACHINE};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) { // out of memory is 4
        struct outcome outcome = {.code = ours[i], .launched = true, .said = true};
        struct err err;
        assert_int_equal(judge(&outcome, *state, &err), ours[i]);
        assert_string_equal(err.text, "");
    }
}

static void what_no_rank_said_is_told_by_how_mpirun_ended_and_its_last_line(void **state)
{
    struct err err;
    struct outcome outcome = {.code = 127, .launched = true};
    outcome_add_line(&outcome, "mpirun: error while loading shared libraries: libopen-rte", 1);
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_string_equal(err.text,
                        "mpirun ended with code 127, and no rank said why; its last line: mpirun: "
                        "error while loading shared libraries: libopen-rte");
    outcome = (struct outcome){.code = 128 + SIGSEGV, .by_signal = true, .launched = true};
    judge(&outcome, *state, &err);
    assert_contains(err.text, "mpirun was ended by signal 11 (Segmentation fault) without a word");
    outcome = (struct outcome){.code = 139, .launched = true};
    judge(&outcome, *state, &err);
    assert_contains(err.text, "mpirun ended with code 139 without a word");
    // a code of ours alone says nothing
    outcome = (struct outcome){.code = ERR_USAGE, .launched = true};
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_contains(err.text, "ended with code 2");
}

static void a_rank_that_was_killed_is_named(void **state)
{
    struct err err;
    struct outcome outcome = {.code = 137, .launched = true};
    outcome_add_line(&outcome,
                     "mpirun noticed that process rank 2 with PID 77 on node h exited on signal 9 "
                     "(Killed).",
                     1);
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_contains(err.text, "worker 0 (rank 2 on h) was lost: killed by signal 9");
}

/* What the ranks that are left write, which were told to end. */
static void write_stopped(const char *folder)
{
    static const char status[] =
        "{\"incarnation\":3,\"code\":85,\"text\":\"stopped on request\",\"step\":7}\n";
    must_write_in(folder, "status.json", status, sizeof status - 1);
}

static void a_loss_is_no_stop_though_the_ranks_that_are_left_take_it_for_one(void **state)
{
    static const char lost[] = "mpirun noticed that process rank 3 with PID 77 on node h exited on "
                               "signal 9 (Killed).";
    struct err err;
    write_stopped(*state);
    struct outcome outcome = {.code = 137, .launched = true, .incarnation = 3};
    outcome_add_line(&outcome, lost, 1);
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_contains(err.text,
                    "worker 1 (rank 3 on h) was lost: killed by signal 9: the run is kept");
    outcome = (struct outcome){.code = 137, .by_signal = true, .launched = true, .incarnation = 3};
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_contains(err.text, "mpirun was ended by signal 9 (Killed): the run is kept");
    // but it is one where somebody asked for it, or a rank was ended by such a signal
    outcome = (struct outcome){.code = 137, .launched = true, .incarnation = 3, .asked = true};
    outcome_add_line(&outcome, lost, 1);
    assert_int_equal(judge(&outcome, *state, &err), ERR_STOPPED);
    outcome = (struct outcome){.code = 143, .by_signal = true, .launched = true, .incarnation = 3};
    assert_int_equal(judge(&outcome, *state, &err), ERR_STOPPED);
    outcome = (struct outcome){.code = 85, .launched = true, .incarnation = 3};
    assert_int_equal(judge(&outcome, *state, &err), ERR_STOPPED);
    assert_string_equal(err.text, "stopped on request");
}

static void a_rank_that_crashes_while_mpi_starts_is_told_with_what_to_look_at(void **state)
{
    struct err err;
    struct outcome outcome = {.code = 139};
    outcome_add_line(&outcome,
                     "mpirun noticed that process rank 0 with PID 77 on node h exited on signal 11 "
                     "(Segmentation fault).",
                     1);
    assert_int_equal(judge(&outcome, *state, &err), ERR_MACHINE);
    assert_contains(err.text, "the coordinator (rank 0 on h) was lost: killed by signal 11 while "
                              "MPI started");
    assert_contains(err.text, "OMPI_MCA_");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_code_of_ours_with_a_word_of_a_rank_is_the_runs_and_said_already),
        test_in_folder(what_no_rank_said_is_told_by_how_mpirun_ended_and_its_last_line),
        test_in_folder(a_rank_that_was_killed_is_named),
        test_in_folder(a_loss_is_no_stop_though_the_ranks_that_are_left_take_it_for_one),
        test_in_folder(a_rank_that_crashes_while_mpi_starts_is_told_with_what_to_look_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
