/* The planner in rank 0, with a shell script in the place of the process that asks. */
#include "tests/unit/launcher/llm/llm_fixture.h"
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/sha256.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/planner_llm.h"
#include "proto/config/run_config.h"

#include <sys/stat.h>
#include <unistd.h>

/* Reads the two first lines, and answers each briefing with a line. */
#define SCRIPT(line) "#!/bin/sh\nread -r begin\nread -r key\nwhile read -r b; do " line "; done\n"
#define ANSWERED                                                                                   \
    "{\\\"proposals\\\":[{\\\"id\\\":\\\"llm-40-1\\\",\\\"patch\\\":{\\\"optimizer.lr\\\":0.002}}" \
    "],"                                                                                           \
    "\\\"calls\\\":[{\\\"model\\\":\\\"m\\\",\\\"stop\\\":\\\"answered\\\","                       \
    "\\\"prompt_tokens\\\":5,\\\"answer_tokens\\\":6,\\\"usd\\\":0.5,"                             \
    "\\\"asked\\\":\\\"what?\\\",\\\"answered\\\":\\\"this\\\"}]}"

/* What a process says before a call. */
#define BEGUN                                                                                      \
    "{\\\"under_way\\\":true,\\\"calls\\\":[{\\\"model\\\":\\\"m\\\","                             \
    "\\\"stop\\\":\\\"lost\\\",\\\"prompt_tokens\\\":50,\\\"answer_tokens\\\":7,"                  \
    "\\\"usd\\\":0.25,\\\"asked\\\":\\\"what?\\\",\\\"said\\\":\\\"it was lost\\\"}]}"

struct harness {
    char *folder, *run, *program;
    Trireme__Config *config;
    Trireme__Briefing *briefing;
    struct planner *planner;
    Trireme__Proposals *answer;
    struct err err;
};

static void pass_over(void *context, const char *sentence)
{
    (void)context, (void)sentence;
}

static struct harness harness_new(const char *script, Trireme__Llm__Fallback fallback)
{
    char *settings[] = {(char *)"data.sources.0.path=a", (char *)"llm.model=m"};
    struct harness h = {.folder = test_folder_new()};
    h.run = file_join(h.folder, "run");
    h.program = file_join(h.folder, "programs/llm");
    char *programs = file_join(h.folder, "programs");
    must_write_in(programs, "llm", script, strlen(script));
    chmod(h.program, 0700);
    free(programs);
    assert_int_equal(file_make_dirs(h.run, ERR_USAGE, &h.err), 0);
    h.config = run_config_read(NULL, settings, 2, &h.err);
    h.config->llm->fallback = fallback;
    h.config->llm->timeout = 10;
    h.briefing = llm_briefing();
    return h;
}

static void start(struct harness *h, const char *key)
{
    struct llm_key *k = key ? llm_key_new(key, strlen(key), "key", &h->err) : NULL;
    h->planner = planner_llm_new(h->config, h->run, h->program, k, NULL, pass_over, NULL, &h->err);
    if (!h->planner)
        fail_msg("%s", h->err.text);
}

static enum planner_answer ask(struct harness *h)
{
    enum planner_answer kind = PLANNER_NOTHING;
    message_free(h->answer);
    h->answer = NULL;
    h->planner->ops->ask(h->planner, h->briefing);
    for (double end = clock_now() + 60; clock_now() < end && kind == PLANNER_NOTHING;) {
        kind = h->planner->ops->poll(h->planner, &h->answer, &h->err);
        clock_sleep(0.005);
    }
    return kind;
}

static void harness_free(struct harness *h)
{
    if (h->planner)
        h->planner->ops->free(h->planner);
    message_free(h->answer);
    message_free(h->briefing);
    message_free(h->config);
    free(h->run);
    free(h->program);
    test_folder_free(h->folder);
}

static void an_answers_calls_have_digests_in_the_place_of_their_texts(void **state)
{
    (void)state;
    struct harness h = harness_new(SCRIPT("echo \"" ANSWERED "\""), TRIREME__LLM__FALLBACK__random);
    char hex[SHA256_HEX_SIZE];
    struct stat st;
    start(&h, NULL);
    for (uint32_t turn = 1; turn <= 2; turn++) {
        assert_int_equal(ask(&h), PLANNER_PROPOSALS);
        assert_null(h.answer->gave_up);
        assert_int_equal(h.answer->n_proposals, 1);
        const Trireme__Call *call = h.answer->calls[0];
        assert_int_equal(call->turn, turn);
        assert_null(call->asked);
        assert_null(call->answered);
        sha256_hex(hex, "what?\n", 6);
        assert_string_equal(call->asked_sha256, hex);
        char *name = mem_format("planner/turn-%u", turn), *path = file_join(h.run, name);
        char *text = must_read(path, NULL);
        assert_string_equal(text,
                            "what?\n{\"status\":0,\"stop\":\"answered\",\"answered\":\"this\"}\n");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        free(text);
        free(path);
        free(name);
    }
    harness_free(&h);
}

