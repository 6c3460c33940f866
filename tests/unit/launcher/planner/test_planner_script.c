#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "launcher/planner/planner_script.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const double long_enough = 30; /* seconds, for what an idle machine does at once */

/* A planner program of a script, and the folder of its run. */
struct harness {
    char *run;
    struct planner *planner;
    Trireme__Briefing *briefing;
    Trireme__Proposals *answer;
    struct err err;
};

/* On a machine that offers less. */
static void pass_over(void *context, const char *sentence)
{
    (void)context, (void)sentence;
}

/* A configuration with that command. */
static Trireme__Config *config_of(const char *const *command, size_t n, double patience)
{
    char *settings[] = {(char *)"data.sources.0.path=a"};
    struct err err;
    Trireme__Config *config = run_config_read(NULL, settings, 1, &err);
    Trireme__Experiment *e = config->experiment;
    e->patience = patience;
    e->command = calloc(n ? n : 1, sizeof *e->command);
    for (; e->n_command < n; e->n_command++)
        e->command[e->n_command] = strdup(command[e->n_command]);
    return config;
}

static struct harness harness_new(const char *script, double patience)
{
    struct harness s = {.run = test_folder_new(),
                        .briefing = message_new(&trireme__briefing__descriptor)};
    const char *const command[] = {"/bin/sh", "-c", script, "planner"};
    Trireme__Config *config = config_of(command, 4, patience);
    s.planner = planner_script_new(config, s.run, NULL, pass_over, NULL, &s.err);
    if (!s.planner)
        fail_msg("%s", s.err.text);
    message_free(config);
    return s;
}

static void harness_free(struct harness *s)
{
    s->planner->ops->free(s->planner);
    message_free(s->briefing);
    message_free(s->answer);
    test_folder_free(s->run);
}

/* Polls until there is something; each call must return at once. */
static enum planner_answer next_answer(struct harness *s)
{
    double end = clock_now() + long_enough;
    message_free(s->answer);
    s->answer = NULL;
    while (clock_now() < end) {
        enum planner_answer kind = s->planner->ops->poll(s->planner, &s->answer, &s->err);
        if (kind != PLANNER_NOTHING)
            return kind;
        clock_sleep(0.005);
    }
    return PLANNER_NOTHING;
}

static enum planner_answer ask(struct harness *s)
{
    s->planner->ops->ask(s->planner, s->briefing);
    return next_answer(s);
}

/* Awaits a text on the planner's stderr; all that it wrote there, the caller's. */
static char *wait_for_log(struct harness *s, const char *text)
{
    double end = clock_now() + long_enough;
    char *path = file_join(s->run, "planner.log"), *log = NULL;
    while (clock_now() < end && (!log || !strstr(log, text))) {
        assert_int_equal(s->planner->ops->poll(s->planner, &s->answer, &s->err), PLANNER_NOTHING);
        free(log);
        log = file_exists(path) ? must_read(path, NULL) : NULL;
        clock_sleep(0.005);
    }
    free(path);
    if (!log || !strstr(log, text))
        fail_msg("the planner did not say %s", text);
    return log;
}

/* A process with that text in its command line, as it is numbered here; 0: there is none. */
static pid_t process_with(const char *text)
{
    pid_t found = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; (e = readdir(proc)) && !found;) {
        char path[sizeof *e], words[1 << 12];
        snprintf(path, sizeof path, "/proc/%.20s/cmdline", e->d_name);
        FILE *f = isdigit((unsigned char)e->d_name[0]) ? fopen(path, "r") : NULL;
        size_t size = f ? fread(words, 1, sizeof words, f) : 0;
        if (f)
            fclose(f);
        if (memmem(words, size, text, strlen(text)) && atoi(e->d_name) != getpid())
            found = atoi(e->d_name);
    }
    closedir(proc);
    return found;
}

