/* A campaign is repeated from its ledger, without its planner. */
#include "tests/unit/roles/campaign_harness.h"

static const char *const settings[] = {"optimizer.lr=0.0002",
                                       "schedule.kind=constant",
                                       "schedule.min_lr=0",
                                       "gate.alpha=0.5",
                                       "gate.hypotheses=3",
                                       "gate.confirm=true",
                                       NULL};

static const struct scripted_proposal script[] = {
    {0,  "optimizer.lr=0.0008"    },
    {0,  "optimizer.lr=-1"        },
    {0,  "data.sources.1.weight=3"},
    {40, "optimizer.clip=0.1"     },
    {0,  NULL                     }
};

/* Runs the campaign that is replayed. */
static void run_first(const struct campaign_fixture *f)
{
    campaign_run(f, "first", settings, script,
                 &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_int_equal(history.n, 4);
    assert_int_equal(history_entry(&history, 1)->fate, FATE_CONFIRMED);
    history_clear(&history);
}

static void a_replay_of_a_ledger_has_its_lines_and_the_bits_of_the_run(void **state)
{
    const struct campaign_fixture *f = *state;
    run_first(f);
    char *first = mem_strdup(campaign_folder(f, "first"));
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 3, .servers = 2, .replay = first});
    campaign_check_same(f, "again", "first", 160);
    ledgers_check_equal(f, "again", "first");
    free(first);
}

static void a_replay_that_was_killed_goes_on_as_one(void **state)
{
    const struct campaign_fixture *f = *state;
    run_first(f);
    char *first = mem_strdup(campaign_folder(f, "first"));
    bool over = false;
    for (uint64_t launch = 0; !over && launch < 30; launch++)
        over = campaign_run(
            f, "again", settings, NULL,
            &(struct harness_launch){
                .workers = 2, .servers = 1, .replay = first, .killed_after = 180 + 90 * launch});
    assert_true(over);
    campaign_check_same(f, "again", "first", 160);
    ledgers_check_equal(f, "again", "first");
    free(first);
}

/* An order of a person is an input like a proposal: a replay repeats it at its step. */
static struct {
    char folder[512];
    bool given;
} person;

static void plan_kills(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    if (trial || step != 70 || person.given)
        return;
    person.given = true;
    campaign_order(person.folder, TRIREME__ORDER__kill, 1);
}

static void a_replay_carries_a_persons_orders_out_at_their_steps(void **state)
{
    const struct campaign_fixture *f = *state;
    person.given = false;
    snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, "first"));
    campaign_run(f, "first", settings, script,
                 &(struct harness_launch){.workers = 2, .servers = 1, .plan = plan_kills});
    struct history history = ledger_history(f, "first");
    assert_string_equal(history_entry(&history, 1)->reason, "killed");
    history_clear(&history);
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = person.folder});
    campaign_check_same(f, "again", "first", 160);
    ledgers_check_equal(f, "again", "first");
}

/* Writes a copy of the first run's ledger to "altered", each record as `alter` leaves it, with
 * valid hashes. The folder's path is the caller's. */
static char *write_altered(const struct campaign_fixture *f, void (*alter)(Trireme__Record *record))
{
    struct err err;
    char *folder = mem_strdup(campaign_folder(f, "altered"));
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    struct ledger *from = ledger_open(campaign_folder(f, "first"), false, &err),
                  *to = ledger_open(folder, true, &err);
    assert_true(from && to);
    for (size_t i = 0; i < ledger_records(from); i++) {
        Trireme__Record *record = message_copy(ledger_record(from, i));
        alter(record);
        if (ledger_append(to, record, &err) < 0)
            fail_msg("%s", err.text);
        message_free(record);
    }
    ledger_free(from);
    ledger_free(to);
    return folder;
}

static void alter_loss(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__observation && record->number == 1 &&
        record->step == 60)
        record->observation->fork_loss -= 1e-12;
}

static void alter_patch(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__proposal && record->number == 1) {
        free(record->proposal->patch[0]->value);
        record->proposal->patch[0]->value = mem_strdup("0.00081");
    }
}

static void alter_verdict(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__verdict && record->number == 3)
        record->judgement->outcome = TRIREME__JUDGEMENT__OUTCOME__open;
}

static void alter_validation(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__validation && record->number == 2)
        record->validation->accepted = true;
}

/* Texts that are too long to be taken. */
static void alter_hypothesis(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__proposal && record->number == 1) {
        free(record->proposal->hypothesis);
        record->proposal->hypothesis = mem_format("%0100000d", 0);
    }
}

static void a_replay_of_a_ledger_that_says_something_else_is_an_error(void **state)
{
    const struct campaign_fixture *f = *state;
    static void (*const alterations[])(Trireme__Record *) = {alter_loss, alter_patch, alter_verdict,
                                                             alter_validation, alter_hypothesis};
    run_first(f);
    for (size_t i = 0; i < sizeof alterations / sizeof *alterations; i++) {
        char *folder = write_altered(f, alterations[i]), name[16];
        snprintf(name, sizeof name, "again%d", (int)i % 100);
        struct harness_launch launch = {
            .workers = 2, .servers = 1, .replay = folder, .expected = ERR_DATA};
        struct err how;
        campaign_run_to(f, name, settings, NULL, &launch, &how);
        assert_contains(how.text, "the replay is not what the ledger says: ");
        file_remove_tree(folder, ERR_USAGE, &how);
        free(folder);
    }
}

