/* A campaign is repeated from its ledger, without its planner. */
#include "tests/unit/roles/campaign_harness.h"

/* Of 440 steps, experiments cost 38 for the stretch of two hypotheses, 22, 22 and 26 for the watch
 * and the claim that goes on after it, and 65 for the calm stretch of the last hypothesis. */
enum { STEPS = 440 - 38 - 22 - 22 - 26 - 65 };

#define TOO_LOW "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0"

static const char *const settings[] = {TOO_LOW, "gate.claims=all", "train.steps=440", NULL};

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
    assert_string_equal(entry_word(history_entry(&history, 1)), "claimed");
    assert_string_equal(entry_word(history_entry(&history, 3)), "superseded");
    assert_int_equal(history_entry(&history, 4)->forward.n_pairs, 1);
    history_clear(&history);
}

static void a_replay_of_a_ledger_has_its_lines_and_the_bits_of_the_run(void **state)
{
    const struct campaign_fixture *f = *state;
    run_first(f);
    char *first = mem_strdup(campaign_folder(f, "first"));
    campaign_run(f, "again", settings, NULL,
                 &(struct harness_launch){.workers = 3, .servers = 2, .replay = first});
    campaign_check_same(f, "again", "first", STEPS);
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
    campaign_check_same(f, "again", "first", STEPS);
    ledgers_check_equal(f, "again", "first");
    free(first);
}

/* An order of a person is an input like a proposal: a replay repeats it at its step. */
static struct {
    char folder[512];
    uint64_t step;
    bool given;
} person;

static void plan_kills(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers, (void)trial;
    if (step != person.step || person.given)
        return;
    person.given = true;
    campaign_order(person.folder, TRIREME__ORDER__kill, 1);
}

static const struct order_case {
    uint64_t step; /* of any trial */
    const char *word;
    size_t reverse_pairs;
    bool verdict, claim; /* it is what the order ends */
} order_cases[] = {
    {45, "killed", 0, true,  false}, // in mid stretch
    {52, "killed", 0, true,  false}, // in its tail: it would be adopted
    {57, "kept",   0, true,  true }, // a watch
    {62, "kept",   0, true,  true }, // a watch, in its tail
    {67, "kept",   1, false, true }, // a claim
};

static void a_replay_carries_a_persons_orders_out_at_their_steps(void **state)
{
    const struct campaign_fixture *f = *state;
    for (size_t i = 0; i < sizeof order_cases / sizeof *order_cases; i++) {
        const struct order_case *c = &order_cases[i];
        char name[2][16];
        snprintf(name[0], sizeof name[0], "first%zu", i);
        snprintf(name[1], sizeof name[1], "again%zu", i);
        person.given = false, person.step = c->step;
        snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, name[0]));
        campaign_run(f, name[0], settings, script,
                     &(struct harness_launch){.workers = 2, .servers = 1, .plan = plan_kills});
        struct history history = ledger_history(f, name[0]);
        const struct entry *e = history_entry(&history, 1);
        assert_string_equal(entry_word(e), c->word);
        assert_int_equal(e->reverse.n_pairs, c->reverse_pairs);
        if (c->verdict)
            assert_int_equal(e->judgement->cause, TRIREME__CAUSE__killed);
        if (c->claim)
            assert_int_equal(e->claim->cause, TRIREME__CAUSE__killed);
        history_clear(&history);
        campaign_run(f, name[1], settings, NULL,
                     &(struct harness_launch){.workers = 1, .servers = 2, .replay = person.folder});
        struct lines lines = lines_read(f, name[0]);
        campaign_check_same(f, name[1], name[0], lines_count(&lines, "trunk"));
        lines_free(&lines);
        ledgers_check_equal(f, name[1], name[0]);
    }
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
        record->step == 50)
        record->observation->fork_loss -= 1e-12;
}

static void alter_reverse_loss(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__observation && record->step == 82)
        record->observation->trunk_loss += 1e-12;
}

static void alter_rule(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__rule)
        record->rule->adopt = 0.94;
}

static void alter_length(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__stretch && record->step == 60)
        record->stretch->length++;
}

static void alter_arm(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__stretch && record->step == 50)
        record->stretch->arms[0]->reverse = false;
}

static void alter_windows(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__decision && record->step == 50)
        record->decision->windows_taken[0]++;
}