static pid_t wait_for_process(const char *text)
{
    double end = clock_now() + long_enough;
    pid_t pid = 0;
    while (clock_now() < end && (pid = process_with(text)) == 0)
        clock_sleep(0.005);
    if (pid == 0)
        fail_msg("no process with %s", text);
    return pid;
}

/* Whether the process ends within the time. */
static bool ends(pid_t pid)
{
    double end = clock_now() + long_enough;
    while (clock_now() < end) {
        char path[64], state = 'Z';
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "r");
        if (!f)
            return true;
        int read = fscanf(f, "%*d %*s %c", &state);
        fclose(f);
        if (read != 1 ||
            state == 'Z') // a zombie counts as ended: a container may have no init that reaps it
            return true;
        clock_sleep(0.005);
    }
    return false;
}

static void a_briefing_goes_in_and_proposals_come_out(void **state)
{
    (void)state;
    struct harness s = harness_new("n=0; while read -r line; do n=$((n+1)); echo \"$n $line\" >&2; "
                                   "echo '{\"proposals\": [{\"id\": \"a'$n'\", \"patch\": "
                                   "{\"optimizer.lr\": 0.0005}, "
                                   "\"hypothesis\": \"h\"}]}'; done",
                                   long_enough);
    s.briefing->has_step = 1, s.briefing->step = 123;
    assert_int_equal(s.planner->ops->poll(s.planner, &s.answer, &s.err), PLANNER_NOTHING);
    for (int i = 1; i <= 3; i++) {
        char id[8], begin[16];
        snprintf(id, sizeof id, "a%d", i);
        snprintf(begin, sizeof begin, "%d {", i);
        assert_int_equal(ask(&s), PLANNER_PROPOSALS);
        assert_int_equal(s.answer->n_proposals, 1);
        const Trireme__Proposal *p = s.answer->proposals[0];
        assert_string_equal(p->id, id);
        assert_int_equal(p->n_patch, 1);
        assert_string_equal(p->patch[0]->path, "optimizer.lr");
        assert_string_equal(p->patch[0]->value, "0.0005");
        char *log = wait_for_log(&s, begin);
        assert_contains(strstr(log, begin), "\"step\":123");
        free(log);
    }
    harness_free(&s);
}

static void one_that_sleeps_is_killed_with_its_children_when_patience_ends(void **state)
{
    (void)state;
    struct harness s = harness_new("sleep 1000.25 & sleep 1000.25", 0.3);
    double begun = clock_now();
    assert_int_equal(ask(&s), PLANNER_FAILED);
    assert_true(clock_now() - begun >= 0.3);
    assert_contains(s.err.text, "the planner gave no answer within 0.3 s (experiment.patience)");
    assert_contains(s.err.text, "planner.log");
    pid_t child = process_with("1000.25"); // one that is on its way out
    assert_true(child == 0 || ends(child));
    assert_int_equal(process_with("1000.25"), 0);
    harness_free(&s);
}

static void after_three_failures_in_a_row_it_is_gone(void **state)
{
    (void)state;
    struct harness s = harness_new("echo oops >&2; exit 3", long_enough);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&s), i < 2 ? PLANNER_FAILED : PLANNER_GONE);
        assert_contains(s.err.text, "the planner ended with exit status 3 without an answer");
    }
    assert_contains(s.err.text, "that was failure 3 in a row: it is asked no more");
    assert_int_equal(s.planner->ops->poll(s.planner, &s.answer, &s.err), PLANNER_NOTHING);
    char *log = must_read_in(s.run, "planner.log", NULL);
    assert_string_equal(log, "oops\noops\noops\n");
    free(log);
    harness_free(&s);
}

