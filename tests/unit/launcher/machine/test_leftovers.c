/* What killed processes left is swept; what lives, or belongs to others, is not touched. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/machine/leftovers.h"
#include "launcher/machine/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOB = 0x1abc0001 };

/* A process that has marked a job, and waits to be killed. */
struct rank {
    pid_t pid;
};

/* Maps a file as MPI maps a segment. */
static void map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) < 0 ||
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(9);
    close(fd);
}

static char *segment(const char *shared, uint32_t job, int rank)
{
    return mem_format("%s/vader_segment.host.with.dots.%u.%x.%d", shared, (unsigned)geteuid(), job,
                      rank);
}

/* Starts one that marks the job and a session, and has a segment; returns when that is done. */
static struct rank start(const char *shared, const char *session, uint32_t job, int number)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    struct rank rank = {fork()};
    if (rank.pid == 0) {
        const struct leftovers_told told = {.session = session, .job = job};
        if (!leftovers_mark(shared, &told))
            _exit(8);
        char *path = segment(shared, job, number);
        map(path);
        if (write(ready[1], "", 1) != 1)
            _exit(7);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return rank;
}

static void stop(struct rank rank)
{
    kill(rank.pid, SIGKILL);
    waitpid(rank.pid, &(int){0}, 0);
}

static size_t n_files(const char *folder)
{
    struct err err;
    size_t n = 0;
    file_names_free(file_names(folder, &n, ERR_DATA, &err));
    return n;
}

static char *make_session(const char *tmp, const char *name)
{
    struct err err;
    char *above = mem_format("%s/ompi.h.%u", tmp, (unsigned)geteuid()),
         *path = file_join(above, name), *below = file_join(path, "0/0");
    assert_int_equal(file_make_dirs(below, ERR_DATA, &err), 0);
    must_write_in(path, "contact.txt", "x", 1);
    free(below);
    free(above);
    return path;
}

/* The number of a process that has ended. */
static pid_t dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, &(int){0}, 0);
    return pid;
}

struct places {
    char *shared, *tmp, *session;
};

static struct places places_new(const char *root)
{
    struct err err;
    char *name = mem_format("pid.%d", (int)dead_pid());
    struct places p = {.shared = file_join(root, "shm"), .tmp = file_join(root, "tmp")};
    assert_int_equal(file_make_dirs(p.shared, ERR_DATA, &err), 0);
    p.session = make_session(p.tmp, name);
    free(name);
    return p;
}

static void places_free(struct places *p)
{
    free(p->shared);
    free(p->tmp);
    free(p->session);
}

static void what_killed_ranks_left_goes_and_what_lives_stays(void **state)
{
    struct places p = places_new(*state);
    struct rank a = start(p.shared, p.session, JOB, 0), b = start(p.shared, p.session, JOB, 1);
    leftovers_sweep(p.shared);
    assert_int_equal(n_files(p.shared), 4);
    stop(a);
    leftovers_sweep(p.shared); // the other one may have it mapped
    assert_int_equal(n_files(p.shared), 4);
    assert_true(file_is_dir(p.session));
    stop(b);
    leftovers_sweep(p.shared);
    assert_int_equal(n_files(p.shared), 0);
    assert_false(file_exists(p.session));
    assert_int_equal(n_files(p.tmp), 0); // the folder above it as well
    places_free(&p);
}

static void what_no_mark_tells_of_belongs_to_others(void **state)
{
    struct places p = places_new(*state);
    char *others = segment(p.shared, JOB + 0x10000, 0), *like = segment(p.shared, JOB, 0),
         *like_more = mem_format("%s0", like), *session = make_session(p.tmp, "pid.2147483000");
    must_write(others, "x", 1);
    must_write_in(p.shared, "vader_segment.h.1.1abc0001.0", "x", 1); // another user's by its name
    must_write_in(p.shared, "sem.mine", "x", 1);
    struct rank a = start(p.shared, p.session, JOB, 0);
    stop(a);
    leftovers_sweep(p.shared);
    assert_false(file_exists(like));
    assert_true(file_exists(others));
    assert_int_equal(n_files(p.shared), 3);
    assert_false(file_exists(p.session));
    assert_true(file_exists(session));
    free(session);
    free(like_more);
    free(like);
    free(others);
    places_free(&p);
}

static void a_segment_that_another_process_has_mapped_stays_until_it_ends(void **state)
{
    struct places p = places_new(*state);
    struct rank a = start(p.shared, p.session, JOB, 0);
    char *path = segment(p.shared, JOB, 0);
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) { // it has no mark: a job of somebody else with the same number
        map(path);
        if (write(ready[1], "", 1) != 1)
            _exit(7);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    stop(a);
    leftovers_sweep(p.shared);
    assert_true(file_exists(path));
    stop((struct rank){pid});
    leftovers_sweep(p.shared);
    assert_int_equal(n_files(p.shared), 0);
    close(ready[0]);
    close(ready[1]);
    free(path);
    places_free(&p);
}

