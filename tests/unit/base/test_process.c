#include "tests/unit/support.h"

#include "base/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_process_that_lives_has_a_session_and_a_beginning(void **state)
{
    (void)state;
    struct process self, parent;
    assert_true(process_look(&self, getpid()) && process_look(&parent, getppid()));
    assert_false(self.ended || parent.ended);
    assert_int_equal(self.session, getsid(0));
    assert_true(self.began >= parent.began && parent.began > 0);
}

static void one_that_nobody_has_waited_for_has_ended_and_one_that_is_gone_too(void **state)
{
    (void)state;
    struct process child;
    siginfo_t info;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(process_look(&child, pid) && child.ended && child.began > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(!process_look(&child, pid) && child.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_lives_has_a_session_and_a_beginning),
        cmocka_unit_test(one_that_nobody_has_waited_for_has_ended_and_one_that_is_gone_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