static void the_key_is_the_second_line_and_a_path_of_it_in_none(void **state)
{
    (void)state;
    struct harness h =
        harness_new(SCRIPT("echo \"$begin|$key\" >&2; echo '{}'"), TRIREME__LLM__FALLBACK__nobody);
    free(h.config->llm->key_file);
    h.config->llm->key_file = mem_strdup("/home/somebody/key");
    start(&h, "sk-word");
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS); // by then its stderr is there
    char *log = must_read_in(h.run, "planner.log", NULL);
    assert_contains(log, "|sk-word\n");
    assert_contains(log, "\"model\":\"m\"");
    assert_null(strstr(log, "somebody"));
    free(log);
    harness_free(&h);
}

static void the_fallback_proposes_where_it_gave_up_and_says_so_once_without_calls(void **state)
{
    (void)state;
    struct harness h =
        harness_new(SCRIPT("echo '{\"gave_up\":\"no money\"}'"), TRIREME__LLM__FALLBACK__random);
    start(&h, NULL);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->n_proposals, 1);
    assert_string_equal(h.answer->proposals[0]->id, "random-1");
    assert_string_equal(h.answer->gave_up,
                        "no money; the random planner proposes in its place (llm.fallback)");
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->n_proposals, 1);
    assert_null(h.answer->gave_up);
    harness_free(&h);
}

static void a_process_that_ends_is_asked_no_more_after_three_and_costs_what_it_told(void **state)
{
    (void)state;
    struct harness h = harness_new("#!/bin/sh\nread -r b\nread -r key\nread -r b\n"
                                   "echo \"" BEGUN "\"\nexit 3\n",
                                   TRIREME__LLM__FALLBACK__random);
    start(&h, NULL);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(ask(&h), PLANNER_PROPOSALS);
        assert_int_equal(h.answer->n_calls, 1);
        assert_string_equal(h.answer->calls[0]->stop, "lost");
        assert_int_equal(h.answer->calls[0]->turn, i);
        assert_int_equal(h.answer->calls[0]->prompt_tokens, 50);
        assert_non_null(h.answer->calls[0]->asked_sha256);
        assert_contains(h.answer->gave_up, "ended with exit status 3");
        assert_int_equal(h.answer->n_proposals, 1);
    }
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->n_calls, 0);
    assert_int_equal(h.answer->n_proposals, 1);
    harness_free(&h);
}

static void a_process_that_ends_before_its_first_call_costs_none(void **state)
{
    (void)state;
    struct harness h = harness_new("#!/bin/sh\nexit 3\n", TRIREME__LLM__FALLBACK__random);
    start(&h, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(&h), PLANNER_PROPOSALS);
        assert_int_equal(h.answer->n_calls, 0);
        assert_contains(h.answer->gave_up, "ended with exit status 3");
    }
    assert_contains(h.answer->gave_up, "failure 3 in a row");
    harness_free(&h);
}

/* Asks, and ends the planner when it was told of a call: a stop of the run. */
static void stop_in_a_call(struct harness *h)
{
    start(h, NULL);
    char *path = file_join(h->run, "planner/calls"), *before = NULL, *now = NULL;
    if (file_exists(path))
        before = must_read(path, NULL);
    h->planner->ops->ask(h->planner, h->briefing);
    for (double end = clock_now() + 60; clock_now() < end; clock_sleep(0.005)) {
        assert_int_equal(h->planner->ops->poll(h->planner, &h->answer, &h->err), PLANNER_NOTHING);
        free(now);
        now = file_exists(path) ? must_read(path, NULL) : NULL;
        if (now && (!before || strcmp(now, before)))
            break;
    }
    assert_non_null(now);
    free(before);
    free(now);
    free(path);
    h->planner->ops->free(h->planner);
    h->planner = NULL;
}

static void a_call_under_way_at_a_stop_is_the_next_launchs_to_tell(void **state)
{
    (void)state;
    struct harness h =
        harness_new(SCRIPT("echo \"" BEGUN "\"; sleep 600"), TRIREME__LLM__FALLBACK__nobody);
    stop_in_a_call(&h);
    stop_in_a_call(&h); // that of the launch before is not lost by the second stop
    static const char quick[] = SCRIPT("echo \"$begin\" >&2; echo \"" ANSWERED "\"");
    must_write(h.program, quick, sizeof quick - 1);
    chmod(h.program, 0700);
    start(&h, NULL);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->n_calls, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(h.answer->calls[i]->turn, i + 1);
    assert_string_equal(h.answer->calls[1]->stop, "lost");
    assert_string_equal(h.answer->calls[1]->said, "it was lost");
    assert_non_null(h.answer->calls[1]->asked_sha256);
    assert_string_equal(h.answer->calls[2]->stop, "answered");
    char *text = must_read_in(h.run, "planner/turn-2", NULL);
    assert_string_equal(text, "what?\n{\"status\":0,\"stop\":\"lost\",\"answered\":\"\"}\n");
    free(text);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS); // told once
    assert_int_equal(h.answer->n_calls, 1);
    assert_int_equal(h.answer->calls[0]->turn, 4);
    text = must_read_in(h.run, "planner.log", NULL);
    assert_contains(text, "\"spent\":{\"calls\":2,\"tokens\":114,\"usd\":0.5}");
    free(text);
    harness_free(&h);
}

