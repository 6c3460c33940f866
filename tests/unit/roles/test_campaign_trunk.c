/* A campaign that adopts nothing does not change the trunk's bits, whatever became of its
 * hypotheses: it only ends sooner, by what they cost. */
#include "tests/unit/roles/campaign_harness.h"

enum { STEPS = 160, STEP_TOKENS = 12 * 8, ANY = 9 };

/* The rates of a trunk do not depend on its length. */
#define CONSTANT "schedule.kind=constant"
/* A rate that is too low by far: a higher one shows in one pair. */
#define TOO_LOW "optimizer.lr=0.0002", CONSTANT, "schedule.min_lr=0"

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

/* Runs "run" with experiments and "plain" without, up to the step where the other one ended, and
 * checks that both have the same bits there. The history of "run" is the caller's. */
static struct history check_alone(const struct campaign_fixture *f, const char *const *settings,
                                  const struct scripted_proposal *script,
                                  const struct harness_launch *launch)
{
    campaign_run(f, "run", settings, script, launch);
    struct history history = ledger_history(f, "run");
    const uint64_t steps = STEPS - (history.spent + STEP_TOKENS - 1) / STEP_TOKENS;
    struct harness_launch plain = {.workers = 1, .servers = 2};
    if (steps < STEPS) {
        plain.plan = plan_stop_at, plain.stop = &harness_stop, plain.expected = ERR_STOPPED;
        harness_stop = 0, harness_stop_step = steps;
    }
    campaign_run(f, "plain", settings, NULL, &plain);
    campaign_check_same(f, "run", "plain", steps);
    return history;
}

static void check_word(struct history *history, const char *word, size_t n_pairs,
                       const char *reason)
{
    const struct entry *e = history_entry(history, 1);
    assert_non_null(e);
    assert_string_equal(entry_word(e), word);
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
    assert_int_equal(history.spent, 0);
    check_word(&history, "refused", 0, "");
}

static void a_hypothesis_that_is_not_adopted_leaves_the_trunk_alone(void **state)
{
    struct history history = check_alone(
        *state, (const char *const[]){CONSTANT, "gate.margin=0.1", "eval.every=15", NULL}, raised,
        &two_workers);
    assert_int_equal(history.spent, 22 * STEP_TOKENS);
    check_word(&history, "beaten", 1, "it is probably worse");
}

static void a_calm_hypothesis_that_is_not_adopted_leaves_the_trunk_alone(void **state)
{
    static const struct scripted_proposal lowered[] = {
        {0, "optimizer.lr=0.0001"},
        {0, NULL                 }
    };
    struct history history =
        check_alone(*state, (const char *const[]){TOO_LOW, NULL}, lowered, &two_workers);
    assert_true(history_entry(&history, 1)->forward.plan->calm);
    assert_int_equal(history.spent, 32 * STEP_TOKENS);
    check_word(&history, "beaten", 1, NULL);
}

static void an_observed_proposal_is_not_tried(void **state)
{
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=observe", NULL}, raised, &two_workers);
    assert_int_equal(history.registered, 0);
    check_word(&history, "observed", 0, NULL);
}

static void a_vetoed_proposal_is_not_tried(void **state)
{
    struct harness_launch launch = order_at(*state, 30, TRIREME__ORDER__veto);
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=approve", NULL}, raised, &launch);
    assert_true(person.has_ordered);
    assert_int_equal(history.registered, 0);
    check_word(&history, "vetoed", 0, NULL);
}

static void a_proposal_that_nobody_approved_of_is_closed_at_the_end(void **state)
{
    struct history history = check_alone(
        *state, (const char *const[]){"experiment.mode=approve", NULL}, raised, &two_workers);
    check_word(&history, "no time", 0, "the run ended");
}

static void an_approved_proposal_is_tried_from_then_on(void **state)
{
    struct harness_launch launch = order_at(*state, 45, TRIREME__ORDER__approve);
    struct history history = check_alone(
        *state, (const char *const[]){CONSTANT, "gate.margin=0.1", "experiment.mode=approve", NULL},
        raised, &launch);
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 1);
    assert_int_equal(history_entry(&history, 1)->forward.pairs[0]->step, 60);
    history_clear(&history);
}

