/* A model's answer: what is taken, what is refused, and by which sentence. */
#include "tests/unit/launcher/llm/llm_fixture.h"
#include "tests/unit/support.h"

#include "launcher/llm/llm_answer.h"

#define CHANGE(path, value) "{\"path\":\"" path "\",\"value\":" value "}"
#define BEFORE              "{\"proposals\":[{\"why\":\"w\",\"changes\":["
#define ONE(changes)        BEFORE changes "],\"predict\":\"p\"}]}"

static int read_one(Trireme__Proposals **read, const char *text, struct err *err)
{
    Trireme__Briefing *b = llm_briefing();
    *read = message_new(&trireme__proposals__descriptor);
    const size_t size = strlen(text);
    char *bytes = mem_new(size, 1); // no byte behind them may be read
    memcpy(bytes, text, size);
    const int rc = llm_answer_read(*read, bytes, size, b, b->room, err);
    free(bytes);
    message_free(b);
    return rc;
}

static void an_answer_becomes_proposals_with_ids_of_their_step(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    Trireme__Proposals *p;
    if (read_one(&p,
                 ONE(CHANGE("optimizer.lr", "\"0.002\"") "," CHANGE("schedule.kind", "\"linear\"")),
                 &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(p->n_proposals, 1);
    assert_string_equal(p->proposals[0]->id, "llm-40-1");
    assert_string_equal(p->proposals[0]->hypothesis, "w");
    assert_string_equal(p->proposals[0]->predicted, "p");
    assert_int_equal(p->proposals[0]->n_patch, 2);
    assert_string_equal(p->proposals[0]->patch[1]->path, "schedule.kind");
    assert_string_equal(p->proposals[0]->patch[1]->value, "linear");
    message_free(p);
}

static void nothing_is_an_answer(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"proposals\":[]}", " \n{\"proposals\": [] }\n",
                                        "```json\n{\"proposals\":[]}\n```"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err;
        Trireme__Proposals *p;
        assert_int_equal(read_one(&p, texts[i], &err), 0);
        assert_int_equal(p->n_proposals, 0);
        message_free(p);
    }
}

static void a_number_beside_the_ladder_is_taken_within_its_bounds(void **state)
{
    (void)state;
    struct err err;
    Trireme__Proposals *p;
    assert_int_equal(read_one(&p, ONE(CHANGE("optimizer.lr", "0.0017")), &err), 0);
    assert_string_equal(p->proposals[0]->patch[0]->value, "0.0017");
    message_free(p);
}

static void a_change_that_is_said_twice_is_one(void **state)
{
    (void)state;
    struct err err;
    Trireme__Proposals *p;
    assert_int_equal(
        read_one(&p, ONE(CHANGE("optimizer.lr", "0.002") "," CHANGE("optimizer.lr", "0.002")),
                 &err),
        0);
    assert_int_equal(p->proposals[0]->n_patch, 1);
    message_free(p);
}

static void what_is_wrong_is_said_so_that_it_can_be_mended(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"", "not JSON"},
        {"I think that", "not JSON"},
        {"{\"proposals\":[", "not JSON"},
        {"[]", "found no object"},
        {"{}", "found no proposals"},
        {"{\"proposals\":{}}", "found no list"},
        {"{\"proposals\":[],\"approve\":true}", "found the key 'approve', expected only proposals"},
        {"{\"proposals\":[1]}", "a proposal: found no object"},
        {"{\"proposals\":[{\"why\":\"w\",\"changes\":[]}]}", "found no predict"},
        {"{\"proposals\":[1,2,3]}", "proposals: found 3, expected at most 2"},
        {ONE(""), "changes: found 0, expected 1 to 4"},
        {ONE(CHANGE("optimizer.lr", "\"1000\"")),
         "optimizer.lr: found '1000', expected one of 0.00025, 0.0005, 0.002, 0.004"},
        {ONE(CHANGE("optimizer.lr", "\"-1\"")), "optimizer.lr: found '-1'"},
        {ONE(CHANGE("optimizer.lr", "\"0.001\"")), "which it has already"},
        {ONE(CHANGE("optimizer.lr", "[1]")), "value: found no text or number"},
        {ONE(CHANGE("schedule.kind", "\"square\"")),
         "schedule.kind: found 'square', expected one of linear, constant"},
        {ONE(CHANGE("gate.alpha", "\"1\"")),
         "path: found 'gate.alpha', expected one of optimizer.lr"},
        {ONE(CHANGE("optimizer.lr", "0.002") "," CHANGE("optimizer.lr", "0.004")), "twice"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {.text = ""};
        Trireme__Proposals *p;
        if (read_one(&p, rows[i].text, &err) == 0)
            fail_msg("%s was taken", rows[i].text);
        assert_contains(err.text, rows[i].part);
        assert_int_equal(p->n_proposals, 0);
        message_free(p);
    }
}

static void texts_lose_what_controls_a_terminal_and_are_cut_at_a_character(void **state)
{
    (void)state;
    struct err err;
    Trireme__Proposals *p;
    char *why = mem_new(2001, 1);
    for (size_t i = 0; i < 1000; i++)
        memcpy(why + 2 * i, "\xc3\xa9", 2);
    char *text = mem_format("{\"proposals\":[{\"why\":\"a%s\",\"changes\":[%s],\"predict\":"
                            "\"\\u001b[31mred\\nline\"}]}",
                            why, CHANGE("optimizer.lr", "0.002"));
    assert_int_equal(read_one(&p, text, &err), 0);
    assert_string_equal(p->proposals[0]->predicted, " [31mred line");
    const char *cut = p->proposals[0]->hypothesis;
    assert_in_range(strlen(cut), 470, 500);
    assert_string_equal(cut + strlen(cut) - 5, "\xc3\xa9...");
    message_free(p);
    free(text);
    free(why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_becomes_proposals_with_ids_of_their_step),
        cmocka_unit_test(nothing_is_an_answer),
        cmocka_unit_test(a_number_beside_the_ladder_is_taken_within_its_bounds),
        cmocka_unit_test(a_change_that_is_said_twice_is_one),
        cmocka_unit_test(what_is_wrong_is_said_so_that_it_can_be_mended),
        cmocka_unit_test(texts_lose_what_controls_a_terminal_and_are_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
