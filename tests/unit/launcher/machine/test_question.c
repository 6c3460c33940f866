#include "tests/unit/support.h"

#include "base/clock.h"
#include "launcher/machine/execute.h"
#include "launcher/machine/question.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void words_of_shell(const char **words, const char *script)
{
    words[0] = "sh", words[1] = "-c", words[2] = script, words[3] = NULL;
}

static void what_a_program_prints_and_its_code_are_the_answer(void **state)
{
    (void)state;
    const char *words[4];
    struct question q;
    struct err err = {0};
    words_of_shell(words, "echo to stdout; echo to stderr >&2; exit 7");
    assert_int_equal(question_ask(&q, words, 30, &err), 0);
    assert_true(q.ended);
    assert_int_equal(q.code, 7);
    assert_string_equal(q.text.bytes, "to stdout\nto stderr\n");
    question_end(&q);
    words_of_shell(words, "kill -9 $$");
    assert_int_equal(question_ask(&q, words, 30, &err), 0);
    assert_int_equal(q.code, 128 + SIGKILL);
    question_end(&q);
}

static void one_that_does_not_answer_is_killed_with_its_children(void **state)
{
    (void)state;
    const char *words[4];
    struct question q;
    struct err err = {0};
    words_of_shell(words, "sleep 1000 & echo $!; wait");
    assert_int_equal(question_ask(&q, words, 0.3, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "did not answer");
    for (const double end = clock_now() + 30; !q.text.size && clock_now() < end; clock_sleep(0.01))
        question_turn(&q); // on a busy machine
    const pid_t child = (pid_t)atoi(q.text.bytes);
    question_end(&q);
    bool there = true;
    for (const double end = clock_now() + 30; there && clock_now() < end; clock_sleep(0.01)) {
        char path[64], stat[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
        FILE *f = fopen(path, "re");
        there = f && fgets(stat, sizeof stat, f) && !strstr(stat, ") Z");
        if (f)
            fclose(f);
    }
    assert_false(there);
}

static void a_program_that_is_not_there_is_told_from_one_that_ends_with_127(void **state)
{
    (void)state;
    const char *words[4] = {"no-such-program", NULL};
    struct question q;
    struct err err = {0};
    assert_int_equal(question_ask(&q, words, 30, &err), -1);
    assert_contains(err.text, "no-such-program");
    assert_contains(err.text, "No such file");
    question_end(&q);
    words_of_shell(words, "exit 127");
    assert_int_equal(question_ask(&q, words, 30, &err), 0);
    assert_int_equal(q.code, 127);
    question_end(&q);
}

static void nothing(void *context)
{
    (void)context;
}

static void a_program_gets_no_blocked_signals(void **state)
{
    (void)state;
    const char *words[4];
    sigset_t all, before;
    pid_t pid = 0;
    int status = 0;
    sigemptyset(&all);
    sigaddset(&all, SIGUSR1);
    sigprocmask(SIG_BLOCK, &all, &before);
    words_of_shell(words, "kill -USR1 $$; exit 3");
    assert_int_equal(execute(&pid, words, nothing, NULL), 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGUSR1);
    assert_int_equal(execute(&pid, (const char *const[]){"/", NULL}, nothing, NULL), EACCES);
    assert_int_equal(pid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_program_prints_and_its_code_are_the_answer),
        cmocka_unit_test(one_that_does_not_answer_is_killed_with_its_children),
        cmocka_unit_test(a_program_that_is_not_there_is_told_from_one_that_ends_with_127),
        cmocka_unit_test(a_program_gets_no_blocked_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
