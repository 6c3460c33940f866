/* A planner's process that has gone. */
#include "tests/unit/support.h"

#include "launcher/planner/planner_process.h"

#include <signal.h>
#include <unistd.h>

static void what_is_said_to_one_that_has_gone_gives_no_signal(void **state)
{
    (void)state;
    int ends[2];
    sigset_t pending;
    signal(SIGPIPE, SIG_DFL); // the test would die of it
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(planner_process_say(ends[1], "here", 4), 4);
    close(ends[0]);
    assert_true(planner_process_say(ends[1], "gone", 4) < 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_to_one_that_has_gone_gives_no_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