static void calls_that_the_ledger_has_are_not_told_again(void **state)
{
    (void)state;
    struct harness h =
        harness_new(SCRIPT("echo \"" BEGUN "\"; sleep 600"), TRIREME__LLM__FALLBACK__nobody);
    stop_in_a_call(&h);
    struct ledger *ledger = ledger_open(h.run, true, &h.err);
    Trireme__Record record = TRIREME__RECORD__INIT;
    Trireme__Call call = TRIREME__CALL__INIT;
    call.has_turn = true, call.turn = 1;
    record.has_kind = true, record.call = &call;
    assert_int_equal(ledger_append(ledger, &record, &h.err), 0);
    ledger_free(ledger);
    static const char quick[] = SCRIPT("echo \"" ANSWERED "\"");
    must_write(h.program, quick, sizeof quick - 1);
    chmod(h.program, 0700);
    start(&h, NULL);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->n_calls, 1);
    assert_int_equal(h.answer->calls[0]->turn, 2);
    harness_free(&h);
}

static void what_earlier_launches_spent_is_told_and_turns_go_on(void **state)
{
    (void)state;
    struct harness h = harness_new(SCRIPT("echo \"$begin\" >&2; echo \"" ANSWERED "\""),
                                   TRIREME__LLM__FALLBACK__nobody);
    struct ledger *ledger = ledger_open(h.run, true, &h.err);
    Trireme__Record record = TRIREME__RECORD__INIT;
    Trireme__Call call = TRIREME__CALL__INIT;
    call.has_turn = call.has_prompt_tokens = call.has_usd = true;
    call.turn = 7, call.prompt_tokens = 90, call.usd = 0.25;
    record.has_kind = true, record.call = &call;
    assert_int_equal(ledger_append(ledger, &record, &h.err), 0);
    ledger_free(ledger);
    start(&h, NULL);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    assert_int_equal(h.answer->calls[0]->turn, 8);
    assert_int_equal(ask(&h), PLANNER_PROPOSALS);
    char *log = must_read_in(h.run, "planner.log", NULL);
    assert_contains(log, "\"spent\":{\"calls\":1,\"tokens\":90,\"usd\":0.25}");
    free(log);
    harness_free(&h);
}

static void no_sentence_quotes_a_password_of_a_url(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://me:word@a/v1", "ftp://me:word@a/v1",  "me:word@a",
        "http://me:word @a/v1", "ftp://a/v1?key=word", "https:/a/v1#word"};
    struct harness h = harness_new(SCRIPT("echo {}"), TRIREME__LLM__FALLBACK__nobody);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        free(h.config->llm->url);
        h.config->llm->url = mem_strdup(urls[i]);
        assert_int_equal(planner_llm_check(h.config, h.run, &h.err), -1);
        assert_contains(h.err.text, "llm.url: found");
        assert_null(strstr(h.err.text, "word"));
    }
    harness_free(&h);
}

static void keep_warning(void *context, const char *sentence)
{
    char **kept = context;
    if (strstr(sentence, "llm.url"))
        *kept = mem_strdup(sentence);
}

static void a_key_that_would_leave_this_host_in_clear_is_warned_of(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://10.0.0.7/v1", "https://10.0.0.7/v1",
                                       "http://127.0.0.1:80/v1"};
    for (size_t i = 0; i < 3; i++) {
        struct harness h = harness_new(SCRIPT(""), TRIREME__LLM__FALLBACK__nobody);
        char *kept = NULL;
        free(h.config->llm->url);
        h.config->llm->url = mem_strdup(urls[i]);
        h.planner = planner_llm_new(h.config, h.run, h.program, llm_key_new("k", 1, "key", &h.err),
                                    NULL, keep_warning, &kept, &h.err);
        assert_non_null(h.planner);
        assert_true((i == 0) == (kept != NULL));
        free(kept);
        harness_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answers_calls_have_digests_in_the_place_of_their_texts),
        cmocka_unit_test(the_key_is_the_second_line_and_a_path_of_it_in_none),
        cmocka_unit_test(the_fallback_proposes_where_it_gave_up_and_says_so_once_without_calls),
        cmocka_unit_test(a_process_that_ends_is_asked_no_more_after_three_and_costs_what_it_told),
        cmocka_unit_test(a_process_that_ends_before_its_first_call_costs_none),
        cmocka_unit_test(a_call_under_way_at_a_stop_is_the_next_launchs_to_tell),
        cmocka_unit_test(calls_that_the_ledger_has_are_not_told_again),
        cmocka_unit_test(what_earlier_launches_spent_is_told_and_turns_go_on),
        cmocka_unit_test(no_sentence_quotes_a_password_of_a_url),
        cmocka_unit_test(a_key_that_would_leave_this_host_in_clear_is_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
