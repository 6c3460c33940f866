/* The example planners, with real briefings. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "coordinator/briefing/briefing.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/ledger/history.h"
#include "coordinator/patch/patch.h"
#include "launcher/planner/planner_script.h"
#include "launcher/planner/program_path.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#define PLANNERS FIXTURES "/../../examples/"

enum { ENTRIES = 8 };

static Trireme__Plan plan = TRIREME__PLAN__INIT;

/* A run that asks a planner, and the history of what it proposed. */
struct harness {
    char *run;
    Trireme__Config *config;
    struct entry entries[ENTRIES]; /* which own their proposals */
    struct history history;
    struct curve *curve;
};

static struct harness *harness_new(void)
{
    char *settings[] = {(char *)"data.sources.0.path=a"};
    struct harness *h = calloc(1, sizeof *h);
    struct err err;
    h->run = test_folder_new();
    h->config = run_config_read(NULL, settings, 1, &err);
    h->curve = curve_new();
    h->history.entries = h->entries;
    return h;
}

static void harness_free(struct harness *h)
{
    for (size_t i = 0; i < h->history.n; i++)
        message_free(h->entries[i].proposal);
    message_free(h->config);
    curve_free(h->curve);
    test_folder_free(h->run);
    free(h);
}

/* On a machine that offers less to lock a planner in. */
static void pass_over(void *context, const char *sentence)
{
    (void)context, (void)sentence;
}

/* Starts the planner and asks it once. Checks that its proposals are legal, and adds them to the
 * history. Returns their number. */
static size_t ask(struct harness *h, uint32_t room, const char *const *words, size_t n)
{
    struct err err;
    char *command[8];
    for (size_t i = 0; i < n; i++)
        command[i] = (char *)words[i];
    Trireme__Experiment *e = h->config->experiment;
    e->command = command, e->n_command = n;
    struct planner *planner = planner_script_new(h->config, h->run, NULL, pass_over, NULL, &err);
    e->command = NULL, e->n_command = 0;
    if (!planner)
        fail_msg("%s", err.text);
    struct briefing_input input = {.config = h->config,
                                   .asked = h->config,
                                   .history = &h->history,
                                   .curve = h->curve,
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
        Trireme__Config *changed = patch_apply(h->config, p->patch, p->n_patch, NULL, &err);
        if (!changed || patch_check_proposal(p, &err) < 0)
            fail_msg("%s", err.text);
        message_free(changed);
        assert_true(h->history.n < ENTRIES);
        h->entries[h->history.n] = (struct entry){.number = (uint32_t)h->history.n + 1,
                                                  .proposal = p,
                                                  .fate = FATE_OPEN,
                                                  .forward = {.plan = &plan}};
        h->history.n++;
    }
    message_free(answer);
    message_free(briefing);
    planner->ops->free(planner);
    return n_new;
}

static void assert_patches(const struct harness *h, const char *const *texts, size_t n)
{
    assert_int_equal(h->history.n, n);
    for (size_t i = 0; i < n; i++) {
        const Trireme__Proposal *p = h->entries[i].proposal;
        char *text = changes_text(p->patch, p->n_patch);
        assert_string_equal(text, texts[i]);
        free(text);
    }
}

static void the_minimal_one_proposes_once(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    const char *const words[] = {"python3", PLANNERS "minimal.py"};
    assert_int_equal(ask(h, 0, words, 2), 0);
    assert_int_equal(ask(h, 1, words, 2), 1);
    assert_int_equal(ask(h, 1, words, 2), 0);
    assert_patches(h, (const char *const[]){"optimizer.lr=0.0005"}, 1);
    harness_free(h);
}

static void a_sweep_goes_on_where_it_was_from_the_value_that_it_began_with(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    const char *const words[] = {
        "python3", PLANNERS "sweep.py", "optimizer.lr", "0.5x", "0.004", "1x", "4x", "8x"};
    assert_int_equal(ask(h, 2, words, 8), 2);
    h->config->optimizer->lr = 0.0005; // the first was promoted
    assert_int_equal(ask(h, 2, words, 8), 2);
    assert_int_equal(ask(h, 2, words, 8), 0);
    const char *const expected[] = {"optimizer.lr=0.0005", "optimizer.lr=0.004",
                                    "optimizer.lr=0.001", "optimizer.lr=0.008"};
    assert_patches(h, expected, 4);
    harness_free(h);
}

static void a_sweep_keeps_whole_numbers_whole_and_takes_words(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    const char *const batch[] = {"python3", PLANNERS "sweep.py", "train.batch", "0.5x", "2x"};
    const char *const kind[] = {"python3", PLANNERS "sweep.py", "schedule.kind", "linear",
                                "cosine"};
    const char *const none[] = {"python3", PLANNERS "sweep.py", "train.seed", "1"};
    assert_int_equal(ask(h, 3, batch, 5), 2);
    assert_int_equal(ask(h, 3, kind, 5), 1);
    assert_int_equal(ask(h, 3, none, 4), 0);
    const char *const expected[] = {"train.batch=16", "train.batch=64", "schedule.kind=linear"};
    assert_patches(h, expected, 3);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minimal_one_proposes_once),
        cmocka_unit_test(a_sweep_goes_on_where_it_was_from_the_value_that_it_began_with),
        cmocka_unit_test(a_sweep_keeps_whole_numbers_whole_and_takes_words),
    };
    struct err err;
    char *python = program_path_find("python3", &err);
    free(python);
    if (!python) {
        fprintf(stderr, "skipped: %s\n", err.text);
        return 77; // ctest takes it for skipped
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
