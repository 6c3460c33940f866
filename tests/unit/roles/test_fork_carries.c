/* A fork with a patch goes on as a run does that is resumed from the trunk's checkpoint with the
 * same settings. */
#include "tests/unit/roles/campaign_harness.h"

enum { START = 20, END = 40, CASES_MAX = 20 };

struct patch_case {
    const char *patch;
    uint64_t steps; /* of the fork in 20 of the trunk */
};

static const struct harness_launch stopped = {.workers = 2,
                                              .servers = 2,
                                              .stop = &harness_stop,
                                              .plan = plan_stop_at,
                                              .expected = ERR_STOPPED};

/* Resumes the named run with a patch, and stops it after so many steps. */
static void resume_by_hand(const struct campaign_fixture *f, const char *name, const char *patch,
                           uint64_t stop)
{
    char *copy = mem_strdup(patch), *save = NULL, *words[8];
    size_t n = 0;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    struct harness_launch launch = stopped;
    launch.workers = 3;
    harness_stop = 0, harness_stop_step = stop;
    campaign_resume(f, name, words, n, NULL, &launch);
    free(copy);
}

/* Runs a campaign up to END and, for each patch, a run without experiments up to START that is then
 * resumed with the patch. Checks that both have the same lines. */
static void check_forks(const struct campaign_fixture *f, const char *const *settings,
                        const struct patch_case *cases)
{
    const char *all[16] = {"experiment.forks=20", "gate.hypotheses=20"};
    struct scripted_proposal script[CASES_MAX + 1] = {{0}};
    for (size_t i = 0; settings[i]; i++)
        all[2 + i] = settings[i];
    for (size_t i = 0; cases[i].patch; i++)
        script[i].patch = cases[i].patch;
    harness_stop = 0, harness_stop_step = END + 1;
    campaign_run(f, "forks", all, script, &stopped);
    struct lines forks = lines_read(f, "forks");
    for (size_t i = 0; cases[i].patch; i++) {
        char fork[32], name[32];
        uint64_t last = START + cases[i].steps, common = last < END ? last : END;
        snprintf(fork, sizeof fork, "h%zu.0", i + 1);
        snprintf(name, sizeof name, "hand%zu", i + 1);
        harness_stop = 0, harness_stop_step = START;
        campaign_run(f, name, all, NULL, &stopped);
        resume_by_hand(f, name, cases[i].patch, last);
        struct lines hand = lines_read(f, name);
        print_message("%s\n", cases[i].patch);
        lines_check_equal(&forks, fork, &hand, "trunk", START + 1, last);
        assert_int_equal(lines_count(&forks, fork), cases[i].steps);
        // without an effect of the patch, nothing would be proved
        assert_true(lines_at(&forks, fork, common)->loss !=
                    lines_at(&forks, "trunk", common)->loss);
        lines_free(&hand);
    }
    lines_free(&forks);
}

static void a_fork_goes_on_as_a_run_that_is_resumed_with_its_patch(void **state)
{
    static const struct patch_case cases[] = {
        {"optimizer.lr=0.02",                                     20},
        {"schedule.kind=constant",                                20},
        {"schedule.kind=linear",                                  20},
        {"schedule.warmup=40",                                    20},
        {"schedule.min_lr=0.005",                                 20},
        {"optimizer.clip=0.1",                                    20},
        {"optimizer.weight_decay=1",                              20},
        {"optimizer.beta1=0.5",                                   20},
        {"optimizer.beta2=0.7",                                   20},
        {"optimizer.eps=0.001",                                   20},
        {"data.sources.0.weight=1 data.sources.1.weight=5",       20},
        {"data.sources.1.weight=0",                               20},
        {"data.skip=36",                                          20},
        {"optimizer.lr=0.02 data.skip=5 data.sources.1.weight=9", 20},
        {NULL,                                                    0 }
    };
    check_forks(*state, (const char *const[]){NULL}, cases);
}

/* By hand, steps are updates whatever their size; in an experiment the rate follows from tokens.
 * Both are the same where the rate is constant. */
static void a_fork_with_steps_of_another_size_goes_on_as_a_run_that_is_resumed_so(void **state)
{
    static const struct patch_case cases[] = {
        {"train.batch=24",                                10},
        {"train.batch=6",                                 40},
        {"train.context=4",                               40},
        {"train.batch=24 train.context=4",                20},
        {"train.batch=24 optimizer.lr=0.02 data.skip=12", 10},
        {NULL,                                            0 }
    };
    check_forks(*state, (const char *const[]){"schedule.kind=constant", "schedule.warmup=0", NULL},
                cases);
}

static void a_fork_with_momentum_goes_on_as_a_run_that_is_resumed_with_its_patch(void **state)
{
    static const struct patch_case cases[] = {
        {"optimizer.momentum=0.5", 20},
        {"optimizer.lr=0.5",       20},
        {NULL,                     0 }
    };
    check_forks(*state, (const char *const[]){"optimizer.name=sgd", "optimizer.lr=0.1", NULL},
                cases);
}

/* A source goes on where it was when it was taken off, in the fork as by hand. */
static void a_fork_that_takes_a_source_on_again_goes_on_where_the_source_was(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal on[] = {
        {0, "data.sources.1.weight=3"},
        {0, NULL                     }
    };
    static char *const off[] = {"data.sources.1.weight=0"};
    // it is off from step 10 on; the planner is asked at step 20, so its fork begins at 40
    const char *const none[] = {NULL};
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "hand" : "fork";
        harness_stop = 0, harness_stop_step = 10;
        campaign_run(f, name, none, NULL, &stopped);
        harness_stop = 0, harness_stop_step = i ? 40 : 61;
        campaign_resume(f, name, off, 1, i ? NULL : on, &stopped);
    }
    resume_by_hand(f, "hand", on[0].patch, 60);
    struct lines fork = lines_read(f, "fork"), hand = lines_read(f, "hand");
    lines_check_equal(&fork, "h1.0", &hand, "trunk", 41, 60);
    assert_true(lines_at(&fork, "h1.0", 60)->loss != lines_at(&fork, "trunk", 60)->loss);
    lines_free(&fork);
    lines_free(&hand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(a_fork_goes_on_as_a_run_that_is_resumed_with_its_patch),
        campaign_test(a_fork_with_steps_of_another_size_goes_on_as_a_run_that_is_resumed_so),
        campaign_test(a_fork_with_momentum_goes_on_as_a_run_that_is_resumed_with_its_patch),
        campaign_test(a_fork_that_takes_a_source_on_again_goes_on_where_the_source_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