/* It has a pair, and a part of the next one, for which its tokens are spent too. */
static void a_hypothesis_that_is_killed_in_mid_stretch_leaves_the_trunk_alone(void **state)
{
    static const struct scripted_proposal skips[] = {
        {0, "optimizer.lr=0.0008 data.skip=5"}, // one pair is not enough for it
        {0, NULL                             }
    };
    struct harness_launch launch = order_at(*state, 54, TRIREME__ORDER__kill);
    struct history history =
        check_alone(*state, (const char *const[]){TOO_LOW, NULL}, skips, &launch);
    assert_in_range(history.spent, (22 + 4) * STEP_TOKENS, (22 + 9) * STEP_TOKENS);
    assert_int_equal(history.spent % STEP_TOKENS, 0);
    assert_int_equal(history.spent, history.since);
    check_word(&history, "killed", 1, "killed");
    struct lines lines = lines_read(*state, "run");
    assert_int_equal(lines_count(&lines, "h1.0"), 10);
    assert_in_range(lines_count(&lines, "h1.1"), 1, 9);
    assert_int_equal(lines_count(&lines, "h1.2"), 0);
    lines_free(&lines);
}

static void plan_orders_in_tails(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    if (trial < 2 || step != person.step || person.has_ordered)
        return;
    campaign_order(person.folder, person.order, 1);
    person.has_ordered = true;
}

/* It would be adopted at step 50, and the order would be too late. */
static void a_hypothesis_that_is_killed_while_its_tail_runs_is_not_adopted(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const settings[] = {TOO_LOW, NULL};
    static const struct scripted_proposal good[] = {
        {0, "optimizer.lr=0.0008"},
        {0, NULL                 }
    };
    struct harness_launch launch = order_at(f, 52, TRIREME__ORDER__kill);
    launch.plan = plan_orders_in_tails;
    struct history history = check_alone(f, settings, good, &launch);
    assert_int_equal(history_entry(&history, 1)->forward.judgement->tokens, 22 * STEP_TOKENS);
    assert_int_equal(history.ended_at, 50);
    assert_null(history_entry(&history, 1)->promotion);
    check_word(&history, "killed", 0, NULL);
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 1, .replay = person.folder});
    ledgers_check_equal(f, "again", "run");
}

static void one_of_two_that_is_killed_while_tails_run_leaves_the_other_to_be_judged(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const settings[] = {TOO_LOW, NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0009"},
        {0, "optimizer.lr=0.0008"},
        {0, NULL                 }
    };
    struct harness_launch launch = order_at(f, 52, TRIREME__ORDER__kill);
    launch.plan = plan_orders_in_tails;
    campaign_run(f, "run", settings, two, &launch);
    struct history history = ledger_history(f, "run");
    const struct entry *killed = history_entry(&history, 1);
    assert_string_equal(entry_word(killed), "killed");
    assert_int_equal(killed->judgement->tokens, 16 * STEP_TOKENS);
    assert_int_equal(history_entry(&history, 2)->promoted_at, 50);
    assert_int_equal(history_entry(&history, 2)->forward.n_pairs, 1);
    // both arms, the trunk's tail; one arm and a tail of the watch
    assert_int_equal(history.spent, (6 + 2 * 16 + 6 + 16) * STEP_TOKENS);
    history_clear(&history);
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 1, .replay = person.folder});
    ledgers_check_equal(f, "again", "run");
}

static void a_fork_that_diverges_is_closed_at_its_stretchs_end(void **state)
{
    // the decay alone multiplies every matrix by 1 - 100 * 10 in each step
    static const struct scripted_proposal wild[] = {
        {0, "optimizer.lr=100 optimizer.weight_decay=10"},
        {0, NULL                                        }
    };
    struct history history =
        check_alone(*state, (const char *const[]){CONSTANT, NULL}, wild, &two_workers);
    const struct attempt *attempt = &history_entry(&history, 1)->forward;
    assert_true(attempt->pairs[0]->diverged && !attempt->pairs[0]->has_fork_loss);
    check_word(&history, "diverged", 1, "its training diverged");
}

