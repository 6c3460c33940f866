#include "tests/unit/support.h"

#include "base/file.h"
#include "coordinator/inbox/turn.h"
#include "coordinator/proposals/planner.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <unistd.h>

enum { LAUNCH = 3 };

/* A run of that launch with its planner. */
struct setup {
    char *run;
    struct planner *planner;
    struct err err;
};

static struct setup begun(void)
{
    struct setup s = {.run = test_folder_new()};
    if (incarnation_write(s.run, LAUNCH, &s.err) < 0)
        fail_msg("%s", s.err.text);
    s.planner = planner_client_new(s.run, LAUNCH);
    return s;
}

static void end(struct setup *s)
{
    s->planner->ops->free(s->planner);
    test_folder_free(s->run);
}

static void ask(struct setup *s, uint64_t step)
{
    Trireme__Briefing briefing = TRIREME__BRIEFING__INIT;
    briefing.has_step = true, briefing.step = step;
    s->planner->ops->ask(s->planner, &briefing);
}

static enum planner_answer poll_once(struct setup *s)
{
    Trireme__Proposals *proposals = NULL;
    const enum planner_answer kind = s->planner->ops->poll(s->planner, &proposals, &s->err);
    assert_int_equal(kind == PLANNER_PROPOSALS, proposals != NULL);
    if (proposals)
        assert_int_equal(proposals->n_proposals, 0);
    message_free(proposals);
    return kind;
}

/* The step of the open turn; 0: none is open. */
static uint64_t open_turn(struct setup *s)
{
    uint64_t step = 0;
    const int open = turn_read(&step, s->run, &s->err);
    if (open < 0)
        fail_msg("%s", s->err.text);
    return open ? step : 0;
}

static void a_turn_is_open_until_the_client_is_done(void **state)
{
    (void)state;
    struct setup s = begun();
    assert_int_equal(open_turn(&s), 0);
    ask(&s, 40);
    assert_int_equal(open_turn(&s), 40);
    assert_int_equal(poll_once(&s), PLANNER_NOTHING);
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), 0);
    assert_int_equal(open_turn(&s), 0);
    assert_int_equal(poll_once(&s), PLANNER_PROPOSALS);
    assert_int_equal(poll_once(&s), PLANNER_NOTHING);
    end(&s);
}

static void the_next_question_takes_the_place_of_the_turn_before(void **state)
{
    (void)state;
    struct setup s = begun();
    ask(&s, 40);
    ask(&s, 60);
    assert_int_equal(open_turn(&s), 60);
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), -1);
    assert_int_equal(s.err.code, ERR_USAGE);
    assert_contains(s.err.text, "step 40, expected step 60");
    assert_int_equal(open_turn(&s), 60);
    assert_int_equal(poll_once(&s), PLANNER_NOTHING);
    end(&s);
}

static void a_turn_that_is_over_cannot_be_ended_again(void **state)
{
    (void)state;
    struct setup s = begun();
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), -1);
    assert_contains(s.err.text, "no turn is open");
    ask(&s, 40);
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), 0);
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), -1);
    assert_int_equal(s.err.code, ERR_USAGE);
    end(&s);
}

static void a_turn_ends_with_its_launch_and_that_of_another_launch_is_none(void **state)
{
    (void)state;
    struct setup s = begun();
    ask(&s, 40);
    if (incarnation_write(s.run, LAUNCH + 1, &s.err) < 0)
        fail_msg("%s", s.err.text);
    assert_int_equal(open_turn(&s), 0);
    if (incarnation_write(s.run, LAUNCH, &s.err) < 0)
        fail_msg("%s", s.err.text);
    assert_int_equal(open_turn(&s), 40);
    s.planner->ops->free(s.planner);
    assert_int_equal(open_turn(&s), 0);
    s.planner = planner_client_new(s.run, LAUNCH);
    end(&s);
}

static void a_new_launch_removes_what_a_killed_one_left(void **state)
{
    (void)state;
    struct setup s = begun();
    if (turn_open(s.run, LAUNCH - 1, 20, &s.err) < 0)
        fail_msg("%s", s.err.text);
    s.planner->ops->free(s.planner);
    s.planner = planner_client_new(s.run, LAUNCH);
    char *path = file_join(s.run, "turn");
    assert_false(file_exists(path));
    free(path);
    end(&s);
}

static void a_turn_that_cannot_be_told_is_a_failure_with_its_reason(void **state)
{
    (void)state;
    struct setup s = begun();
    char *path = file_join(s.run, "turn");
    if (file_make_dirs(path, ERR_USAGE, &s.err) < 0) // a folder of its name is in the way
        fail_msg("%s", s.err.text);
    ask(&s, 40);
    assert_int_equal(poll_once(&s), PLANNER_FAILED);
    assert_contains(s.err.text, path);
    assert_int_equal(poll_once(&s), PLANNER_NOTHING);
    assert_int_equal(s.planner->ops->done(s.planner, 40, &s.err), -1);
    free(path);
    end(&s);
}

static void a_damaged_file_is_an_error_with_its_path(void **state)
{
    (void)state;
    struct setup s = begun();
    char *path = file_join(s.run, "turn");
    uint64_t step;
    must_write(path, "{\"step\":", 8);
    assert_int_equal(turn_read(&step, s.run, &s.err), -1);
    assert_int_equal(s.err.code, ERR_DATA);
    assert_contains(s.err.text, path);
    free(path);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_open_until_the_client_is_done),
        cmocka_unit_test(the_next_question_takes_the_place_of_the_turn_before),
        cmocka_unit_test(a_turn_that_is_over_cannot_be_ended_again),
        cmocka_unit_test(a_turn_ends_with_its_launch_and_that_of_another_launch_is_none),
        cmocka_unit_test(a_new_launch_removes_what_a_killed_one_left),
        cmocka_unit_test(a_turn_that_cannot_be_told_is_a_failure_with_its_reason),
        cmocka_unit_test(a_damaged_file_is_an_error_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