static void alter_claim(Trireme__Record *record)
{
    if (record->kind == TRIREME__RECORD_KIND__claim &&
        record->claim->answer == TRIREME__CLAIM__ANSWER__claimed)
        record->claim->answer = TRIREME__CLAIM__ANSWER__unproven;
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
    static void (*const alterations[])(Trireme__Record *) = {
        alter_loss,    alter_reverse_loss, alter_rule,      alter_length,
        alter_arm,     alter_windows,      alter_claim,     alter_patch,
        alter_verdict, alter_validation,   alter_hypothesis};
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

/* Memory for so many trials beside the trunk, where three forks and four tails would be needed. */
static const struct memory_case {
    unsigned trials, pairs, forks; /* hypotheses that are measured; that are forked at all */
} memory_cases[] = {
    {5, 1, 3}, // tails of the trunk and one fork
    {2, 0, 2}, // no tail of the trunk: there is nothing to compare with
};

static void check_memory(const struct history *history, const struct memory_case *c)
{
    for (uint32_t i = 1; i <= 3; i++) {
        const struct entry *e = history_entry(history, i);
        assert_int_equal(e->forward.n_pairs, i <= c->pairs);
        assert_int_equal(e->forward.application != NULL, i <= c->forks);
        if (i <= c->pairs)
            continue;
        assert_string_equal(entry_word(e), "no memory");
        assert_contains(e->reason, "memory");
        assert_true(e->judgement->machine);
    }
}

/* A launch with memory cannot know by itself that there was none. */
static void
what_there_was_no_memory_for_is_closed_and_so_it_is_in_a_replay_with_memory(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal three[] = {
        {0, "optimizer.lr=0.0008"     },
        {0, "data.sources.1.weight=3" },
        {0, "optimizer.weight_decay=1"},
        {0, NULL                      }
    };
    const struct harness_launch launch = {.workers = 2, .servers = 1};
    campaign_run(f, "wide", settings, three, &launch);
    struct history history = ledger_history(f, "wide");
    const unsigned long long bytes = history_entry(&history, 2)->forward.application->bytes;
    history_clear(&history);
    for (size_t i = 0; i < sizeof memory_cases / sizeof *memory_cases; i++) {
        const struct memory_case *c = &memory_cases[i];
        char name[2][16], *memory = mem_format("experiment.memory=%llu", c->trials * bytes);
        snprintf(name[0], sizeof name[0], "tight%zu", i);
        snprintf(name[1], sizeof name[1], "again%zu", i);
        const char *const tight[] = {TOO_LOW, "gate.claims=all", "train.steps=440", memory, NULL};
        campaign_run(f, name[0], tight, three, &launch);
        history = ledger_history(f, name[0]);
        check_memory(&history, c);
        history_clear(&history);
        char *folder = mem_strdup(campaign_folder(f, name[0]));
        campaign_run(f, name[1], settings, NULL,
                     &(struct harness_launch){.workers = 1, .servers = 2, .replay = folder});
        struct lines lines = lines_read(f, name[0]);
        campaign_check_same(f, name[1], name[0], lines_count(&lines, "trunk"));
        lines_free(&lines);
        ledgers_check_equal(f, name[1], name[0]);
        free(folder);
        free(memory);
    }
}

/* As plan_stop_at, also where the first fork has become the trunk. */
static void plan_stops_trunk(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    plan_stop_at(active, n_workers, trial == 1 ? 0 : trial, step);
}

/* One fork at once beside the watch: the slow change is adopted first, and then the fast one, which
 * has the lower number, takes the memory that the tail of the watch would need. */
static void
a_watch_that_there_was_no_memory_for_is_kept_and_so_it_is_in_a_replay_with_memory(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const wide[] = {TOO_LOW, "gate.claims=all", "train.steps=440",
                                       "experiment.forks=1", NULL};
    static const struct scripted_proposal two[] = {
        {0, "data.sources.1.weight=3"},
        {0, "optimizer.lr=0.0008"    },
        {0, NULL                     }
    };
    const struct harness_launch launch = {.workers = 2, .servers = 1};
    campaign_run(f, "wide", wide, two, &launch);
    struct history history = ledger_history(f, "wide");
    char *memory =
        mem_format("experiment.memory=%llu",
                   4 * (unsigned long long)history_entry(&history, 1)->forward.application->bytes);
    history_clear(&history);
    const char *const tight[] = {TOO_LOW, "gate.claims=all",    "train.steps=440",
                                 memory,  "experiment.forks=1", NULL};
    campaign_run(f, "tight", tight, two, &launch);
    history = ledger_history(f, "tight");
    const struct entry *e = history_entry(&history, 2);
    assert_string_equal(entry_word(e), "kept");
    assert_true(e->judgement->machine && e->judgement->cause == TRIREME__CAUSE__memory);
    assert_int_equal(e->claim->cause, TRIREME__CAUSE__memory);
    assert_int_equal(history_entry(&history, 1)->forward.n_pairs, 1);
    history_clear(&history);
    char *folder = mem_strdup(campaign_folder(f, "tight"));
    campaign_run(f, "again", wide, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = folder});
    struct lines lines = lines_read(f, "tight");
    campaign_check_same(f, "again", "tight", lines_count(&lines, "trunk"));
    lines_free(&lines);
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

/* Loses the forks of the stretch under way at a step, and the checkpoint that they began from; then
 * repeats what became of that. The history of "first<step>" is the caller's. */
static struct history lose_and_replay(const struct campaign_fixture *f, uint64_t began,
                                      uint64_t step)
{
    char first[16], again[16];
    snprintf(first, sizeof first, "first%d", (int)step % 100);
    snprintf(again, sizeof again, "again%d", (int)step % 100);
    harness_stop = 0, harness_stop_step = step;
    campaign_run(f, first, settings, script,
                 &(struct harness_launch){.workers = 2,
                                          .servers = 1,
                                          .plan = plan_stops_trunk,
                                          .stop = &harness_stop,
                                          .may_stop = true});
    lose(f, first, step, "suspended");
    lose(f, first, began, "");
    harness_stop = 0;
    campaign_run(f, first, settings, script, &(struct harness_launch){.workers = 2, .servers = 1});
    char *folder = mem_strdup(campaign_folder(f, first));
    campaign_run(f, again, settings, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 2, .replay = folder});
    struct lines lines = lines_read(f, first);
    campaign_check_same(f, again, first, lines_count(&lines, "trunk"));
    lines_free(&lines);
    ledgers_check_equal(f, again, first);
    free(folder);
    return ledger_history(f, first);
}