static void a_fork_that_diverges_does_not_disturb_one_beside_it(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal both[] = {
        {0, "optimizer.lr=100 optimizer.weight_decay=10"},
        {0, "optimizer.lr=0.015"                        },
        {0, NULL                                        }
    };
    const char *const settings[] = {CONSTANT, "gate.margin=0.1", NULL};
    campaign_run(f, "both", settings, both, &two_workers);
    campaign_run(f, "alone", settings, raised, &two_workers);
    struct history found_history = ledger_history(f, "both"),
                   expected_history = ledger_history(f, "alone");
    const struct entry *found_entry = history_entry(&found_history, 2),
                       *expected_entry = history_entry(&expected_history, 1);
    assert_true(message_equal(found_entry->forward.pairs[0], expected_entry->forward.pairs[0]));
    history_clear(&found_history);
    history_clear(&expected_history);
    struct lines found = lines_read(f, "both"), expected = lines_read(f, "alone");
    assert_true(lines_count(&found, "trunk") < lines_count(&expected, "trunk"));
    lines_check_equal(&found, "trunk", &expected, "trunk", 1, lines_count(&found, "trunk"));
    lines_check_equal(&found, "h2.0", &expected, "h1.0", 41, 50);
    lines_check_equal(&found, "h2.0-tail", &expected, "h1.0-tail", 51, 55);
    lines_free(&found);
    lines_free(&expected);
}

/* A step of 16 samples is 4/3 of one of 12: a stretch and tails of 12 steps of the trunk, not of
 * 10. */
static void all_arms_of_a_stretch_have_the_same_tokens_in_whole_steps(void **state)
{
    static const struct scripted_proposal both[] = {
        {0, "optimizer.lr=0.009"},
        {0, "train.batch=16"    },
        {0, NULL                }
    };
    campaign_run(*state, "run", (const char *const[]){CONSTANT, NULL}, both, &two_workers);
    struct history history = ledger_history(*state, "run");
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(history_entry(&history, i)->forward.pairs[0]->step, 52);
        assert_int_equal(history_entry(&history, i)->forward.pairs[0]->tokens,
                         (12 + 12 + 1) * STEP_TOKENS);
    }
    history_clear(&history);
    struct lines lines = lines_read(*state, "run");
    assert_int_equal(lines_count(&lines, "trunk-tail.52.12"), 12);
    assert_int_equal(lines_count(&lines, "h1.0"), 12);
    assert_int_equal(lines_count(&lines, "h1.0-tail"), 12);
    assert_int_equal(lines_count(&lines, "h2.0"), 9);
    assert_int_equal(lines_count(&lines, "h2.0-tail"), 9);
    lines_free(&lines);
}

/* The first verdict on a hypothesis, after its first pair; the caller frees it. */
static Trireme__Judgement *first_verdict(const struct campaign_fixture *f, uint32_t number)
{
    struct err err;
    Trireme__Judgement *found = NULL;
    struct ledger *ledger = ledger_open(campaign_folder(f, "run"), false, &err);
    assert_non_null(ledger);
    for (size_t i = 0; !found && i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind == TRIREME__RECORD_KIND__verdict && r->number == number)
            found = message_copy(r->judgement);
    }
    ledger_free(ledger);
    assert_non_null(found);
    return found;
}

/* Steps of 7 samples and those of 12 are whole in 14 steps of the trunk, not in 10: the next
 * stretch of the first hypothesis alone costs 16 steps, that of the second 22. */
static void what_closes_a_hypothesis_is_the_price_of_its_own_next_stretch(void **state)
{
    static const struct scripted_proposal both[] = {
        {0, "optimizer.beta2=0.98"},
        {0, "train.batch=7"       },
        {0, NULL                  }
    };
    campaign_run(*state, "run",
                 (const char *const[]){CONSTANT, "train.microbatch=1", "train.steps=800", NULL},
                 both, &two_workers);
    Trireme__Judgement *verdict = first_verdict(*state, 1);
    const double hope = verdict->mean + verdict->deviation / 2, price = 0.25 / 800;
    if (hope <= 16 * price || hope >= 22 * price)
        fail_msg("it hopes for %.5f nats (m %.5f p %.4f), expected between %.5f and %.5f", hope,
                 verdict->mean, verdict->probability, 16 * price, 22 * price);
    assert_true(verdict->probability < 0.90);
    assert_int_equal(verdict->outcome, TRIREME__JUDGEMENT__OUTCOME__open);
    message_free(verdict);
}

