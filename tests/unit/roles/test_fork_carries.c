/* A fork with a patch goes on as a run does that is resumed from the trunk's checkpoint with the
 * same settings. */
#include "tests/unit/roles/campaign_harness.h"

enum { START = 40, END = 50, CASES_MAX = 20 };

struct patch_case {
    const char *patch;
    uint64_t steps; /* of the fork in 10 of the trunk */
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
 * resumed with the patch. Checks that both have the same lines. All patches are of one kind, since
 * those of two do not share a stretch. */
static void check_forks(const struct campaign_fixture *f, const char *kind,
                        const char *const *settings, const struct patch_case *cases)
{
    const char *all[16] = {"experiment.forks=20", "train.steps=800"};
    struct scripted_proposal script[CASES_MAX + 1] = {{0}};
    for (size_t i = 0; settings[i]; i++)
        all[2 + i] = settings[i];
    for (size_t i = 0; cases[i].patch; i++)
        script[i].patch = cases[i].patch;
    harness_stop = 0, harness_stop_step = END + 1;
    campaign_run(f, kind, all, script, &stopped);
    struct lines forks = lines_read(f, kind);
    for (size_t i = 0; cases[i].patch; i++) {
        char fork[32], name[32];
        uint64_t last = START + cases[i].steps, common = last < END ? last : END;
        snprintf(fork, sizeof fork, "h%zu.0", i + 1);
        snprintf(name, sizeof name, "%s%zu", kind, i + 1);
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
    struct history history = ledger_history(f, kind);
    for (size_t i = 0; cases[i].patch; i++)
        assert_int_equal(history.entries[i].forward.plan->calm, !strcmp(kind, "calm"));
    history_clear(&history);
}

static void a_fork_goes_on_as_a_run_that_is_resumed_with_its_patch(void **state)
{
    static const struct patch_case plain[] = {
        {"optimizer.lr=0.02",                                     10},
        {"schedule.kind=constant",                                10},
        {"schedule.kind=linear",                                  10},
        {"schedule.warmup=80",                                    10},
        {"schedule.min_lr=0.005",                                 10},
        {"optimizer.weight_decay=1",                              10},
        {"optimizer.beta1=0.5",                                   10},
        {"optimizer.beta2=0.7",                                   10},
        {"optimizer.eps=0.001",                                   10},
        {"data.sources.0.weight=1 data.sources.1.weight=5",       10},
        {"data.sources.1.weight=0",                               10},
        {"data.skip=36",                                          10},
        {"optimizer.lr=0.02 data.skip=5 data.sources.1.weight=9", 10},
        {NULL,                                                    0 }
    };
    static const struct patch_case calm[] = {
        {"optimizer.lr=0.005",                                 10},
        {"optimizer.clip=0.1",                                 10},
        {"optimizer.clip=0.1 optimizer.beta2=0.7 data.skip=5", 10},
        {NULL,                                                 0 }
    };
    check_forks(*state, "plain", (const char *const[]){NULL}, plain);
    check_forks(*state, "calm", (const char *const[]){NULL}, calm);
}

/* By hand, steps are updates whatever their size; in an experiment the rate follows from tokens.
 * Both are the same where the rate is constant. */
static void a_fork_with_steps_of_another_size_goes_on_as_a_run_that_is_resumed_so(void **state)
{
    static const struct patch_case plain[] = {
        {"train.batch=6",   20},
        {"train.context=4", 20},
        {NULL,              0 }
    };
    static const struct patch_case calm[] = {
        {"train.batch=24",                                5 },
        {"train.batch=24 train.context=4",                10},
        {"train.batch=24 optimizer.lr=0.02 data.skip=12", 5 },
        {NULL,                                            0 }
    };
    const char *const settings[] = {"schedule.kind=constant", "schedule.warmup=0", NULL};
    check_forks(*state, "plain", settings, plain);
    check_forks(*state, "calm", settings, calm);
}

static void a_fork_with_momentum_goes_on_as_a_run_that_is_resumed_with_its_patch(void **state)
{
    static const struct patch_case cases[] = {
        {"optimizer.momentum=0.5", 10},
        {"optimizer.lr=0.5",       10},
        {NULL,                     0 }
    };
    check_forks(*state, "plain",
                (const char *const[]){"optimizer.name=sgd", "optimizer.lr=0.1", NULL}, cases);
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
    // it is off from step 10 on; its fork begins at step 40
    const char *const none[] = {NULL};
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "hand" : "fork";
        harness_stop = 0, harness_stop_step = 10;
        campaign_run(f, name, none, NULL, &stopped);
        harness_stop = 0, harness_stop_step = i ? START : END + 1;
        campaign_resume(f, name, off, 1, i ? NULL : on, &stopped);
    }
    resume_by_hand(f, "hand", on[0].patch, END);
    struct lines fork = lines_read(f, "fork"), hand = lines_read(f, "hand");
    lines_check_equal(&fork, "h1.0", &hand, "trunk", START + 1, END);
    assert_true(lines_at(&fork, "h1.0", END)->loss != lines_at(&fork, "trunk", END)->loss);
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