static void
a_hypothesis_whose_fork_is_lost_with_its_checkpoint_is_given_up_in_a_replay_too(void **state)
{
    struct history history = lose_and_replay(*state, 40, 44);
    assert_string_equal(entry_word(history_entry(&history, 1)), "lost");
    assert_true(history_entry(&history, 1)->judgement->machine);
    assert_contains(history_entry(&history, 1)->reason, "step-00000040");
    assert_true(history_entry(&history, 4)->forward.n_pairs >
                0); // a later hypothesis is still tried
    history_clear(&history);
}

/* The adoption stays, also where only its claim was left. */
static void
a_watch_or_claim_whose_fork_is_lost_with_its_checkpoint_ends_so_in_a_replay_too(void **state)
{
    for (uint64_t began = 50; began <= 60; began += 10) {
        struct history history = lose_and_replay(*state, began, began + 7);
        const struct entry *e = history_entry(&history, 1);
        assert_string_equal(entry_word(e), "kept");
        assert_int_equal(e->judgement->has_machine, began == 50);
        assert_int_equal(e->reverse.n_pairs, began == 60);
        assert_int_equal(e->claim->answer, TRIREME__CLAIM__ANSWER__unproven);
        assert_int_equal(e->claim->cause, TRIREME__CAUSE__lost);
        assert_true(history_entry(&history, 4)->forward.n_pairs > 0);
        // the stretches before it, its own 7 steps, and the calm one behind it
        const uint64_t horizon = began == 50 ? 15 : 18;
        assert_int_equal(history.spent,
                         (38 + (began == 60 ? 22 : 0) + 7 + 3 * horizon + 2) * 12 * 8);
        history_clear(&history);
    }
}

static uint64_t registered_at(const struct campaign_fixture *f, const char *name, uint32_t number)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, name), false, &err);
    uint64_t step = 0;
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind == TRIREME__RECORD_KIND__hypothesis && r->number == number)
            step = r->step;
    }
    ledger_free(ledger);
    return step;
}

/* When the machine gives a hypothesis up, the stretch is over, and the next one begins at the next
 * multiple of ten steps. */
static void
one_that_waited_for_what_the_machine_gave_up_begins_at_the_same_step_in_a_replay(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const narrow[] = {TOO_LOW, "experiment.forks=1", "experiment.memory=1",
                                         NULL};
    static const char *const wide[] = {TOO_LOW, "experiment.forks=1", NULL};
    static const struct scripted_proposal two[] = {
        {0, "optimizer.lr=0.0008"},
        {0, "optimizer.clip=0.1" },
        {0, NULL                 }
    };
    campaign_run(f, "first", narrow, two, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "first");
    assert_true(history_entry(&history, 1)->judgement->machine &&
                history_entry(&history, 2)->judgement->machine);
    assert_int_equal(history.spent, 0);
    history_clear(&history);
    assert_int_equal(registered_at(f, "first", 1), 40);
    assert_int_equal(registered_at(f, "first", 2), 50);
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
            a_watch_or_claim_whose_fork_is_lost_with_its_checkpoint_ends_so_in_a_replay_too),
        campaign_test(
            one_that_waited_for_what_the_machine_gave_up_begins_at_the_same_step_in_a_replay),
        campaign_test(
            a_watch_that_there_was_no_memory_for_is_kept_and_so_it_is_in_a_replay_with_memory),
        campaign_test(what_there_was_no_memory_for_is_closed_and_so_it_is_in_a_replay_with_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