/* All arms read the same windows, and the trunk once: forks of a stretch can be compared. */
static void the_trunk_is_read_once_a_stretch_and_all_arms_on_the_same_windows(void **state)
{
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0008"    },
        {0, "optimizer.beta2=0.9"    },
        {0, "data.sources.1.weight=3"},
        {0, NULL                     }
    };
    campaign_run(*state, "run", (const char *const[]){TOO_LOW, NULL}, three, &two_workers);
    struct history history = ledger_history(*state, "run");
    const Trireme__Observation *first = history_entry(&history, 1)->forward.pairs[0];
    for (uint32_t i = 1; i <= 3; i++) {
        const Trireme__Observation *o = history_entry(&history, i)->forward.pairs[0];
        assert_true(o->trunk_loss == first->trunk_loss);
        assert_int_equal(o->windows, 36);
        for (size_t source = 0; source < 2; source++)
            assert_int_equal(o->first_windows[source], first->first_windows[source]);
    }
    // the next stretch, the watch's, reads others
    const Trireme__Observation *watch = history_entry(&history, 1)->reverse.pairs[0];
    assert_int_equal(watch->first_windows[0], 24);
    assert_int_equal(watch->first_windows[1], 12);
    assert_int_equal(history.windows_taken[0], 48);
    assert_int_equal(history.windows_taken[1], 24);
    // three arms and one watch, the trunk's tail and reading once each time
    assert_int_equal(history.spent, (6 + 3 * 16 + 6 + 16) * STEP_TOKENS);
    history_clear(&history);
    struct lines lines = lines_read(*state, "run");
    assert_int_equal(lines_count(&lines, "trunk-tail.50.5"), 5);
    lines_free(&lines);
}

/* Of 96 steps three hypotheses take 54 for their first stretch; 42 are left, which is enough for
 * two. */
static void where_money_ends_the_smallest_gain_is_closed_first(void **state)
{
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0007 data.skip=5"},
        {0, "optimizer.lr=0.0006 data.skip=5"},
        {0, "optimizer.lr=0.0008 data.skip=5"},
        {0, NULL                             }
    };
    campaign_run(*state, "run", (const char *const[]){TOO_LOW, "train.steps=240", NULL}, three,
                 &two_workers);
    struct history history = ledger_history(*state, "run");
    for (uint32_t i = 1; i <= 3; i++) {
        const struct entry *e = history_entry(&history, i);
        assert_string_equal(entry_word(e), i == 1 ? "superseded" : i == 2 ? "no money" : "kept");
        assert_int_equal(e->forward.n_pairs, i == 2 ? 1 : 2);
    }
    assert_int_equal(history_entry(&history, 3)->promoted_at, 60);
    assert_int_equal(history.spent, (54 + 38) * STEP_TOKENS);
    history_clear(&history);
}

/* A step of a fork has at least an eighth of the tokens of the trunk's. */
static void steps_that_are_smaller_by_far_are_refused(void **state)
{
    static const struct scripted_proposal both[] = {
        {0, "train.batch=1"},
        {0, "train.batch=2"},
        {0, NULL           }
    };
    campaign_run(*state, "run", (const char *const[]){CONSTANT, "train.microbatch=1", NULL}, both,
                 &two_workers);
    struct history history = ledger_history(*state, "run");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_REFUSED);
    assert_contains(history_entry(&history, 1)->reason, "expected at least an eighth of the 96");
    assert_int_equal(history_entry(&history, 2)->forward.n_pairs, 1);
    history_clear(&history);
}

