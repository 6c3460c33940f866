/* Proposals that wait for others, that come in the place of others, and the order of the queue: at
 * which steps it happens, what it costs, and that a replay does the same. */
#include "tests/unit/roles/campaign_harness.h"

#include "coordinator/inbox/inbox.h"

#define TOO_LOW "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0"

static const char *const settings[] = {TOO_LOW, "train.steps=440", NULL};

/* What a person asks for, and at which step of any trial. */
static struct {
    char folder[512];
    uint64_t step;
    Trireme__Request *request;
} person;

static void plan_asks(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers, (void)trial;
    if (step != person.step || !person.request)
        return;
    campaign_ask(person.folder, person.request);
    message_free(person.request);
    person.request = NULL;
}

/* yaml: of the request; proposal: its words, or NULL. */
static struct harness_launch asking_at(const struct campaign_fixture *f, uint64_t step,
                                       const char *yaml, const char *proposal)
{
    struct err err;
    person.step = step;
    snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, "first"));
    person.request = message_new(&trireme__request__descriptor);
    if (yaml_read(person.request, yaml, strlen(yaml), "request", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    if (proposal) {
        message_free(person.request->propose);
        person.request->propose = campaign_proposal(proposal, "persons");
    }
    return (struct harness_launch){.workers = 2, .servers = 1, .plan = plan_asks};
}

/* Replays "first" with these settings; each bit and line is the same. */
static void check_replay(const struct campaign_fixture *f, const char *const *with)
{
    char *first = mem_strdup(campaign_folder(f, "first"));
    campaign_run(f, "again", with, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = first});
    struct lines lines = lines_read(f, "first");
    campaign_check_same(f, "again", "first", lines_count(&lines, "trunk"));
    lines_free(&lines);
    ledgers_check_equal(f, "again", "first");
    ledger_check_sums(f, "first");
    free(first);
}

/* The step of the n-th record (from 0) of that kind and number; 0: there is none. */
static uint64_t step_of(const struct campaign_fixture *f, Trireme__RecordKind kind, uint32_t number,
                        size_t n)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, "first"), false, &err);
    uint64_t step = 0;
    assert_non_null(ledger);
    for (size_t i = 0; step == 0 && i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind == kind && r->number == number && n-- == 0)
            step = r->step;
    }
    ledger_free(ledger);
    return step;
}

static void assert_word(const struct history *history, uint32_t number, const char *word)
{
    assert_string_equal(entry_word(history_entry(history, number)), word);
}

/* 1 is adopted at step 50. */
static const struct scripted_proposal waiting[] = {
    {0,  "optimizer.lr=0.0008"                              },
    {0,  "optimizer.weight_decay=1 on_adoption_of=1"        },
    {0,  "data.sources.1.weight=3 after=1"                  },
    {20, "optimizer.clip=0.1 on_adoption_of=3"              },
    {20, "optimizer.beta2=0.98 on_adoption_of=4 budget=5000"},
    {0,  NULL                                               }
};

static void check_waiting(const struct campaign_fixture *f)
{
    struct history history = ledger_history(f, "first");
    assert_int_equal(history_entry(&history, 1)->promoted_at, 50);
    for (uint32_t i = 2; i <= 3; i++) {
        assert_int_equal(step_of(f, TRIREME__RECORD_KIND__validation, i, 1), 50);
        assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, i, 0), 50);
        assert_true(history_entry(&history, i)->forward.n_pairs > 0);
    }
    assert_word(&history, 3, "beaten"); // or it would have been adopted
    assert_word(&history, 4, "not needed");
    assert_string_equal(history_entry(&history, 4)->reason, "proposal 3 is beaten");
    assert_word(&history, 5, "not needed");
    assert_int_equal(history_entry(&history, 4)->over_at, history_entry(&history, 3)->over_at);
    assert_int_equal(history_entry(&history, 5)->over_at, history_entry(&history, 3)->over_at);
    history_clear(&history);
}

static void what_waits_for_an_adoption_takes_part_in_the_stretch_that_begins_with_it(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "first", settings, waiting,
                 &(struct harness_launch){.workers = 2, .servers = 1});
    check_waiting(f);
    check_replay(f, settings);
}