/* A launch with memory cannot know by itself that there was none. */
static void
what_there_was_no_memory_for_is_inconclusive_and_so_it_is_in_a_replay_with_memory(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0008"    },
        {0, "data.sources.1.weight=3"},
        {0, "optimizer.clip=0.1"     },
        {0, NULL                     }
    };
    const struct harness_launch launch = {.workers = 2, .servers = 1};
    campaign_run(f, "wide", settings, three, &launch);
    struct history history = ledger_history(f, "wide");
    char *memory =
        mem_format("experiment.memory=%llu",
                   2 * (unsigned long long)history_entry(&history, 2)->forward.application->bytes);
    history_clear(&history);
    const char *const tight[] = {settings[0], settings[1], settings[2], settings[3],
                                 settings[4], memory,      NULL};
    campaign_run(f, "tight", tight, three, &launch);
    history = ledger_history(f, "tight");
    const struct entry *tails = history_entry(&history, 1), *fork = history_entry(&history, 3);
    assert_int_equal(tails->fate, FATE_INCONCLUSIVE);
    assert_contains(tails->reason, "memory");
    assert_true(tails->forward.n_pairs == 0 && tails->forward.application);
    assert_int_equal(fork->fate, FATE_INCONCLUSIVE);
    assert_true(fork->forward.n_pairs == 0 && !fork->forward.application);
    assert_true(history_entry(&history, 2)->forward.n_pairs > 2);
    history_clear(&history);
    char *folder = mem_strdup(campaign_folder(f, "tight"));
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = folder});
    campaign_check_same(f, "again", "tight", 160);
    ledgers_check_equal(f, "again", "tight");
    free(folder);
    free(memory);
}

/* Removes the checkpoint of a step, or what is suspended in it. */
static void lose(const struct campaign_fixture *f, const char *name, uint64_t step,
                 const char *what)
{
    struct err err;
    char *folder = checkpoint_folder(campaign_folder(f, name), step),
         *path = file_join(folder, what);
    assert_true(file_exists(path));
    assert_int_equal(file_remove_tree(path, ERR_TRAIN, &err), 0);
    free(path);
    free(folder);
}

static void
a_hypothesis_whose_fork_is_lost_with_its_checkpoint_is_given_up_in_a_replay_too(void **state)
{
    const struct campaign_fixture *f = *state;
    harness_stop_step = 30;
    campaign_run(f, "first", settings, script,
                 &(struct harness_launch){.workers = 2,
                                          .servers = 1,
                                          .plan = plan_stop_at,
                                          .stop = &harness_stop,
                                          .may_stop = true});
    lose(f, "first", 30, "suspended");
    lose(f, "first", 20, "");
    harness_stop = 0;
    campaign_run(f, "first", settings, script,
                 &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_INCONCLUSIVE);
    assert_true(history_entry(&history, 1)->judgement->machine);
    assert_contains(history_entry(&history, 1)->reason, "step-00000020");
    assert_true(history_entry(&history, 4)->forward.n_pairs >
                0); // a later hypothesis is still tried
    history_clear(&history);
    char *first = mem_strdup(campaign_folder(f, "first"));
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = first});
    campaign_check_same(f, "again", "first", 160);
    free(first);
}

/* When the machine gives a hypothesis up, the next one is registered one step later: forks of a
 * step begin after the queue has had its turn. */
static void
one_that_waited_for_what_the_machine_gave_up_begins_at_the_same_step_in_a_replay(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const narrow[] = {
        "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0",   "gate.alpha=0.5",
        "gate.hypotheses=3",   "experiment.forks=1",     "experiment.memory=1", NULL};
    static const char *const wide[] = {"optimizer.lr=0.0002",
                                       "schedule.kind=constant",
                                       "schedule.min_lr=0",
                                       "gate.alpha=0.5",
                                       "gate.hypotheses=3",
                                       "experiment.forks=1",
                                       NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0008"},
        {0, "optimizer.clip=0.1" },
        {0, NULL                 }
    };
    campaign_run(f, "first", narrow, two, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_true(history_entry(&history, 1)->judgement->machine &&
                history_entry(&history, 2)->judgement->machine);
    assert_true(history_entry(&history, 2)->forward.plan->start >
                history_entry(&history, 1)->forward.plan->start);
    history_clear(&history);
    char *first = mem_strdup(campaign_folder(f, "first"));
    campaign_run(f, "again", wide, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = first});
    campaign_check_same(f, "again", "first", 160);
    ledgers_check_equal(f, "again", "first");
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(a_replay_of_a_ledger_has_its_lines_and_the_bits_of_the_run),
        campaign_test(a_replay_that_was_killed_goes_on_as_one),
        campaign_test(a_replay_carries_a_persons_orders_out_at_their_steps),
        campaign_test(a_replay_of_a_ledger_that_says_something_else_is_an_error),
        campaign_test(
            a_hypothesis_whose_fork_is_lost_with_its_checkpoint_is_given_up_in_a_replay_too),
        campaign_test(
            one_that_waited_for_what_the_machine_gave_up_begins_at_the_same_step_in_a_replay),
        campaign_test(
            what_there_was_no_memory_for_is_inconclusive_and_so_it_is_in_a_replay_with_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
