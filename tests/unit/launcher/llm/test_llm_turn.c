/* A turn against a server of the test's own, by a clock that only sleeps move. */
#include "tests/unit/launcher/llm/llm_fixture.h"
#include "tests/unit/support.h"

#include "base/text.h"
#include "launcher/llm/llm_http.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/llm_turn.h"

#define GOOD                                                                                       \
    "{\"proposals\":[{\"why\":\"w\",\"changes\":[{\"path\":\"optimizer.lr\",\"value\":\"0.002\"}]" \
    ","                                                                                            \
    "\"predict\":\"p\"}]}"

struct said {
    unsigned status;
    double retry_after, takes; /* seconds */
    const char *stop, *text;   /* of an answer of the model; or NULL: */
    const char *body;
};

struct server {
    const struct said *said;
    size_t n, next;
    char *asked[8];
};

static double time_now;

static double now(void)
{
    return time_now;
}

static void sleep_on(double seconds)
{
    time_now += seconds;
}

static void quote(struct text *to, const char *s)
{
    for (; *s; s++)
        text_printf(to, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

static int post(void *context, struct llm_http_reply *reply, const char *url, const char *body,
                double seconds, struct err *err)
{
    struct server *server = context;
    assert_string_equal(url, "https://api.anthropic.com/v1/messages");
    assert_true(server->next < server->n);
    const struct said *said = &server->said[server->next];
    server->asked[server->next++] = mem_strdup(body);
    *reply = (struct llm_http_reply){0};
    time_now += said->takes < seconds ? said->takes : seconds;
    if (said->status == 0 || said->takes > seconds)
        return err_set(err, ERR_MACHINE, "no answer");
    reply->status = said->status, reply->retry_after = said->retry_after;
    if (!said->text) {
        text_add(&reply->body, said->body);
        return 0;
    }
    text_add(&reply->body, "{\"content\":[{\"type\":\"text\",\"text\":\"");
    quote(&reply->body, said->text);
    text_printf(&reply->body,
                "\"}],\"stop_reason\":\"%s\",\"usage\":{\"input_tokens\":100,"
                "\"output_tokens\":20}}",
                said->stop);
    return 0;
}

struct turn {
    struct server server;
    Trireme__Llm *llm;
    Trireme__LlmSpent *spent;
    struct llm_breaker breaker;
    Trireme__Proposals *told;
    void (*began)(void *context, const Trireme__Proposals *so_far);
};

static struct turn turn_of(const struct said *said, size_t n)
{
    struct turn t = {
        .server = {said, n, 0, {0}},
        .llm = message_new(&trireme__llm__descriptor),
        .spent = message_new(&trireme__llm_spent__descriptor)
    };
    free(t.llm->model), t.llm->model = mem_strdup("m");
    t.llm->timeout = 10;
    time_now = 1000;
    return t;
}

static void run(struct turn *t, const struct llm_key *key)
{
    Trireme__Briefing *b = llm_briefing();
    struct llm_model model = {.llm = t->llm,
                              .key = key,
                              .spent = t->spent,
                              .breaker = &t->breaker,
                              .post = post,
                              .context = &t->server,
                              .now = now,
                              .sleep = sleep_on,
                              .began = t->began,
                              .seed = 1};
    message_free(t->told);
    t->told = llm_turn_run(&model, b);
    message_free(b);
}

static void turn_clear(struct turn *t)
{
    for (size_t i = 0; i < t->server.next; i++)
        free(t->server.asked[i]);
    message_free(t->told);
    message_free(t->spent);
    message_free(t->llm);
}

static void a_good_answer_takes_one_call(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 0.5, "end_turn", GOOD, NULL}
    };
    struct turn t = turn_of(said, 1);
    t.llm->price->input = 10, t.llm->price->output = 100;
    run(&t, NULL);
    assert_null(t.told->gave_up);
    assert_int_equal(t.told->n_proposals, 1);
    assert_int_equal(t.told->n_calls, 1);
    const Trireme__Call *call = t.told->calls[0];
    assert_string_equal(call->stop, "answered");
    assert_string_equal(call->said, "the model answered with 1 proposal (100 + 20 tokens, 500 ms)");
    assert_string_equal(call->asked, t.server.asked[0]);
    assert_int_equal(call->status, 200);
    assert_true(call->usd == 0.003);
    assert_int_equal(t.spent->calls, 1);
    assert_int_equal(t.spent->tokens, 120);
    turn_clear(&t);
}