static void a_run_that_was_killed_and_continued_releases_at_the_same_steps(void **state)
{
    const struct campaign_fixture *f = *state;
    bool over = false;
    for (uint64_t launch = 0; !over && launch < 40; launch++)
        over = campaign_run(f, "first", settings, waiting,
                            &(struct harness_launch){
                                .workers = 2, .servers = 1, .killed_after = 150 + 70 * launch});
    assert_true(over);
    check_waiting(f);
    campaign_run(f, "whole", settings, waiting,
                 &(struct harness_launch){.workers = 2, .servers = 1});
    struct lines lines = lines_read(f, "whole");
    campaign_check_same(f, "first", "whole", lines_count(&lines, "trunk"));
    lines_free(&lines);
}

static void what_waits_for_one_that_is_killed_is_closed_or_queued_with_it(void **state)
{
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = asking_at(f, 44, "{order: kill, number: 1}", NULL);
    campaign_run(f, "first", settings, waiting, &launch);
    struct history history = ledger_history(f, "first");
    const uint64_t at = history_entry(&history, 1)->over_at;
    assert_in_range(at, 44, 47);
    assert_word(&history, 1, "killed");
    assert_word(&history, 2, "not needed");
    assert_int_equal(history_entry(&history, 2)->over_at, at);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__validation, 3, 1), at);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, 3, 0), 50);
    history_clear(&history);
    check_replay(f, settings);
}

/* Twice the same, and one whose money is gone by then. */
static void what_is_not_legal_any_more_at_its_release_is_closed_with_the_reason(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const poor[] = {TOO_LOW, "gate.stake=0.2", "gate.share=0.2", NULL};
    static const struct scripted_proposal twice[] = {
        {0, "optimizer.lr=0.0008"                      },
        {0, "optimizer.lr=0.0008 on_adoption_of=1"     },
        {0, "optimizer.weight_decay=1 on_adoption_of=1"},
        {0, "optimizer.lr=0.0008 on_adoption_of=3"     },
        {0, NULL                                       }
    };
    campaign_run(f, "first", poor, twice, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_int_equal(history_entry(&history, 1)->promoted_at, 50);
    for (uint32_t i = 2; i <= 4; i += 2) { // the recipe after the adoptions is known
        assert_word(&history, i, "refused");
        assert_contains(history_entry(&history, i)->reason, "which it has already");
    }
    assert_word(&history, 3, "no money");
    assert_contains(history_entry(&history, 3)->reason, "token budget");
    assert_int_equal(history_entry(&history, 3)->over_at, 50);
    history_clear(&history);
    check_replay(f, poor);

    static const struct scripted_proposal same[] = {
        {0, "optimizer.lr=0.0008"                     },
        {0, "optimizer.weight_decay=1"                },
        {0, "data.sources.1.weight=3 after=1"         },
        {0, "data.sources.1.weight=3 on_adoption_of=1"},
        {0, NULL                                      }
    };
    struct harness_launch launch = {.workers = 2, .servers = 1};
    campaign_run(f, "same", settings, same, &launch);
    history = ledger_history(f, "same");
    assert_true(history_entry(&history, 3)->forward.n_pairs > 0);
    assert_word(&history, 4, "unfit");
    assert_string_equal(history_entry(&history, 4)->reason,
                        "duplicate: proposal 3 says the same, and is queued");
    history_clear(&history);
}

/* Where in a step the machine gives up, a replay does not repeat. */
static void what_waits_for_one_that_the_machine_gave_up_is_queued_at_the_next_step(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const tight[] = {TOO_LOW, "train.steps=440", "experiment.memory=1", NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0008"                },
        {0, "optimizer.weight_decay=1 after=1"   },
        {0, "optimizer.clip=0.1 on_adoption_of=1"},
        {0, NULL                                 }
    };
    campaign_run(f, "first", tight, two, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_true(history_entry(&history, 1)->judgement->machine);
    assert_int_equal(history_entry(&history, 1)->over_at, 40);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__validation, 2, 1), 41);
    assert_word(&history, 3, "not needed");
    assert_int_equal(history_entry(&history, 3)->over_at, 41);
    history_clear(&history);
    check_replay(f, settings);
}

