/* In which order proposals have their turn. */
#include "tests/unit/coordinator/ledger/history_fixture.h"

#include "base/text.h"

static void propose_of(struct history *h, uint32_t number, const char *by, const char *more)
{
    char *yaml = mem_format("{kind: proposal, number: %u, by: '%s', proposal: {id: p%u%s%s}}",
                            number, by, number, more ? ", " : "", more ? more : "");
    add_record(h, yaml);
    free(yaml);
    add_record_of(h, number, "kind: validation, validation: {accepted: true, next: queued}");
}

static void order(struct history *h, const char *by, const char *numbers)
{
    char *yaml = mem_format("{kind: order, order: queue, by: '%s', numbers: [%s]}", by, numbers);
    add_record(h, yaml);
    free(yaml);
}

static void assert_turns(const struct history *h, const char *expected)
{
    struct text found = {0};
    for (size_t i = 0; i < h->n; i++)
        text_printf(&found, "%s%u", i ? " " : "", h->entries[h->turns[i]].number);
    assert_string_equal(found.bytes, expected);
    text_clear(&found);
}

static const char planner[] = "planner uid 7 pid 1", person[] = "person uid 7 pid 2";

static void who_comes_first_is_tried_first_and_who_replaces_has_that_ones_place(void **state)
{
    (void)state;
    struct history history = {0};
    propose_of(&history, 1, planner, NULL);
    propose_of(&history, 2, planner, NULL);
    propose_of(&history, 3, planner, NULL);
    assert_turns(&history, "1 2 3");
    propose_of(&history, 5, planner, "replaces: 2");
    assert_turns(&history, "1 5 2 3");
    propose_of(&history, 6, planner, "replaces: 4"); // there is none
    assert_turns(&history, "1 5 2 3 6");
    history_clear(&history);
}

static void those_that_are_named_come_first_and_the_others_as_before(void **state)
{
    (void)state;
    struct history history = {0};
    for (uint32_t i = 1; i <= 5; i++)
        propose_of(&history, i, planner, NULL);
    order(&history, planner, "4, 2");
    assert_turns(&history, "4 2 1 3 5");
    order(&history, person, "5");
    assert_turns(&history, "5 4 2 1 3");
    order(&history, planner, "3, 9, 3"); // nobody could have written it
    assert_turns(&history, "3 5 4 2 1");
    history_clear(&history);
}

static void a_planners_come_behind_persons_that_were_before_them(void **state)
{
    (void)state;
    static const struct {
        const char *by, *numbers, *turns;
    } cases[] = {
        {planner, "4",       "1 2 4 3 5"},
        {planner, "3, 1",    "2 3 1 4 5"},
        {planner, "1",       "1 2 3 4 5"},
        {planner, "5, 4, 1", "2 5 4 1 3"},
        {person,  "4",       "4 1 2 3 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history history = {0};
        for (uint32_t number = 1; number <= 5; number++)
            propose_of(&history, number, number == 2 ? person : planner, NULL);
        order(&history, cases[i].by, cases[i].numbers);
        assert_turns(&history, cases[i].turns);
        history_clear(&history);
    }
    struct history history = {0};
    propose_of(&history, 1, person, NULL);
    propose_of(&history, 2, planner, NULL);
    add_record_of(&history, 1, "kind: order, order: veto"); // it has no turn any more
    order(&history, planner, "2");
    assert_turns(&history, "2 1");
    history_clear(&history);
}

static void an_order_names_each_once_and_what_is_in_the_queue(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    for (uint32_t i = 1; i <= 3; i++)
        propose_of(&history, i, planner, NULL);
    add_record_of(&history, 2, "kind: hypothesis, plan: {margin: 0.002}");
    static const struct {
        uint32_t numbers[2];
        size_t n;
        const char *sentence;
    } cases[] = {
        {{3, 1}, 2, NULL                                                                },
        {{3, 3}, 2, "found proposal 3 twice, expected each once"                        },
        {{2},    1, "proposal 2 is open, expected one that waits, is deferred or queued"},
        {{1, 7}, 2, "found no proposal 7, there are 3"                                  },
        {{0},    0, "found no number, expected those of proposals in the queue"         },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {.text = ""};
        const int rc = history_check_queue(&history, cases[i].numbers, cases[i].n, &err);
        assert_int_equal(rc, cases[i].sentence ? -1 : 0);
        assert_string_equal(err.text, cases[i].sentence ? cases[i].sentence : "");
    }
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_first_is_tried_first_and_who_replaces_has_that_ones_place),
        cmocka_unit_test(those_that_are_named_come_first_and_the_others_as_before),
        cmocka_unit_test(a_planners_come_behind_persons_that_were_before_them),
        cmocka_unit_test(an_order_names_each_once_and_what_is_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
