/* The planners that users copy, against real briefings. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/patch.h"
#include "launcher/planner/planner_script.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#define PLANNERS FIXTURES "/../../examples/"

enum { ENTRIES = 8 };

static Trireme__Plan plan = TRIREME__PLAN__INIT;

struct stage {
    char *run;
    Trireme__Config *config;
    struct entry entries[ENTRIES]; /* proposals are the stage's */
    struct history history;
    struct curve *curve;
};

static struct stage *stage_new(void)
{
    char *settings[] = {(char *)"data.sources.0.path=a"};
    struct stage *s = calloc(1, sizeof *s);
    struct err err;
    s->run = test_folder_new();
    s->config = run_config_read(NULL, settings, 1, &err);
    s->curve = curve_new();
    s->history.entries = s->entries;
    return s;
}

static void stage_free(struct stage *s)
{
    for (size_t i = 0; i < s->history.n; i++)
        message_free(s->entries[i].proposal);
    message_free(s->config);
    curve_free(s->curve);
    test_folder_free(s->run);
    free(s);
}

/* Starts the planner anew and asks it once; what it proposes is legal, and is taken as proposed. */
static size_t ask(struct stage *s, uint32_t room, const char *const *words, size_t n)
{
    struct err err;
    char *command[8];
    for (size_t i = 0; i < n; i++)
        command[i] = (char *)words[i];
    struct planner *planner = planner_script_new(command, n, s->run, 60, &err);
    if (!planner)
        fail_msg("%s", err.text);
    struct briefing_input input = {.config = s->config,
                                   .asked = s->config,
                                   .history = &s->history,
                                   .curve = s->curve,
                                   .room = room};
    Trireme__Briefing *briefing = briefing_make(&input);
    Trireme__Proposals *answer = NULL;
    planner->ops->ask(planner, briefing);
    enum planner_answer kind;
    while ((kind = planner->ops->poll(planner, &answer, &err)) == PLANNER_NOTHING)
        clock_sleep(0.01);
    if (kind != PLANNER_PROPOSALS)
        fail_msg("%s", err.text);
    size_t n_new = answer->n_proposals;
    assert_true(n_new <= room);
    for (size_t i = 0; i < n_new; i++) {
        Trireme__Proposal *p = message_copy(answer->proposals[i]);
        Trireme__Config *changed = patch_apply(s->config, p->patch, p->n_patch, NULL, &err);
        if (!changed || patch_check_proposal(p, &err) < 0)
            fail_msg("%s", err.text);
        message_free(changed);
        assert_true(s->history.n < ENTRIES);
        s->entries[s->history.n] = (struct entry){.number = (uint32_t)s->history.n + 1,
                                                  .proposal = p,
                                                  .fate = FATE_OPEN,
                                                  .forward = {.plan = &plan}};
        s->history.n++;
    }
    message_free(answer);
    message_free(briefing);
    planner->ops->free(planner);
    return n_new;
}

static void assert_patches(const struct stage *s, const char *const *texts, size_t n)
{
    assert_int_equal(s->history.n, n);
    for (size_t i = 0; i < n; i++) {
        const Trireme__Proposal *p = s->entries[i].proposal;
        char *text = changes_text(p->patch, p->n_patch);
        assert_string_equal(text, texts[i]);
        free(text);
    }
}

static void the_minimal_one_proposes_once(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    const char *const words[] = {"python3", PLANNERS "minimal.py"};
    assert_int_equal(ask(s, 0, words, 2), 0);
    assert_int_equal(ask(s, 1, words, 2), 1);
    assert_int_equal(ask(s, 1, words, 2), 0);
    assert_patches(s, (const char *const[]){"optimizer.lr=0.0005"}, 1);
    stage_free(s);
}

static void a_sweep_goes_on_where_it_was_from_the_value_that_it_began_with(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    const char *const words[] = {
        "python3", PLANNERS "sweep.py", "optimizer.lr", "0.5x", "0.004", "1x", "4x", "8x"};
    assert_int_equal(ask(s, 2, words, 8), 2);
    s->config->optimizer->lr = 0.0005; // the first was promoted
    assert_int_equal(ask(s, 2, words, 8), 2);
    assert_int_equal(ask(s, 2, words, 8), 0);
    const char *const expected[] = {"optimizer.lr=0.0005", "optimizer.lr=0.004",
                                    "optimizer.lr=0.001", "optimizer.lr=0.008"};
    assert_patches(s, expected, 4);
    stage_free(s);
}

static void a_sweep_keeps_whole_numbers_whole_and_takes_words(void **state)
{
    (void)state;
    struct stage *s = stage_new();
    const char *const batch[] = {"python3", PLANNERS "sweep.py", "train.batch", "0.5x", "2x"};
    const char *const kind[] = {"python3", PLANNERS "sweep.py", "schedule.kind", "linear",
                                "cosine"};
    const char *const none[] = {"python3", PLANNERS "sweep.py", "train.seed", "1"};
    assert_int_equal(ask(s, 3, batch, 5), 2);
    assert_int_equal(ask(s, 3, kind, 5), 1);
    assert_int_equal(ask(s, 3, none, 4), 0);
    const char *const expected[] = {"train.batch=16", "train.batch=64", "schedule.kind=linear"};
    assert_patches(s, expected, 3);
    stage_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minimal_one_proposes_once),
        cmocka_unit_test(a_sweep_goes_on_where_it_was_from_the_value_that_it_began_with),
        cmocka_unit_test(a_sweep_keeps_whole_numbers_whole_and_takes_words),
    };
    struct err err;
    char *python[] = {(char *)"python3"};
    if (planner_script_check(python, 1, &err) < 0) {
        fprintf(stderr, "skipped: %s\n", err.text);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
