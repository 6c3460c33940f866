/* A campaign that promotes nothing does not change the trunk's bits, whatever became of its
 * hypotheses. */
#include "tests/unit/roles/campaign_harness.h"

enum { STEPS = 160, ANY = 9 };

static const struct harness_launch two_workers = {.workers = 2, .servers = 1};

static const struct scripted_proposal raised[] = {
    {0, "optimizer.lr=0.015"},
    {0, NULL                }
};

/* What a person orders, and at which step of the trunk. */
static struct {
    char folder[512];
    uint64_t step; /* of the trunk */
    Trireme__Order order;
    bool has_ordered;
} person;

static void plan_orders(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    if (trial || step != person.step || person.has_ordered)
        return;
    campaign_order(person.folder, person.order, 1);
    person.has_ordered = true;
}

static struct harness_launch order_at(const struct campaign_fixture *f, uint64_t step,
                                      Trireme__Order order)
{
    person.step = step;
    person.order = order;
    person.has_ordered = false;
    snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, "run"));
    return (struct harness_launch){.workers = 2, .servers = 1, .plan = plan_orders};
}

/* Runs "run" with experiments and "plain" without, and checks that both have the same bits. The
 * history of "run" is the caller's. */
static struct history check_alone(const struct campaign_fixture *f, const char *const *settings,
                                  const struct scripted_proposal *script,
                                  const struct harness_launch *launch)
{
    campaign_run(f, "run", settings, script, launch);
    campaign_run(f, "plain", settings, NULL, &(struct harness_launch){.workers = 1, .servers = 2});
    campaign_check_same(f, "run", "plain", STEPS);
    return ledger_history(f, "run");
}

static void check_fate(struct history *history, enum fate fate, size_t n_pairs, const char *reason)
{
    const struct entry *e = history_entry(history, 1);
    assert_non_null(e);
    if (e->fate != fate)
        fail_msg("found fate %s, expected %s (%s)", fate_name(e->fate), fate_name(fate),
                 e->reason ? e->reason : "");
    if (n_pairs != ANY)
        assert_int_equal(e->forward.n_pairs, n_pairs);
    if (reason)
        assert_contains(e->reason ? e->reason : "", reason);
    history_clear(history);
}

static void refused_proposals_leave_the_trunk_alone(void **state)
{
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=-1"        },
        {0, "model.width=32"         },
        {0, "no.such.path=1"         },
        {0, "optimizer.lr=0.01"      },
        {0, "data.sources.9.weight=1"},
        {0, NULL                     }
    };
    struct history history = check_alone(*state, (const char *const[]){NULL}, script, &two_workers);
    assert_int_equal(history.n, 5);
    assert_int_equal(history.registered, 0);
    for (uint32_t i = 2; i <= 5; i++)
        assert_int_equal(history_entry(&history, i)->fate, FATE_REFUSED);
    check_fate(&history, FATE_REFUSED, 0, "");
}

static void a_hypothesis_without_a_promotion_leaves_the_trunk_alone(void **state)
{
    struct history history =
        check_alone(*state, (const char *const[]){"gate.margin=0.01", "eval.every=15", NULL},
                    raised, &two_workers);
    check_fate(&history, FATE_INCONCLUSIVE, ANY, NULL);
}

static void a_rejected_hypothesis_leaves_the_trunk_alone(void **state)
{
    static const struct scripted_proposal lowered[] = {
        {0, "optimizer.lr=0.0001 schedule.min_lr=0"},
        {0, NULL                                   }
    };
    struct history history =
        check_alone(*state, (const char *const[]){"gate.beta=0.5", NULL}, lowered, &two_workers);
    check_fate(&history, FATE_REJECTED, ANY, NULL);
}

static void an_observed_proposal_is_not_tried(void **state)
{
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=observe", NULL}, raised, &two_workers);
    assert_int_equal(history.registered, 0);
    check_fate(&history, FATE_OBSERVED, 0, NULL);
}

static void a_vetoed_proposal_is_not_tried(void **state)
{
    struct harness_launch launch = order_at(*state, 10, TRIREME__ORDER__veto);
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=approve", NULL}, raised, &launch);
    assert_true(person.has_ordered);
    assert_int_equal(history.registered, 0);
    check_fate(&history, FATE_VETOED, 0, NULL);
}