/* Of 160 steps experiments may cost 32, and a stretch of one arm costs 22: two can only be paid if
 * the first one does not cost all of it. */
static const char *const for_one[] = {TOO_LOW, "gate.stake=0.2", "gate.share=0.2", NULL};
static const struct scripted_proposal one[] = {
    {0, "optimizer.lr=0.0003"},
    {0, NULL                 }
};

static void what_replaces_one_that_is_tried_ends_it_in_the_same_step_and_has_its_money(void **state)
{
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = asking_at(f, 43, "{}", "optimizer.lr=0.0008");
    campaign_run(f, "first", for_one, one, &launch);
    struct history history = ledger_history(f, "first");
    assert_word(&history, 2, "refused");
    assert_contains(history_entry(&history, 2)->reason, "token budget");
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 1);
    history_clear(&history);

    struct err err;
    assert_int_equal(file_remove_tree(campaign_folder(f, "first"), ERR_USAGE, &err), 0);
    launch = asking_at(f, 43, "{}", "optimizer.lr=0.0008 replaces=1");
    campaign_run(f, "first", for_one, one, &launch);
    history = ledger_history(f, "first");
    const uint64_t at = history_entry(&history, 2)->step;
    assert_in_range(at, 43, 46);
    assert_word(&history, 1, "replaced");
    assert_string_equal(history_entry(&history, 1)->reason, "proposal 2 came in its place");
    assert_int_equal(history_entry(&history, 1)->over_at, at);
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 0);
    assert_int_equal(history_entry(&history, 2)->promoted_at, 60); // in the stretch from 50 on
    // what it cost until then stays spent
    assert_int_equal(history_entry(&history, 1)->judgement->tokens, (at - 40) * 12 * 8);
    history_clear(&history);
    check_replay(f, for_one);
}

/* A launch that goes on rests at its first step, which no other launch does: nothing begins there
 * that would not begin there in a replay. step: where the first launch stops. */
static void check_ended_where_a_launch_begins(const struct campaign_fixture *f, uint64_t step)
{
    static const struct scripted_proposal two[] = {
        {0,       "data.sources.1.weight=3"},
        {0,       "data.sources.1.weight=2"},
        {1000000, "the person's"           },
        {0,       NULL                     }
    };
    static const char *const single[] = {TOO_LOW, "train.steps=440", "experiment.forks=1", NULL};
    struct err err;
    asking_at(f, 0, "{}", "optimizer.lr=0.0008 replaces=1");
    harness_stop = 0, harness_stop_step = step;
    campaign_run(f, "first", single, two,
                 &(struct harness_launch){.workers = 2,
                                          .servers = 1,
                                          .plan = plan_stop_at,
                                          .stop = &harness_stop,
                                          .may_stop = true});
    harness_stop = 0;
    campaign_ask(person.folder, person.request);
    message_free(person.request);
    person.request = NULL;
    campaign_run(f, "first", single, two, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_word(&history, 1, "replaced");
    assert_in_range(history_entry(&history, 1)->over_at, step, step + 2);
    history_clear(&history);
    check_replay(f, single);
    assert_int_equal(file_remove_tree(campaign_folder(f, "first"), ERR_USAGE, &err), 0);
    assert_int_equal(file_remove_tree(campaign_folder(f, "again"), ERR_USAGE, &err), 0);
}

static void
what_is_ended_at_the_first_step_of_a_launch_makes_room_where_a_replay_makes_it_too(void **state)
{
    check_ended_where_a_launch_begins(*state, 43);
    check_ended_where_a_launch_begins(*state, 47);
}

static void what_would_be_replaced_goes_on_if_the_other_is_refused(void **state)
{
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = asking_at(f, 43, "{}", "optimizer.lr=-1 replaces=1");
    campaign_run(f, "first", for_one, one, &launch);
    struct history history = ledger_history(f, "first");
    assert_word(&history, 2, "refused");
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 1);
    history_clear(&history);
    check_replay(f, for_one);
}