static void an_answer_forgives_the_failures_before_it(void **state)
{
    (void)state;
    struct harness s =
        harness_new("read -r line; case $line in *'\"step\":'[369]*) echo '{}';; esac; "
                    "kill -9 $$",
                    long_enough);
    s.briefing->has_step = 1;
    for (int i = 1; i <= 9; i++) {
        s.briefing->step = (uint64_t)i;
        assert_int_equal(ask(&s), i % 3 ? PLANNER_FAILED : PLANNER_PROPOSALS);
        if (i % 3)
            assert_contains(s.err.text, "the planner was ended by signal 9 without an answer");
        else
            assert_int_equal(s.answer->n_proposals, 0);
    }
    harness_free(&s);
}

static void one_that_ends_after_each_answer_is_started_for_each_question(void **state)
{
    (void)state;
    struct harness s =
        harness_new("read -r line; echo '{\"proposals\":[]}'; echo x >&2", long_enough);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    char *starts = must_read_in(s.run, "planner.log", NULL);
    assert_true(strlen(starts) >= 2 * 4);
    free(starts);
    harness_free(&s);
}

static void what_is_no_answer_is_a_failure_with_a_sentence(void **state)
{
    (void)state;
    const char *const cases[][2] = {
  // clang-format off
        {"echo hello", "the planner's answer"},
        {"echo '{\"proposals\": 3}'", "proposals"},
        {"echo '{\"proposal\": []}'", "unknown key"},
        {"echo '{\"proposals\": [{\"shell\": \"rm\"}]}'", "unknown key"},
        {"echo '{\"proposals\": [{\"budget\": -1}]}'", "budget"},
        {"printf '{\"proposals\": [{\"id\": \"\\377\"}]}\\n'", "the planner's answer"},
        {"printf '{}\\0{}\\n'", "the planner's answer"},
        {"echo", "the planner's answer"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char script[256];
        snprintf(script, sizeof script, "while read -r line; do %s; done", cases[i][0]);
        struct harness s = harness_new(script, long_enough);
        if (ask(&s) != PLANNER_FAILED)
            fail_msg("%s: not refused", cases[i][0]);
        assert_contains(s.err.text, cases[i][1]);
        assert_int_equal(s.err.code, ERR_USAGE);
        harness_free(&s);
    }
}

static void a_line_without_end_is_cut_off(void **state)
{
    (void)state;
    struct harness s = harness_new("read -r line; exec tr '\\0' x < /dev/zero", long_enough);
    assert_int_equal(ask(&s), PLANNER_FAILED);
    assert_contains(s.err.text, "more than 1048576 bytes in a line");
    harness_free(&s);
}

static void a_flood_of_answers_is_ended(void **state)
{
    (void)state;
    struct harness s = harness_new("read -r line; exec yes '{\"proposals\":[]}'", long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    assert_int_equal(next_answer(&s), PLANNER_FAILED);
    assert_contains(s.err.text, "more than 1048576 bytes that nobody asked for");
    assert_int_equal(ask(&s), PLANNER_PROPOSALS); // started anew
    assert_int_equal(next_answer(&s), PLANNER_FAILED);
    harness_free(&s);
}

static uint64_t size_of(const struct harness *s, const char *name)
{
    char *path = file_join(s->run, name);
    struct err err;
    size_t size = 0;
    free(file_read(path, &size, ERR_USAGE, &err));
    free(path);
    return size;
}

static void what_it_says_is_kept_and_of_very_much_the_end(void **state)
{
    (void)state;
    struct harness s =
        harness_new("read -r line; yes 0123456789 | head -c 20000000 >&2; echo the end >&2; "
                    "echo '{\"proposals\": []}'; cat",
                    long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    char *log = wait_for_log(&s, "the end\n"); // what is still in the pipe
    assert_in_range(size_of(&s, "planner.log") + size_of(&s, "planner.log.before"), 4 << 20,
                    9 << 20);
    free(log);
    harness_free(&s);
}

static void of_a_thousand_proposals_the_first_64_are_taken(void **state)
{
    (void)state;
    struct harness s =
        harness_new("read -r line; printf '{\"proposals\": ['; i=0; while [ $i -lt 999 ]; do "
                    "printf '{\"id\": \"p%d\"},' $i; i=$((i+1)); done; echo "
                    "'{\"id\": \"end\"}]}'; cat",
                    long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    assert_int_equal(s.answer->n_proposals, 64);
    assert_string_equal(s.answer->proposals[63]->id, "p63");
    char *log = must_read_in(s.run, "planner.log", NULL);
    assert_contains(log, "1000 proposals in one answer: the first 64 were taken");
    free(log);
    harness_free(&s);
}

static void a_long_briefing_does_not_hold_up_whoever_asks(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    struct harness s = harness_new("sleep 1000", 0.3), t;
    s.briefing->config = malloc(sizeof *s.briefing->config);
    s.briefing->config[0] = message_new(&trireme__change__descriptor);
    s.briefing->n_config = 1;
    s.briefing->config[0]->path = strdup("a");
    s.briefing->config[0]->value = malloc(SIZE + 1);
    memset(s.briefing->config[0]->value, 'x', SIZE);
    s.briefing->config[0]->value[SIZE] = 0;
    assert_int_equal(ask(&s), PLANNER_FAILED);
    assert_contains(s.err.text, "no answer within");
    // one that reads all of it before it answers gets all of it
    t = harness_new("read -r line; echo ${#line} >&2; echo '{}'; cat", long_enough);
    Trireme__Briefing *own = t.briefing;
    t.briefing = s.briefing;
    assert_int_equal(ask(&t), PLANNER_PROPOSALS);
    char *size = wait_for_log(&t, "\n");
    assert_true(atoi(size) > SIZE);
    free(size);
    t.briefing = own;
    harness_free(&t);
    // one that answers before is refused
    t = harness_new("echo '{}'; sleep 1000", long_enough);
    own = t.briefing;
    t.briefing = s.briefing;
    assert_int_equal(ask(&t), PLANNER_FAILED);
    assert_contains(t.err.text, "before it had read the briefing");
    t.briefing = own;
    harness_free(&t);
    harness_free(&s);
}

static void the_program_gets_no_files_and_no_variables_of_the_job(void **state)
{
    (void)state;
    setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    setenv("PMIX_RANK", "0", 1);
    setenv("SLURM_JOB_ID", "7", 1);
    setenv("TRIREME_TEST_KEPT", "no", 1);
    setenv("SERVICE_API_KEY", "no", 1);
    setenv("PLANNER_KEY", "yes", 1);
    int secret = open("/dev/null", O_RDONLY); // not close-on-exec, as MPI's may be
    struct harness s = harness_new(
        "read -r line; env >&2; echo files >&2; ls /proc/$$/fd >&2; echo end >&2; echo '{}'; "
        "cat",
        long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    char *env = wait_for_log(&s, "end\n"), *fds = strstr(env, "files\n") + sizeof "files";
    assert_contains(env, "PLANNER_KEY=yes");
    assert_contains(env, "PYTHONUNBUFFERED=1");
    const char *const gone[] = {"OMPI_", "PMIX_", "SLURM_", "TRIREME_", "SERVICE_"};
    for (size_t i = 0; i < 5; i++)
        assert_null(strstr(env, gone[i]));
    assert_true(secret > 2);
    int n_files = 0;
    for (char *fd = strtok(fds, "\n"); fd && strcmp(fd, "end"); fd = strtok(NULL, "\n")) {
        assert_true(atoi(fd) <= 2 || atoi(fd) >= 10); // a shell keeps its own from 10 on
        n_files++;
    }
    assert_true(n_files >= 3);
    free(env);
    close(secret);
    harness_free(&s);
}

static void it_dies_with_whoever_asks(void **state)
{
    (void)state;
    struct harness s = harness_new("exec sleep 1000.5", long_enough);
    pid_t asker = fork();
    if (asker == 0) {
        s.planner->ops->ask(s.planner, s.briefing);
        s.planner->ops->poll(s.planner, &s.answer, &s.err);
        wait_for_process("1000.5");
        _exit(0); // without a word to the planner
    }
    assert_int_equal(waitpid(asker, NULL, 0), asker);
    pid_t left = process_with("1000.5");
    assert_true(left == 0 || ends(left));
    harness_free(&s);
}

/* Who looks for a rank by its command line or environment must not take its child for it. */
static void no_child_looks_like_whoever_asks(void **state)
{
    (void)state;
    struct harness s = harness_new("read -r line; echo '{}'; exec sleep 1000.75", long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    wait_for_process("1000.75");
    char *own = NULL;
    size_t room = 0;
    FILE *f = fopen("/proc/self/cmdline", "r");
    assert_true(getdelim(&own, &room, 0, f) > 0);
    fclose(f);
    assert_int_equal(process_with(own), 0);
    free(own);
    harness_free(&s);
}

static void it_is_killed_when_it_is_freed(void **state)
{
    (void)state;
    struct harness s =
        harness_new("trap '' TERM HUP; read -r line; echo '{}'; while :; do sleep 1.125; "
                    "done",
                    long_enough);
    assert_int_equal(ask(&s), PLANNER_PROPOSALS);
    pid_t pid = wait_for_process("1.125");
    harness_free(&s);
    assert_true(ends(pid));
    assert_int_equal(process_with("sleep 1.125"), 0);
}

static void a_program_that_is_none_is_refused_before_the_run(void **state)
{
    (void)state;
    char *folder = test_folder_new(), *plain = file_join(folder, "plain.py");
    struct err err = {0};
    assert_int_equal(file_write_atomic(plain, "x", 1, ERR_USAGE, &err), 0);
    const char *const cases[][2] = {
  // clang-format off
        {"no-such-program-anywhere",
         "experiment.command: 'no-such-program-anywhere': found no such program in PATH"},
        {"./nowhere/planner", "experiment.command: ./nowhere/planner: found nothing there"},
        {folder, "found a folder"},
        {plain, "may not be executed (chmod +x)"},
        {"", "found no such program"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Config *config = config_of(&cases[i][0], 1, 1);
        assert_int_equal(planner_script_check(config, folder, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, cases[i][1]);
        assert_null(planner_script_new(config, folder, NULL, pass_over, NULL, &err));
        message_free(config);
    }
    const char *const good[] = {"sh"};
    Trireme__Config *none = config_of(NULL, 0, 1), *some = config_of(good, 1, 1);
    assert_int_equal(planner_script_check(none, folder, &err), -1);
    assert_contains(err.text, "experiment.command: found none");
    assert_int_equal(planner_script_check(some, folder, &err), 0);
    message_free(none);
    message_free(some);
    free(plain);
    test_folder_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_briefing_goes_in_and_proposals_come_out),
        cmocka_unit_test(one_that_sleeps_is_killed_with_its_children_when_patience_ends),
        cmocka_unit_test(after_three_failures_in_a_row_it_is_gone),
        cmocka_unit_test(an_answer_forgives_the_failures_before_it),
        cmocka_unit_test(one_that_ends_after_each_answer_is_started_for_each_question),
        cmocka_unit_test(what_is_no_answer_is_a_failure_with_a_sentence),
        cmocka_unit_test(a_line_without_end_is_cut_off),
        cmocka_unit_test(a_flood_of_answers_is_ended),
        cmocka_unit_test(what_it_says_is_kept_and_of_very_much_the_end),
        cmocka_unit_test(of_a_thousand_proposals_the_first_64_are_taken),
        cmocka_unit_test(a_long_briefing_does_not_hold_up_whoever_asks),
        cmocka_unit_test(the_program_gets_no_files_and_no_variables_of_the_job),
        cmocka_unit_test(it_dies_with_whoever_asks),
        cmocka_unit_test(no_child_looks_like_whoever_asks),
        cmocka_unit_test(it_is_killed_when_it_is_freed),
        cmocka_unit_test(a_program_that_is_none_is_refused_before_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