static void a_proposal_that_nobody_approved_of_is_closed_at_the_end(void **state)
{
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=approve", NULL}, raised, &two_workers);
    check_fate(&history, FATE_INCONCLUSIVE, 0, "the run ended");
}

static void an_approved_proposal_is_tried_from_then_on(void **state)
{
    struct harness_launch launch = order_at(*state, 30, TRIREME__ORDER__approve);
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=approve", NULL}, raised, &launch);
    assert_int_equal(history_entry(&history, 1)->forward.plan->start, 40);
    assert_true(history_entry(&history, 1)->forward.n_pairs >= 3);
    history_clear(&history);
}

static void a_hypothesis_that_is_killed_in_mid_stretch_leaves_the_trunk_alone(void **state)
{
    struct harness_launch launch = order_at(*state, 50, TRIREME__ORDER__kill);
    struct history history = check_alone(*state, (const char *const[]){NULL}, raised, &launch);
    check_fate(&history, FATE_INCONCLUSIVE, 1, "killed");
    struct lines lines = lines_read(*state, "run");
    assert_int_equal(lines_count(&lines, "h1.0"), 20);
    assert_in_range(lines_count(&lines, "h1.1"), 1, 19);
    assert_int_equal(lines_count(&lines, "h1.2"), 0);
    lines_free(&lines);
}

static void a_fork_that_diverges_is_rejected_at_its_pairs_end(void **state)
{
    // the decay alone multiplies every matrix by 1 - 100 * 10 in each step
    static const struct scripted_proposal wild[] = {
        {0, "optimizer.lr=100 optimizer.weight_decay=10"},
        {0, NULL                                        }
    };
    struct history history = check_alone(*state, (const char *const[]){NULL}, wild, &two_workers);
    const struct attempt *attempt = &history_entry(&history, 1)->forward;
    assert_true(attempt->pairs[0]->diverged && !attempt->pairs[0]->has_fork_loss);
    check_fate(&history, FATE_REJECTED, 1, "its training diverged");
}

static void a_fork_that_diverges_does_not_disturb_one_beside_it(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal both[] = {
        {0, "optimizer.lr=100 optimizer.weight_decay=10"},
        {0, "optimizer.lr=0.015"                        },
        {0, NULL                                        }
    };
    campaign_run(f, "both", (const char *const[]){NULL}, both, &two_workers);
    campaign_run(f, "alone", (const char *const[]){NULL}, raised, &two_workers);
    campaign_check_same(f, "both", "alone", STEPS);
    struct lines found = lines_read(f, "both"), expected = lines_read(f, "alone");
    lines_check_equal(&found, "h2.0", &expected, "h1.0", 21, 40);
    lines_check_equal(&found, "h2.1", &expected, "h1.1", 41, 60);
    lines_free(&found);
    lines_free(&expected);
}

/* A step of 16 samples is 4/3 of one of 12: tails of 12 steps of the trunk, not of 10. */
static void
forks_with_tails_of_unlike_lengths_have_each_a_tail_of_the_trunks_of_its_own(void **state)
{
    static const struct scripted_proposal both[] = {
        {0, "optimizer.lr=0.015"},
        {0, "train.batch=16"    },
        {0, NULL                }
    };
    campaign_run(*state, "run", (const char *const[]){NULL}, both, &two_workers);
    struct lines lines = lines_read(*state, "run");
    assert_int_equal(lines_count(&lines, "trunk-tail.40.10"), 10);
    assert_int_equal(lines_count(&lines, "trunk-tail.40.12"), 12);
    assert_int_equal(lines_count(&lines, "h1.0-tail"), 10);
    assert_int_equal(lines_count(&lines, "h2.0-tail"), 9);
    lines_free(&lines);
}

/* After four pairs each, there are tokens for two more pairs: those of the first hypothesis, up to
 * its next look. */
static void tokens_for_one_look_more_go_to_one_hypothesis_and_are_not_shared_out(void **state)
{
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0008"},
        {0, "optimizer.lr=0.0007"},
        {0, "optimizer.lr=0.0006"},
        {0, NULL                 }
    };
    campaign_run(*state, "run",
                 (const char *const[]){"optimizer.lr=0.0002", "schedule.kind=constant",
                                       "schedule.min_lr=0", "gate.alpha=0.000001",
                                       "gate.hypotheses=3", "experiment.forks=3", "train.steps=240",
                                       "gate.share=2.32", NULL},
                 three, &two_workers);
    struct history history = ledger_history(*state, "run");
    for (uint32_t i = 1; i <= 3; i++) {
        const struct entry *e = history_entry(&history, i);
        assert_int_equal(e->forward.n_pairs, i == 1 ? 6 : 4);
        if (i > 1)
            assert_int_equal(e->judgement->cause, TRIREME__CAUSE__money);
    }
    assert_true(history.tokens <= 2.32 * 240 * 12 * 8);
    history_clear(&history);
}