/* One fork at once: by their numbers the first would be tried first. */
static void the_queue_is_tried_in_the_order_that_was_given(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const single[] = {TOO_LOW, "train.steps=440", "experiment.forks=1", NULL};
    static const struct scripted_proposal three[] = {
        {0, "data.sources.1.weight=3"},
        {0, "data.sources.1.weight=2"},
        {0, "data.sources.1.weight=4"},
        {0, NULL                     }
    };
    struct harness_launch launch = asking_at(f, 30, "{order: queue, numbers: [3, 2]}", NULL);
    campaign_run(f, "first", single, three, &launch);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, 3, 0), 40);
    const uint64_t second = step_of(f, TRIREME__RECORD_KIND__hypothesis, 2, 0),
                   third = step_of(f, TRIREME__RECORD_KIND__hypothesis, 1, 0);
    assert_true(second > 40 && (third == 0 || third > second));
    check_replay(f, single);
}

/* Money for two of three: who is last in the order is closed. */
static void who_comes_last_is_closed_for_want_of_money(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const for_two[] = {TOO_LOW, "gate.stake=0.25", "gate.share=0.25", NULL};
    static const struct scripted_proposal three[] = {
        {0, "data.sources.1.weight=3"},
        {0, "data.sources.1.weight=2"},
        {0, "data.sources.1.weight=4"},
        {0, NULL                     }
    };
    struct harness_launch launch = asking_at(f, 30, "{order: queue, numbers: [3, 2]}", NULL);
    campaign_run(f, "first", for_two, three, &launch);
    struct history history = ledger_history(f, "first");
    assert_word(&history, 1, "no money");
    assert_int_equal(history_entry(&history, 1)->over_at, 40);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, 2, 0), 40);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, 3, 0), 40);
    history_clear(&history);
    check_replay(f, for_two);
}

/* One fork at once beside the watch, so the third is still queued then. */
static void a_change_that_is_taken_back_leaves_what_its_adoption_released(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const single[] = {TOO_LOW, "train.steps=440", "experiment.forks=1", NULL};
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0008"                      },
        {0, "optimizer.weight_decay=1 on_adoption_of=1"},
        {0, "data.sources.1.weight=3 on_adoption_of=1" },
        {0, NULL                                       }
    };
    struct harness_launch launch = asking_at(f, 57, "{order: takeback, number: 1}", NULL);
    campaign_run(f, "first", single, three, &launch);
    struct history history = ledger_history(f, "first");
    assert_word(&history, 1, "taken back");
    for (uint32_t i = 2; i <= 3; i++) {
        assert_int_equal(step_of(f, TRIREME__RECORD_KIND__validation, i, 1), 50);
        assert_string_not_equal(entry_word(history_entry(&history, i)), "not needed");
    }
    const uint64_t opened = step_of(f, TRIREME__RECORD_KIND__hypothesis, 2, 0),
                   third = step_of(f, TRIREME__RECORD_KIND__hypothesis, 3, 0);
    assert_int_equal(opened, 50);
    assert_true(third >= history.changed_at);
    history_clear(&history);
    check_replay(f, single);
}

/* What a planner asks for is approved first; then it waits. */
static void approval_comes_before_the_wait_and_the_replacing(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const approved[] = {TOO_LOW, "train.steps=440", "experiment.mode=approve",
                                           NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0008"                },
        {0, "optimizer.weight_decay=1 replaces=1"},
        {0, "optimizer.clip=0.1 on_adoption_of=1"},
        {0, NULL                                 }
    };
    struct harness_launch launch = asking_at(f, 30, "{order: approve, number: 2}", NULL);
    campaign_run(f, "first", approved, two, &launch);
    struct history history = ledger_history(f, "first");
    const uint64_t at = history_entry(&history, 1)->over_at;
    assert_in_range(at, 30, 33);
    assert_word(&history, 1, "replaced");
    assert_word(&history, 3, "not needed"); // nobody needs to approve of it any more
    assert_int_equal(history_entry(&history, 3)->over_at, at);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__hypothesis, 2, 0), 40);
    history_clear(&history);
    check_replay(f, approved);
}