static void the_session_of_an_mpirun_goes_when_both_are_dead(void **state)
{
    struct places p = places_new(*state);
    const pid_t mpirun = (pid_t)strtol(strrchr(p.session, '.') + 1, NULL, 10);
    pid_t pid = fork();
    if (pid == 0) {
        const struct leftovers_told told = {.above = p.tmp, .mpirun = mpirun};
        _exit(leftovers_mark(p.shared, &told) ? 0 : 1);
    }
    waitpid(pid, &(int){0}, 0);
    leftovers_sweep(p.shared);
    assert_false(file_exists(p.session));
    assert_int_equal(n_files(p.shared), 0);
    // of one that lives it stays
    char *name = mem_format("pid.%d", (int)getpid()), *living = make_session(p.tmp, name);
    const struct leftovers_told told = {.above = p.tmp, .mpirun = getpid()};
    leftovers_mark_over(leftovers_mark(p.shared, &told));
    leftovers_sweep(p.shared);
    assert_true(file_is_dir(living));
    assert_int_equal(n_files(p.shared), 1);
    free(living);
    free(name);
    places_free(&p);
}

static void a_mark_leads_nowhere_but_to_segments_and_sessions(void **state)
{
    struct places p = places_new(*state);
    char *name = mem_format("trireme.%u.1.abcdef", (unsigned)geteuid()),
         *letters = file_join(p.tmp, "letters"), *lines = NULL;
    must_write_in(letters, "a", "dear", 4);
    lines = mem_format("session %s\nsegment %s/a\nsegment %s/../tmp/letters/a\nsession %s/../..\n"
                       "session relative/pid.1\nmpirun x\nmpirun -1 %s\nnonsense\n\njob\n",
                       letters, letters, p.shared, p.session, p.tmp);
    must_write_in(p.shared, name, lines, strlen(lines));
    leftovers_sweep(p.shared);
    assert_int_equal(n_files(letters), 1);
    assert_true(file_is_dir(p.session));
    assert_int_equal(n_files(p.shared), 0);
    free(lines);
    free(letters);
    free(name);
    places_free(&p);
}

static void a_process_that_ends_removes_its_mark_and_says_what_it_had_mapped(void **state)
{
    struct places p = places_new(*state);
    char *path = segment(p.shared, JOB, 0);
    struct leftovers_mark *mark = leftovers_mark(p.shared, &(struct leftovers_told){0});
    assert_non_null(mark);
    map(path);
    leftovers_mark_mapped(mark);
    struct err err;
    size_t n = 0;
    char **names = file_names(p.shared, &n, ERR_DATA, &err),
         *line = mem_format("segment %s\n", path);
    char *text = must_read_in(p.shared, names[0], NULL);
    assert_string_equal(text, line);
    free(text);
    free(line);
    file_names_free(names);
    leftovers_unmark(mark);
    assert_int_equal(n_files(p.shared), 1);
    assert_null(leftovers_mark("/nowhere", &(struct leftovers_told){0}));
    leftovers_mark_mapped(NULL);
    leftovers_unmark(NULL);
    leftovers_sweep("/nowhere");
    free(path);
    places_free(&p);
}

static void the_processes_of_an_mpirun_that_was_killed_are_ended(void **state)
{
    struct places p = places_new(*state);
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t mpirun = fork();
    if (mpirun == 0) {
        setsid();
        if (fork() == 0) { // a rank that does not hear that mpirun is gone
            signal(SIGTERM, SIG_IGN);
            setpgid(0, 0);
            if (write(ready[1], "", 1) != 1)
                _exit(7);
            for (;;)
                pause();
        }
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(processes_of_session(mpirun, 0), 2);
    kill(mpirun, SIGKILL);
    waitpid(mpirun, &(int){0}, 0);
    leftovers_end(p.shared, mpirun);
    assert_int_equal(processes_of_session(mpirun, 0), 0);
    close(ready[0]);
    close(ready[1]);
    places_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(what_killed_ranks_left_goes_and_what_lives_stays),
        test_in_folder(what_no_mark_tells_of_belongs_to_others),
        test_in_folder(a_segment_that_another_process_has_mapped_stays_until_it_ends),
        test_in_folder(the_session_of_an_mpirun_goes_when_both_are_dead),
        test_in_folder(a_mark_leads_nowhere_but_to_segments_and_sessions),
        test_in_folder(a_process_that_ends_removes_its_mark_and_says_what_it_had_mapped),
        test_in_folder(the_processes_of_an_mpirun_that_was_killed_are_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
