#include "tests/unit/support.h"

#include "proto/net/endpoint.h"
#include "proto/net/mpi_transport.h"

#include <sys/wait.h>
#include <unistd.h>

// MPI's own functions, in whose place those below are called, because the program has them first.
int PMPI_Init_thread(int *n, char ***arguments, int required, int *provided);
int PMPI_Finalize(void);
int MPI_Init_thread(int *n, char ***arguments, int required, int *provided);
int MPI_Finalize(void);

static bool holds_up_start, holds_up_end;

static void hold_up(bool yes)
{
    while (yes)
        pause();
}

int MPI_Init_thread(int *n, char ***arguments, int required, int *provided)
{
    hold_up(holds_up_start);
    return PMPI_Init_thread(n, arguments, required, provided);
}

int MPI_Finalize(void)
{
    hold_up(holds_up_end);
    return PMPI_Finalize();
}

/* Runs it in a process of its own, with a TMPDIR. Returns the exit code, or 128 and a signal; said:
 * what was written to stderr. */
static int in_process(char *said, size_t size, const char *folder, void (*run)(void))
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("TMPDIR", folder, 1); // nothing is left behind
        setenv("OMPI_MCA_btl", "self", 1);
        run();
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; n + 1 < size && (got = read(ends[0], said + n, size - 1 - n)) > 0;)
        n += (size_t)got;
    said[n] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void open_held_up(void)
{
    holds_up_start = true;
    mpi_transport_open(0.2, "the ranks are not connected");
}

static void close_held_up(void)
{
    struct endpoint *endpoint = mpi_transport_open(300, "late");
    holds_up_end = true;
    mpi_transport_close(endpoint, ERR_STOPPED, "stopped on request");
}

static void open_and_close(void)
{
    struct endpoint *endpoint = mpi_transport_open(300, "late");
    if (endpoint->size != 1 || endpoint->rank != 0)
        _exit(1);
    mpi_transport_close(endpoint, ERR_MACHINE, "late");
}

static void ranks_that_are_not_connected_within_the_bound_are_told_by_a_sentence(void **state)
{
    char said[4000];
    assert_int_equal(in_process(said, sizeof said, *state, open_held_up), ERR_MACHINE);
    assert_string_equal(said, "trireme: the ranks are not connected\n");
}

static void a_rank_that_others_do_not_let_finish_ends_with_the_runs_code(void **state)
{
    char said[4000];
    assert_int_equal(in_process(said, sizeof said, *state, close_held_up), ERR_STOPPED);
    assert_contains(said, "trireme: stopped on request\n");
}

static void within_the_bounds_nothing_is_said(void **state)
{
    char said[4000];
    assert_int_equal(in_process(said, sizeof said, *state, open_and_close), 0);
    assert_null(strstr(said, "late"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(ranks_that_are_not_connected_within_the_bound_are_told_by_a_sentence),
        test_in_folder(a_rank_that_others_do_not_let_finish_ends_with_the_runs_code),
        test_in_folder(within_the_bounds_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