/* Whether requests are in the inbox. */
static bool is_asked(void)
{
    size_t n = 0;
    struct err err;
    char *inbox = file_join(person.folder, "inbox");
    char **names = file_names(inbox, &n, ERR_MACHINE, &err);
    bool asked = false;
    for (size_t i = 0; names && i < n; i++)
        asked = asked || (file_name_ends(names[i], ".json") && !strstr(names[i], ".answer."));
    file_names_free(names);
    free(inbox);
    return asked;
}

/* A planner proposes what is out of bounds, again and again, and then something that is not. */
static void plan_asks_in_vain(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    enum { ASKED = 80 };
    (void)active, (void)n_workers, (void)trial;
    for (int i = 0; i <= ASKED && step == person.step && person.request; i++) {
        struct err err;
        char words[64], id[16];
        Trireme__Answer *answer = NULL;
        snprintf(words, sizeof words, "optimizer.beta2=%g", i < ASKED ? 2 + i : .98);
        snprintf(id, sizeof id, "vain-%d", i);
        message_free(person.request->propose);
        person.request->propose = campaign_proposal(words, id);
        if (inbox_ask(&answer, person.folder, person.request, 0, &err) < 0)
            fail_msg("%s", err.text);
    }
    if (step == person.step) {
        message_free(person.request);
        person.request = NULL;
    } else if (!person.request && is_asked())
        clock_sleep(0.05); // steps are faster than looks into the inbox
}

static void illegal_proposals_without_end_do_not_fill_the_ledger(void **state)
{
    enum { TOLD = 64 };
    static const char *const longer[] = {TOO_LOW, "train.steps=1600", NULL};
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = asking_at(f, 44, "{by: planner}", NULL);
    launch.plan = plan_asks_in_vain;
    campaign_run(f, "first", longer, NULL, &launch);
    struct history history = ledger_history(f, "first");
    assert_int_equal(history.n, TOLD + 1);
    for (uint32_t i = 1; i <= TOLD; i++)
        assert_word(&history, i, "refused");
    assert_int_not_equal(history_entry(&history, TOLD + 1)->fate, FATE_REFUSED);
    history_clear(&history);
}

/* Whether what it waited for is over or not. */
static void nothing_is_tried_that_was_not_approved_of(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const approved[] = {TOO_LOW, "train.steps=440", "experiment.mode=approve",
                                           NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0008"            },
        {0, "data.sources.1.weight=3 after=1"},
        {0, NULL                             }
    };
    struct harness_launch launch = asking_at(f, 30, "{order: veto, number: 1}", NULL);
    campaign_run(f, "first", approved, two, &launch);
    struct history history = ledger_history(f, "first");
    assert_word(&history, 1, "vetoed");
    assert_word(&history, 2, "no time"); // the run ended
    assert_int_equal(history_entry(&history, 2)->over_at, 440);
    assert_int_equal(step_of(f, TRIREME__RECORD_KIND__validation, 2, 1), 0);
    assert_int_equal(history.registered, 0);
    history_clear(&history);
    check_replay(f, approved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(what_waits_for_an_adoption_takes_part_in_the_stretch_that_begins_with_it),
        campaign_test(a_run_that_was_killed_and_continued_releases_at_the_same_steps),
        campaign_test(what_waits_for_one_that_is_killed_is_closed_or_queued_with_it),
        campaign_test(what_is_not_legal_any_more_at_its_release_is_closed_with_the_reason),
        campaign_test(what_waits_for_one_that_the_machine_gave_up_is_queued_at_the_next_step),
        campaign_test(what_replaces_one_that_is_tried_ends_it_in_the_same_step_and_has_its_money),
        campaign_test(
            what_is_ended_at_the_first_step_of_a_launch_makes_room_where_a_replay_makes_it_too),
        campaign_test(what_would_be_replaced_goes_on_if_the_other_is_refused),
        campaign_test(the_queue_is_tried_in_the_order_that_was_given),
        campaign_test(who_comes_last_is_closed_for_want_of_money),
        campaign_test(a_change_that_is_taken_back_leaves_what_its_adoption_released),
        campaign_test(approval_comes_before_the_wait_and_the_replacing),
        campaign_test(illegal_proposals_without_end_do_not_fill_the_ledger),
        campaign_test(nothing_is_tried_that_was_not_approved_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
