/* The right to write to a run: which kind of lock it is, who is told to hold it, and how an older
 * launch finds out that it does not any more. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/clock.h"
#include "coordinator/run/file_lock.h"
#include "coordinator/run/holder.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/run_lock.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int flock_error;
static double stale_seconds = 0.5;

static int flock_that_fails(int fd, int operation)
{
    (void)fd, (void)operation;
    errno = flock_error;
    return -1;
}

static int flock_for_everybody(int fd, int operation)
{
    (void)fd, (void)operation;
    return 0;
}

/* As the program's, with waits that a test can wait for. */
static struct run_lock_system system_with(file_lock_fn lock)
{
    return (struct run_lock_system){.flock = lock,
                                    .beat_seconds = 0.02,
                                    .stale_seconds = stale_seconds,
                                    .settle_seconds = 0.02};
}

static struct run_lock *take(const char *run, file_lock_fn lock)
{
    struct err err;
    struct run_lock *l = NULL;
    const struct run_lock_system system = system_with(lock);
    if (run_lock_take(&l, run, &system, &err) < 0)
        fail_msg("%s", err.text);
    return l;
}

static void refuse(const char *run, file_lock_fn lock, enum err_code code, const char *part)
{
    struct err err;
    struct run_lock *l = NULL;
    const struct run_lock_system system = system_with(lock);
    if (run_lock_take(&l, run, &system, &err) == 0)
        fail_msg("a second launch got the run");
    assert_null(l);
    assert_int_equal(err.code, code);
    assert_contains(err.text, part);
}

static bool is_there(const char *run, const char *name)
{
    char *path = file_join(run, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

static void check_excludes(const char *run, file_lock_fn lock, const char *note)
{
    struct run_lock *l = take(run, lock);
    if (note[0])
        assert_contains(run_lock_note(l), note);
    else
        assert_string_equal(run_lock_note(l), "");
    char *me = mem_format("is being trained by another process (process %ld on ", (long)getpid());
    refuse(run, lock, ERR_USAGE, me);
    assert_true(run_lock_is_held(run));
    uint64_t number = 0;
    struct err err;
    assert_int_equal(incarnation_read(&number, run, &err), 0);
    assert_int_equal(number, run_lock_incarnation(l)); // the refused one has left nothing
    assert_int_equal(run_lock_check(l, &err), 0);
    run_lock_release(l);
    assert_false(run_lock_is_held(run));
    assert_false(is_there(run, "lock.json"));
    l = take(run, lock);
    assert_int_equal(run_lock_incarnation(l), number + 1);
    run_lock_release(l);
    free(me);
}

static void one_launch_at_a_time_has_a_run_by_flock(void **state)
{
    check_excludes(*state, flock, "");
}

static void a_flock_that_everybody_gets_is_found_out_and_a_file_excludes_instead(void **state)
{
    check_excludes(*state, flock_for_everybody,
                   "flock succeeds, but does not keep a second one out: two launches are kept "
                   "apart by lock.json");
}

static void a_flock_that_is_not_there_is_said_and_a_file_excludes_instead(void **state)
{
    const int errors[] = {ENOSYS, EOPNOTSUPP, EIO, ENOLCK};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        flock_error = errors[i];
        char *note = mem_format("flock fails (%s)", strerror(errors[i]));
        check_excludes(*state, flock_that_fails, note);
        free(note);
    }
}

static void
an_error_of_flock_that_says_nothing_of_others_is_not_told_as_another_launch(void **state)
{
    flock_error = EBADF;
    refuse(*state, flock_that_fails, ERR_MACHINE, "lock: cannot lock: Bad file descriptor");
    assert_false(is_there(*state, "incarnation"));
    assert_false(is_there(*state, "lock.json"));
}

static void where_no_lock_excludes_a_folder_says_why(void **state)
{
    char *why = file_lock_missing(*state);
    assert_null(why);
    why = file_lock_missing("/proc/nowhere");
    assert_contains(why, "no file can be made there");
    free(why);
}

#define NOT_KNOWN UINT64_MAX

/* Writes lock.json as another launch left it; machine NULL: this one. began: of its process; 0: as
 * this one. */
static void leave_holder(const char *run, const char *machine, pid_t pid, uint64_t began)
{
    Trireme__Holder *h = holder_self(41, TRIREME__HOLDER__LOCK__file);
    if (machine) {
        free(h->machine);
        h->machine = mem_strdup(machine);
        free(h->host);
        h->host = mem_strdup("far");
    }
    h->pid = (uint64_t)pid;
    h->began = began == NOT_KNOWN ? 0 : began ? began : h->began;
    char *text = holder_text(h);
    must_write_text(run, "lock.json", text);
    free(text);
    message_free(h);
}

static pid_t dead_pid(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, &status, 0);
    return pid;
}