/* A stretch costs each 16 steps. */
static void what_a_hypothesis_may_cost_by_its_proposal_it_may_cost(void **state)
{
    static const struct scripted_proposal both[] = {
        {0, "optimizer.lr=0.015 budget=1535"},
        {0, "optimizer.lr=0.016 budget=1536"},
        {0, NULL                            }
    };
    campaign_run(*state, "run", (const char *const[]){CONSTANT, NULL}, both, &two_workers);
    struct history history = ledger_history(*state, "run");
    assert_string_equal(entry_word(history_entry(&history, 1)), "no money");
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 0);
    assert_int_equal(history_entry(&history, 2)->forward.n_pairs, 1);
    assert_int_equal(history_entry(&history, 2)->forward.pairs[0]->tokens, 1536);
    history_clear(&history);
}

static void no_more_hypotheses_are_tried_than_the_run_may_try(void **state)
{
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.015"},
        {0, "optimizer.lr=0.016"},
        {0, "optimizer.lr=0.017"},
        {0, NULL                }
    };
    campaign_run(*state, "run", (const char *const[]){CONSTANT, "gate.hypotheses=2", NULL}, three,
                 &two_workers);
    struct history history = ledger_history(*state, "run");
    assert_int_equal(history.registered, 2);
    assert_int_equal(history_entry(&history, 2)->forward.n_pairs, 1);
    assert_string_equal(entry_word(history_entry(&history, 3)), "unfit");
    assert_contains(history_entry(&history, 3)->reason, "gate.hypotheses");
    history_clear(&history);
}

static void a_fork_without_memory_is_closed_with_the_reason_and_may_be_proposed_again(void **state)
{
    static const struct scripted_proposal again[] = {
        {0,  "optimizer.lr=0.015"},
        {50, "optimizer.lr=0.015"},
        {0,  NULL                }
    };
    struct history history = check_alone(*state, (const char *const[]){"experiment.memory=1", NULL},
                                         again, &two_workers);
    for (uint32_t i = 1; i <= 2; i++)
        assert_int_equal(history_entry(&history, i)->judgement->cause, TRIREME__CAUSE__memory);
    assert_int_equal(history.spent, 0);
    check_word(&history, "no memory", 0, "experiment.memory");
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
        campaign_test(a_hypothesis_that_is_not_adopted_leaves_the_trunk_alone),
        campaign_test(a_calm_hypothesis_that_is_not_adopted_leaves_the_trunk_alone),
        campaign_test(an_observed_proposal_is_not_tried),
        campaign_test(a_vetoed_proposal_is_not_tried),
        campaign_test(a_proposal_that_nobody_approved_of_is_closed_at_the_end),
        campaign_test(an_approved_proposal_is_tried_from_then_on),
        campaign_test(a_hypothesis_that_is_killed_in_mid_stretch_leaves_the_trunk_alone),
        campaign_test(a_hypothesis_that_is_killed_while_its_tail_runs_is_not_adopted),
        campaign_test(one_of_two_that_is_killed_while_tails_run_leaves_the_other_to_be_judged),
        campaign_test(a_fork_that_diverges_is_closed_at_its_stretchs_end),
        campaign_test(a_fork_that_diverges_does_not_disturb_one_beside_it),
        campaign_test(a_fork_that_a_rank_computes_with_other_values_fails_with_a_sentence),
        campaign_test(what_a_fork_was_verified_to_have_is_the_patch_and_not_the_trunks_value),
        campaign_test(all_arms_of_a_stretch_have_the_same_tokens_in_whole_steps),
        campaign_test(what_closes_a_hypothesis_is_the_price_of_its_own_next_stretch),
        campaign_test(the_trunk_is_read_once_a_stretch_and_all_arms_on_the_same_windows),
        campaign_test(where_money_ends_the_smallest_gain_is_closed_first),
        campaign_test(steps_that_are_smaller_by_far_are_refused),
        campaign_test(what_a_hypothesis_may_cost_by_its_proposal_it_may_cost),
        campaign_test(no_more_hypotheses_are_tried_than_the_run_may_try),
        campaign_test(a_fork_without_memory_is_closed_with_the_reason_and_may_be_proposed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