static void one_repair_shows_the_answer_and_what_is_wrong_with_it(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 0, "end_turn", "I would raise it.", NULL},
        {200, 0, 0, "end_turn", GOOD,                NULL}
    };
    struct turn t = turn_of(said, 2);
    run(&t, NULL);
    assert_int_equal(t.told->n_proposals, 1);
    assert_int_equal(t.told->n_calls, 2);
    assert_string_equal(t.told->calls[0]->stop, "not_taken");
    assert_contains(t.server.asked[1], "I would raise it.");
    assert_contains(t.server.asked[1], "not JSON");
    turn_clear(&t);
}

static void there_is_no_second_repair(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 0, "end_turn",   "no",       NULL},
        {200, 0, 0, "max_tokens", "{\"propo", NULL}
    };
    struct turn t = turn_of(said, 2);
    run(&t, NULL);
    assert_int_equal(t.told->n_proposals, 0);
    assert_int_equal(t.told->n_calls, 2);
    assert_contains(t.told->gave_up, "llm.max_tokens");
    turn_clear(&t);
}

static void what_no_repair_mends_ends_the_turn(void **state)
{
    (void)state;
    static const struct {
        const char *stop, *part;
    } rows[] = {
        {"refusal",                       "refuses to answer (refusal)"},
        {"tool_use",                      "stopped with tool_use"      },
        {"pause_turn",                    "stopped with pause_turn"    },
        {"model_context_window_exceeded", "context is full"            }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct said said = {200, 0, 0, rows[i].stop, "text", NULL};
        struct turn t = turn_of(&said, 1);
        run(&t, NULL);
        assert_int_equal(t.told->n_calls, 1);
        assert_string_equal(t.told->calls[0]->stop, rows[i].stop);
        assert_contains(t.told->gave_up, rows[i].part);
        turn_clear(&t);
    }
}

static void a_server_that_is_busy_is_asked_again_when_it_says(void **state)
{
    (void)state;
    static const char busy[] = "{\"error\":{\"type\":\"rate_limit_error\"}}";
    static const struct said said[] = {
        {429, 5, 0, NULL,       NULL, busy},
        {529, 0, 0, NULL,       NULL, busy},
        {200, 0, 0, "end_turn", GOOD, NULL}
    };
    struct turn t = turn_of(said, 3);
    run(&t, NULL);
    assert_null(t.told->gave_up);
    assert_int_equal(t.told->n_calls, 3);
    assert_contains(t.told->calls[0]->said, "HTTP 429 (rate_limit_error)");
    assert_true(time_now >= 1005 && time_now < 1009);
    turn_clear(&t);
}

static void a_wait_beyond_the_turn_is_not_begun(void **state)
{
    (void)state;
    static const struct said said[] = {
        {429, 3600, 0, NULL, NULL, "{}"}
    };
    struct turn t = turn_of(said, 1);
    run(&t, NULL);
    assert_int_equal(t.told->n_calls, 1);
    assert_contains(t.told->gave_up, "too late for this turn");
    assert_true(time_now < 1001);
    run(&t, NULL); // nor forgotten by the next turn
    assert_int_equal(t.told->n_calls, 0);
    assert_string_equal(t.told->gave_up,
                        "the model is left alone for another 3600 s, as its server asked");
    turn_clear(&t);
}

static void an_answer_that_is_far_too_long_is_not_shown_again(void **state)
{
    (void)state;
    enum { SIZE = 100000 };
    char *text = mem_new(SIZE + 1, 1);
    memset(text, 'a', SIZE);
    const struct said said = {200, 0, 0, "end_turn", text, NULL};
    struct turn t = turn_of(&said, 1);
    run(&t, NULL);
    assert_int_equal(t.told->n_calls, 1);
    assert_contains(t.told->gave_up, "not JSON");
    turn_clear(&t);
    free(text);
}