static void a_holder_of_this_machine_that_is_dead_is_relieved_at_once_with_a_line(void **state)
{
    leave_holder(*state, NULL, dead_pid(), 0);
    double began = clock_now();
    stale_seconds = 60;
    struct run_lock *l = take(*state, flock_for_everybody);
    assert_contains(run_lock_note(l), "the launch before is dead and was relieved: process ");
    assert_contains(run_lock_note(l), "launch 41");
    assert_true(clock_now() - began < 30); // it was not waited for
    stale_seconds = 0.5;
    run_lock_release(l);
    pid_t zombie = fork();
    if (zombie == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
    leave_holder(*state, NULL, zombie, NOT_KNOWN); // dead, and not yet asked for its exit code
    run_lock_release(take(*state, flock_for_everybody));
    waitpid(zombie, &(int){0}, 0);
    leave_holder(*state, NULL, getpid(), 1); // the number was given to another process
    run_lock_release(take(*state, flock_for_everybody));
    leave_holder(*state, NULL, getpid(), 0);
    refuse(*state, flock_for_everybody, ERR_USAGE, "launch 41");
}

static void
a_holder_elsewhere_that_touches_its_file_is_alive_and_one_that_does_not_is_relieved(void **state)
{
    char *path = holder_path(*state);
    file_lock_fn const kinds[] = {flock_for_everybody, flock};
    for (int k = 0; k < 2; k++) {
        leave_holder(*state, "another boot", 1, 0);
        assert_true(run_lock_is_held(*state));
        pid_t pid = fork();
        if (pid == 0) {
            for (;;) {
                clock_sleep(0.01);
                utimensat(AT_FDCWD, path, NULL, 0);
            }
        }
        stale_seconds = 5;
        // flock may exclude on each node by itself alone
        refuse(*state, kinds[k], ERR_USAGE, "process 1 on far, launch 41");
        kill(pid, SIGKILL);
        waitpid(pid, &(int){0}, 0);
        stale_seconds = 0.5;
        struct run_lock *l = take(*state, kinds[k]);
        assert_contains(run_lock_note(l), "dead and was relieved: process 1 on far");
        run_lock_release(l);
    }
    // one that was silent for long by the file's own time is not waited for
    leave_holder(*state, "another boot", 1, 0);
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    double began = clock_now();
    stale_seconds = 60;
    run_lock_release(take(*state, flock));
    stale_seconds = 0.5;
    assert_true(clock_now() - began < 30);
    free(path);
}

static void half_a_file_of_a_launch_that_died_is_relieved_and_its_writer_is_not_named(void **state)
{
    must_write_text(*state, "lock.json", "{\"host\":\"h");
    struct run_lock *l = take(*state, flock_for_everybody);
    assert_contains(run_lock_note(l), "does not say which");
    run_lock_release(l);
}

static void the_holder_touches_its_file(void **state)
{
    char *path = holder_path(*state);
    struct run_lock *l = take(*state, flock);
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct stat st = {0};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    for (double end = clock_now() + 20; st.st_mtim.tv_sec <= 1000 && clock_now() < end;) {
        clock_sleep(0.005);
        stat(path, &st);
    }
    assert_true(st.st_mtim.tv_sec > 1000);
    run_lock_release(l);
    free(path);
}

static void an_older_launch_finds_out_and_touches_nothing_more(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err, how = {.code = ERR_MACHINE, .text = "late"};
    Trireme__EventLine line = TRIREME__EVENT_LINE__INIT;
    run_dir_claim(&run, dir);
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
    metrics_belongs(m, &run);
    assert_int_equal(metrics_write(m, &line, &err), 0);
    assert_int_equal(metrics_sync(m, &err), 0);
    assert_int_equal(incarnation_write(dir->run, 7, &err), 0);
    must_write_text(dir->run, "status.json", "of launch 7");
    size_t size = 0, after = 0;
    free(must_read_in(dir->run, "metrics.jsonl", &size));
    assert_int_equal(metrics_sync(m, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "a newer launch (incarnation 7, this one is 1) has taken this run");
    assert_int_equal(metrics_write(m, &line, &err), -1);
    assert_contains(err.text, "a newer launch (incarnation 7");
    assert_int_equal(run_status_write(&run, 3, &how, &err), -1);
    // also if the number comes back: it was another's in between
    assert_int_equal(incarnation_write(dir->run, 1, &err), 0);
    assert_int_equal(run_check(&run, &err), -1);
    metrics_free(m);
    char *holder = must_read_in(dir->run, "lock.json", NULL),
         *status = must_read_in(dir->run, "status.json", NULL);
    free(must_read_in(dir->run, "metrics.jsonl", &after));
    assert_int_equal(after, size);
    assert_string_equal(status, "of launch 7");
    free(status);
    free(holder);
    run_clear(&run);
}

static void a_launch_of_the_same_number_is_told_apart_by_the_file(void **state)
{
    struct err err;
    struct run_lock *l = take(*state, flock_for_everybody);
    leave_holder(*state, "another boot", 9, 0);
    assert_int_equal(run_lock_check(l, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "another launch has taken this run (process 9 on far");
    run_lock_release(l);
    assert_true(is_there(*state, "lock.json")); // the other one's
}

static void the_loss_is_seen_while_the_file_is_touched(void **state)
{
    struct err err;
    struct run_lock *l = take(*state, flock);
    assert_int_equal(incarnation_write(*state, 9, &err), 0);
    int rc = 0;
    for (double end = clock_now() + 20; (rc = run_lock_check_seen(l, &err)) == 0;) {
        if (clock_now() > end)
            fail_msg("not seen within 20 s");
        clock_sleep(0.005);
    }
    assert_contains(err.text, "a newer launch (incarnation 9");
    run_lock_release(l);
}

/* A launch: begins when `go` is closed, and holds the run until `end` is. Ends with 0 if it got the
 * run and kept it, with 1 if it was refused. */
static void launch(const char *run, file_lock_fn lock, int go, int end)
{
    char byte;
    struct run_lock *l = NULL;
    struct err err;
    struct run_lock_system system = system_with(lock);
    system.settle_seconds = 0.3;
    if (read(go, &byte, 1) != 0)
        _exit(9);
    if (run_lock_take(&l, run, &system, &err) < 0)
        _exit(err.code == ERR_USAGE ? 1 : 8);
    poll(&(struct pollfd){.fd = end, .events = POLLIN}, 1, 20000);
    int rc = run_lock_check(l, &err) == 0 ? 0 : 7;
    run_lock_release(l);
    _exit(rc);
}

static void of_launches_at_once_one_gets_the_run(void **state)
{
    enum { LAUNCHES = 6, ROUNDS = 8 };
    file_lock_fn const kinds[] = {flock, flock_for_everybody};
    for (int round = 0; round < ROUNDS; round++) {
        int go[2], end[2], n_got = 0, status = 0;
        // every other time there is a dead one to be relieved
        if (round & 1)
            leave_holder(*state, NULL, dead_pid(), 0);
        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(end), 0);
        for (int i = 0; i < LAUNCHES; i++) {
            if (fork())
                continue;
            close(go[1]);
            close(end[1]);
            launch(*state, kinds[round / 2 & 1], go[0], end[0]);
        }
        close(go[1]);
        for (int i = 0; i < LAUNCHES; i++) {
            if (i == LAUNCHES - 1)
                close(end[1]); // the others were refused
            wait(&status);
            if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
                fail_msg("a launch ended with %#x", (unsigned)status);
            n_got += WEXITSTATUS(status) == 0;
        }
        close(go[0]);
        close(end[0]);
        assert_int_equal(n_got, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(one_launch_at_a_time_has_a_run_by_flock),
        test_in_folder(a_flock_that_everybody_gets_is_found_out_and_a_file_excludes_instead),
        test_in_folder(a_flock_that_is_not_there_is_said_and_a_file_excludes_instead),
        test_in_folder(an_error_of_flock_that_says_nothing_of_others_is_not_told_as_another_launch),
        test_in_folder(where_no_lock_excludes_a_folder_says_why),
        test_in_folder(a_holder_of_this_machine_that_is_dead_is_relieved_at_once_with_a_line),
        test_in_folder(
            a_holder_elsewhere_that_touches_its_file_is_alive_and_one_that_does_not_is_relieved),
        test_in_folder(half_a_file_of_a_launch_that_died_is_relieved_and_its_writer_is_not_named),
        test_in_folder(the_holder_touches_its_file),
        test_in_run_dir(an_older_launch_finds_out_and_touches_nothing_more),
        test_in_folder(a_launch_of_the_same_number_is_told_apart_by_the_file),
        test_in_folder(the_loss_is_seen_while_the_file_is_touched),
        test_in_folder(of_launches_at_once_one_gets_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