static void a_fork_without_memory_is_closed_with_the_reason_and_may_be_proposed_again(void **state)
{
    static const struct scripted_proposal again[] = {
        {0,  "optimizer.lr=0.015"},
        {40, "optimizer.lr=0.015"},
        {0,  NULL                }
    };
    struct history history = check_alone(*state, (const char *const[]){"experiment.memory=1", NULL},
                                         again, &two_workers);
    for (uint32_t i = 1; i <= 2; i++)
        assert_int_equal(history_entry(&history, i)->judgement->cause, TRIREME__CAUSE__memory);
    check_fate(&history, FATE_INCONCLUSIVE, 0, "experiment.memory");
}

static void a_fork_that_a_rank_computes_with_other_values_fails_with_a_sentence(void **state)
{
    static const struct {
        const char *patch, *sentence;
        int rank;
    } cases[] = {
        {"optimizer.beta2=0.5",     "server 1 (rank 2", 2},
        {"train.batch=6",           "worker 0 (rank 3", 3},
        {"data.sources.1.weight=3", NULL,               3}, // its order came with the order itself
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct scripted_proposal script[] = {
            {0, cases[i].patch},
            {0, NULL          }
        };
        char *name = mem_format("deaf%zu", i);
        campaign_run(
            *state, name, (const char *const[]){NULL}, script,
            &(struct harness_launch){.workers = 2, .servers = 2, .deaf_rank = cases[i].rank});
        struct history history = ledger_history(*state, name);
        const struct entry *e = history_entry(&history, 1);
        if (cases[i].sentence) {
            assert_int_equal(e->judgement->cause, TRIREME__CAUSE__failed);
            assert_int_equal(e->forward.n_pairs, 0);
            assert_contains(e->reason, cases[i].sentence);
            assert_contains(e->reason, "computes the fork with");
        } else {
            assert_true(e->forward.n_pairs > 0);
        }
        history_clear(&history);
        free(name);
    }
}

static void what_a_fork_was_verified_to_have_is_the_patch_and_not_the_trunks_value(void **state)
{
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.015 optimizer.beta2=0.5 data.sources.1.weight=3"},
        {0, NULL                                                            }
    };
    campaign_run(*state, "run", (const char *const[]){NULL}, script, &two_workers);
    struct history history = ledger_history(*state, "run");
    const Trireme__Application *a = history_entry(&history, 1)->forward.application;
    assert_int_equal(a->n_verified, 3);
    assert_string_equal(a->verified[0]->value, "0.015");
    assert_string_equal(a->verified[1]->value, "0.5");
    assert_string_equal(a->verified[2]->value, "3");
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(refused_proposals_leave_the_trunk_alone),
        campaign_test(a_hypothesis_without_a_promotion_leaves_the_trunk_alone),
        campaign_test(a_rejected_hypothesis_leaves_the_trunk_alone),
        campaign_test(an_observed_proposal_is_not_tried),
        campaign_test(a_vetoed_proposal_is_not_tried),
        campaign_test(a_proposal_that_nobody_approved_of_is_closed_at_the_end),
        campaign_test(an_approved_proposal_is_tried_from_then_on),
        campaign_test(a_hypothesis_that_is_killed_in_mid_stretch_leaves_the_trunk_alone),
        campaign_test(a_fork_that_diverges_is_rejected_at_its_pairs_end),
        campaign_test(a_fork_that_diverges_does_not_disturb_one_beside_it),
        campaign_test(a_fork_that_a_rank_computes_with_other_values_fails_with_a_sentence),
        campaign_test(what_a_fork_was_verified_to_have_is_the_patch_and_not_the_trunks_value),
        campaign_test(forks_with_tails_of_unlike_lengths_have_each_a_tail_of_the_trunks_of_its_own),
        campaign_test(tokens_for_one_look_more_go_to_one_hypothesis_and_are_not_shared_out),
        campaign_test(a_fork_without_memory_is_closed_with_the_reason_and_may_be_proposed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
