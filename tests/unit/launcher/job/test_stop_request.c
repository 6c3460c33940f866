#include "tests/unit/support.h"

#include "base/clock.h"
#include "launcher/front/held_signals.h"
#include "launcher/job/stop_request.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child did: its exit code, or 128 and the signal that ended it. A request is kept for the
 * life of a process, so each case has one of its own. */
static int in_a_child(void (*act)(void))
{
    const pid_t pid = fork();
    if (pid == 0) {
        act();
        _exit(*stop_request_flag() ? 1 : 0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void take_each(void)
{
    held_signals_hold();
    for (int i = 0; i < HELD_SIGNALS; i++)
        raise(held_signals[i]);
    if (*stop_request_flag())
        _exit(2);
    stop_request_catch();
    for (int i = 0; i < HELD_SIGNALS; i++)
        raise(held_signals[i]);
    if (stop_request_is_urgent())
        _exit(3);
}

static void signals_that_are_held_wait_until_they_are_taken_as_one_request(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(take_each), 1);
}

static void release(void)
{
    held_signals_hold();
    raise(SIGTERM);
    held_signals_release();
}

static void a_command_that_does_not_take_them_is_ended_by_them(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(release), 128 + SIGTERM);
}

static void ignore_hangup(void)
{
    held_signals_hold();
    signal(SIGHUP, SIG_IGN); // as nohup does
    raise(SIGHUP);
    stop_request_catch();
    raise(SIGHUP);
    if (!stop_request_ignores_hangup())
        _exit(2);
}

static void a_hangup_that_was_ignored_at_the_start_is_no_request(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(ignore_hangup), 0);
}

static void hang_up(void)
{
    stop_request_catch();
    raise(SIGHUP);
    if (stop_request_ignores_hangup())
        _exit(2);
}

static void any_other_hangup_is_one(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(hang_up), 1);
}

static void interrupt_twice(void)
{
    stop_request_catch();
    raise(SIGINT);
    clock_sleep(2.1);
    raise(SIGINT); // of a process, not of a terminal
    if (stop_request_is_urgent())
        _exit(2);
}

static void a_second_interrupt_of_another_process_is_not_urgent(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(interrupt_twice), 1);
}

static bool await_request(void)
{
    for (double end = clock_now() + 20; !*stop_request_flag() && clock_now() < end;)
        clock_sleep(0.001);
    return *stop_request_flag();
}

static void listen_to_an_end(void)
{
    int ends[2];
    if (pipe(ends) < 0)
        _exit(2);
    stop_request_listen(ends[0]);
    clock_sleep(0.05);
    if (*stop_request_flag())
        _exit(3);
    close(ends[1]);
    await_request();
}

static void listen_to_a_byte(void)
{
    int ends[2];
    if (pipe(ends) < 0 || write(ends[1], "\n", 1) != 1)
        _exit(2);
    stop_request_listen(ends[0]);
    await_request();
}

static void the_end_of_what_a_rank_listens_to_is_a_request_and_so_is_a_byte(void **state)
{
    (void)state;
    assert_int_equal(in_a_child(listen_to_an_end), 1);
    assert_int_equal(in_a_child(listen_to_a_byte), 1);
}

static void signals_that_wait_at_another_process_are_seen(void **state)
{
    (void)state;
    held_signals_hold();
    const pid_t pid = fork();
    if (pid == 0) {
        pause(); // they are held, so it ends by SIGKILL alone
        _exit(0);
    }
    held_signals_release();
    assert_false(stop_request_waits_at(pid));
    kill(pid, SIGTERM);
    assert_true(stop_request_waits_at(pid));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(stop_request_waits_at(pid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_that_are_held_wait_until_they_are_taken_as_one_request),
        cmocka_unit_test(a_command_that_does_not_take_them_is_ended_by_them),
        cmocka_unit_test(a_hangup_that_was_ignored_at_the_start_is_no_request),
        cmocka_unit_test(any_other_hangup_is_one),
        cmocka_unit_test(a_second_interrupt_of_another_process_is_not_urgent),
        cmocka_unit_test(the_end_of_what_a_rank_listens_to_is_a_request_and_so_is_a_byte),
        cmocka_unit_test(signals_that_wait_at_another_process_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