static void a_key_that_is_refused_is_not_tried_again_and_shown_nowhere(void **state)
{
    (void)state;
    static const struct said said[] = {
        {401, 0, 0, NULL, NULL,
         "{\"error\":{\"type\":\"auth\",\"message\":\"bad key sk-secret-1\"}}"}
    };
    struct turn t = turn_of(said, 1);
    struct err err;
    struct llm_key *key = llm_key_new("sk-secret-1", 11, "key", &err);
    run(&t, key);
    assert_int_equal(t.told->n_calls, 1);
    assert_contains(t.told->gave_up, "HTTP 401 (auth): expected a key");
    assert_null(strstr(t.told->calls[0]->answered, "sk-secret"));
    run(&t, key); // the breaker is open: no call
    assert_int_equal(t.told->n_calls, 0);
    assert_contains(t.told->gave_up, "left alone");
    llm_key_free(key);
    turn_clear(&t);
}

static void a_turn_never_takes_longer_than_three_calls(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 99, "end_turn", GOOD, NULL},
        {200, 0, 99, "end_turn", GOOD, NULL},
        {200, 0, 99, "end_turn", GOOD, NULL},
        {200, 0, 99, "end_turn", GOOD, NULL}
    };
    struct turn t = turn_of(said, 4);
    run(&t, NULL);
    assert_true(time_now <= 1030.1);
    assert_non_null(t.told->gave_up);
    turn_clear(&t);
}

static void a_budget_that_is_spent_makes_no_call(void **state)
{
    (void)state;
    struct turn t = turn_of(NULL, 0);
    t.llm->budget->calls = 3;
    t.spent->calls = 3;
    run(&t, NULL);
    assert_int_equal(t.told->n_calls, 0);
    assert_contains(t.told->gave_up, "llm.budget.calls: found 3 calls");
    turn_clear(&t);
}

static void what_speaks_something_else_is_not_asked_again(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 0, NULL, NULL, "<html>hello</html>"}
    };
    struct turn t = turn_of(said, 1);
    run(&t, NULL);
    assert_int_equal(t.told->n_calls, 1);
    assert_string_equal(t.told->calls[0]->stop, "no_message");
    assert_contains(t.told->gave_up, "no JSON object");
    turn_clear(&t);
}

static char told_before[2][200]; /* of each call, before it is made */

static void note_begun(void *context, const Trireme__Proposals *so_far)
{
    const struct server *server = context;
    assert_true(so_far->under_way);
    assert_int_equal(so_far->n_calls, server->next + 1);
    const Trireme__Call *last = so_far->calls[server->next];
    assert_int_equal(last->prompt_tokens, strlen(last->asked));
    assert_int_equal(last->answer_tokens, 77);
    assert_true(last->usd > 0);
    snprintf(told_before[server->next], sizeof *told_before, "%s", last->stop);
    if (server->next) // what is over is told as it was
        assert_string_equal(so_far->calls[0]->stop, "not_taken");
}

static void each_call_is_told_before_it_is_made_as_one_that_is_lost(void **state)
{
    (void)state;
    static const struct said said[] = {
        {200, 0, 0, "end_turn", "I would raise it.", NULL},
        {200, 0, 0, "end_turn", GOOD,                NULL}
    };
    struct turn t = turn_of(said, 2);
    t.llm->max_tokens = 77;
    t.llm->price->output = 1;
    t.began = note_begun;
    run(&t, NULL);
    assert_string_equal(told_before[0], "lost");
    assert_string_equal(told_before[1], "lost");
    assert_false(t.told->under_way);
    assert_int_equal(t.told->n_calls, 2);
    assert_string_equal(t.told->calls[1]->stop, "answered");
    assert_int_equal(t.told->calls[1]->prompt_tokens, 100);
    assert_int_equal(t.spent->tokens, 240);
    turn_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_is_told_before_it_is_made_as_one_that_is_lost),
        cmocka_unit_test(a_good_answer_takes_one_call),
        cmocka_unit_test(one_repair_shows_the_answer_and_what_is_wrong_with_it),
        cmocka_unit_test(there_is_no_second_repair),
        cmocka_unit_test(what_no_repair_mends_ends_the_turn),
        cmocka_unit_test(a_server_that_is_busy_is_asked_again_when_it_says),
        cmocka_unit_test(a_wait_beyond_the_turn_is_not_begun),
        cmocka_unit_test(an_answer_that_is_far_too_long_is_not_shown_again),
        cmocka_unit_test(a_key_that_is_refused_is_not_tried_again_and_shown_nowhere),
        cmocka_unit_test(a_turn_never_takes_longer_than_three_calls),
        cmocka_unit_test(a_budget_that_is_spent_makes_no_call),
        cmocka_unit_test(what_speaks_something_else_is_not_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
