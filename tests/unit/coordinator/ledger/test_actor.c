#include "tests/unit/support.h"

#include "coordinator/ledger/actor.h"

static void check_text(struct actor actor, const char *expected)
{
    char *text = actor_write(&actor);
    assert_string_equal(text, expected);
    free(text);
}

static void by_says_role_name_user_and_process(void **state)
{
    (void)state;
    check_text((struct actor){.person = true, .uid = 1000, .pid = 12}, "person uid 1000 pid 12");
    check_text((struct actor){.person = true, .uid = 0, .pid = 12, .unseparated = true},
               "person uid 0 pid 12 unseparated");
    check_text((struct actor){.uid = 1000}, "planner uid 1000");
    check_text((struct actor){.name = "script", .uid = 7, .pid = 8}, "planner script uid 7 pid 8");
}

static void a_person_of_an_earlier_version_is_one_but_has_not_shown_it(void **state)
{
    (void)state;
    assert_true(actor_is_person("person") && !actor_is_proven_person("person"));
    assert_true(actor_is_person("person uid 1 pid 2"));
    assert_true(actor_is_proven_person("person uid 1 pid 2"));
    static const char *const others[] = {"",         "persons uid 1", "script",
                                         "rule",     "planner uid 1", "planner person uid 1",
                                         "personal", "random"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(actor_is_person(others[i]) || actor_is_proven_person(others[i]));
}

static void the_runs_own_planner_is_known_by_its_name(void **state)
{
    (void)state;
    assert_true(actor_is_named("script", "script")); // of an earlier version
    assert_true(actor_is_named("planner script uid 1 pid 2", "script"));
    assert_false(actor_is_named("planner uid 1 pid 2", "script"));
    assert_false(actor_is_named("planner scripts uid 1", "script"));
    assert_false(actor_is_named("person script uid 1", "script"));
    assert_false(actor_is_named("random", "script"));
}

static void ones_own_is_what_the_same_role_name_and_user_proposed(void **state)
{
    (void)state;
    assert_true(actor_same("planner uid 1 pid 2", "planner uid 1 pid 3"));
    assert_true(actor_same("planner uid 1", "planner uid 1 pid 3"));
    assert_true(actor_same("person uid 1 pid 2 unseparated", "person uid 1 pid 9"));
    assert_false(actor_same("planner uid 1 pid 2", "planner uid 11 pid 2"));
    assert_false(actor_same("planner uid 1 pid 2", "planner script uid 1 pid 2"));
    assert_false(actor_same("planner uid 1 pid 2", "person uid 1 pid 2"));
    assert_false(actor_same("planner uid 1 pid 2", "script"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_says_role_name_user_and_process),
        cmocka_unit_test(a_person_of_an_earlier_version_is_one_but_has_not_shown_it),
        cmocka_unit_test(the_runs_own_planner_is_known_by_its_name),
        cmocka_unit_test(ones_own_is_what_the_same_role_name_and_user_proposed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
