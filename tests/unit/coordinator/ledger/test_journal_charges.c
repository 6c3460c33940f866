/* What superseded records have used up counts at the same place, however a launch comes there. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "coordinator/ledger/journal.h"

// clang-format off
/* `held` goes on to hold. `superseded` was written by a launch, and no longer holds for the next
 * one, which writes `instead`. */
static const char *const held[] = {
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: validation, number: 1, step: 5, validation: {accepted: true, next: queued}}",
    "{kind: rule, step: 5, rule: {revision: 2}}",
    "{kind: hypothesis, number: 1, step: 5, plan: {slow: true}}",
    "{kind: observation, number: 1, step: 40, observation: {pair: 0, trunk_loss: 2.5, "
    "fork_loss: 2.25}}",
};
static const char *const superseded[] = {
    "{kind: proposal, number: 2, step: 40, proposal: {id: b, patch: {optimizer.clip: 2}}}",
    "{kind: validation, number: 2, step: 40, validation: {accepted: true, next: queued}}",
    "{kind: hypothesis, number: 2, step: 40, plan: {slow: true}}",
};
static const char *const instead[] = {
    "{kind: proposal, number: 2, step: 42, proposal: {id: c, patch: {optimizer.clip: 3}}}",
    "{kind: validation, number: 2, step: 42, validation: {accepted: true, next: queued}}",
    "{kind: hypothesis, number: 2, step: 42, plan: {slow: true}}",
};
// clang-format on
enum { HELD = sizeof held / sizeof *held, OTHER = sizeof instead / sizeof *instead };

/* The number of hypotheses that are charged when a launch opens the ledger. */
static unsigned registered_at(const char *run, uint64_t known, const char *replay)
{
    struct journal *journal = open_at(run, known, replay);
    unsigned registered = journal_history(journal)->registered;
    journal_free(journal);
    return registered;
}

static void diverge(struct journal *journal)
{
    struct err err;
    if (journal_diverge(journal, 5, "the operator changed optimizer.lr", &err) < 0)
        fail_msg("%s", err.text);
}

static void a_superseded_hypothesis_stays_charged_however_a_launch_comes_there(void **state)
{
    const struct run_dir *dir = *state;
    char *again = file_join(dir->root, "again");
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < HELD - 1; i++)
        must_record(journal, held[i]);
    journal_free(journal);
    journal = open_at(dir->run, 0, NULL);
    assert_int_equal(journal_history(journal)->registered, 0);
    diverge(journal);
    assert_int_equal(journal_history(journal)->registered, 1);
    assert_int_equal(journal_history(journal)->n, 0);
    journal_free(journal);
    assert_int_equal(count_lines(dir->run), HELD);
    // the correction comes before anything that is still to be repeated
    assert_int_equal(registered_at(dir->run, 0, NULL), 1);
    assert_int_equal(registered_at(dir->run, HELD, NULL), 1);
    assert_int_equal(registered_at(again, 0, dir->run), 1);
    free(again);
}

/* Writes what holds behind the known records, and `instead`; checks the number of charged
 * hypotheses before each record. Frees the journal. */
static void write_rest(struct journal *journal, size_t known, bool diverges)
{
    static const unsigned charged[HELD + OTHER + 1] = {0, 0, 0, 0, 1, 2, 2, 2, 3};
    for (size_t i = known; i <= HELD + OTHER; i++) {
        if (i == HELD && diverges)
            diverge(journal);
        unsigned registered = journal_history(journal)->registered;
        if (registered != charged[i])
            fail_msg("from %zu known, after %zu: found %u registered, expected %u", known, i,
                     registered, charged[i]);
        if (i < HELD + OTHER)
            must_record(journal, i < HELD ? held[i] : instead[i - HELD]);
    }
    assert_false(journal_repeats(journal));
    journal_free(journal);
}

/* Writes a ledger whose correction comes behind records that hold. */
static void write_and_diverge(const char *run)
{
    struct journal *journal = open_at(run, 0, NULL);
    for (size_t i = 0; i < HELD; i++)
        must_record(journal, held[i]);
    for (size_t i = 0; i < OTHER; i++)
        must_record(journal, superseded[i]);
    assert_int_equal(journal_history(journal)->registered, 2);
    journal_free(journal);
    write_rest(open_at(run, 0, NULL), 0, true);
}

static void a_charge_behind_records_that_hold_comes_when_they_have_been_lived_through(void **state)
{
    const struct run_dir *dir = *state;
    write_and_diverge(dir->run);
    for (size_t known = 0; known <= HELD; known++)
        write_rest(open_at(dir->run, known, NULL), known, false);
    assert_int_equal(count_lines(dir->run), HELD + OTHER + 1 + OTHER);
}

static void a_replay_is_charged_where_the_run_was_from_wherever_it_goes_on(void **state)
{
    const struct run_dir *dir = *state;
    write_and_diverge(dir->run);
    for (size_t known = 0; known <= HELD + OTHER; known++) {
        char *again = mem_format("%s/again%zu", dir->root, known);
        write_rest(open_at(again, 0, dir->run), 0, false);
        write_rest(open_at(again, known, dir->run), known, false);
        assert_int_equal(count_lines(again), HELD + OTHER);
        free(again);
    }
}

static void what_two_corrections_supersede_is_charged_once_from_the_start(void **state)
{
    const struct run_dir *dir = *state;
    write_and_diverge(dir->run);
    struct journal *journal = open_at(dir->run, 0, NULL);
    assert_int_equal(journal_history(journal)->registered, 0);
    diverge(journal); // from the first record on: also from the first correction
    assert_int_equal(journal_history(journal)->registered, 3);
    journal_free(journal);
    assert_int_equal(registered_at(dir->run, 0, NULL), 3);
    assert_int_equal(registered_at(dir->run, count_lines(dir->run), NULL), 3);
}

// clang-format off
/* Of a campaign: 1 was adopted and is watched, with its claim; a stretch after that was spent in
 * vain; another came instead. */
static const char *const paid[] = {
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: proposal, number: 2, step: 5, proposal: {id: b, patch: {optimizer.clip: 2}}}",
    "{kind: rule, step: 40, rule: {revision: 2}}",
    "{kind: hypothesis, number: 1, step: 40, plan: {slow: true}}",
    "{kind: stretch, step: 40, stretch: {horizon: 10, arms: [{number: 1}]}}",
    "{kind: observation, number: 1, step: 50, observation: {tokens: 1000}}",
    "{kind: decision, step: 50, decision: {tokens: 300, planners: 300, windows_taken: [64, 32]}}",
    "{kind: verdict, number: 1, step: 50, judgement: {outcome: adopted, pairs: 1}}",
    "{kind: promotion, number: 1, step: 50, promotion: {patch: {optimizer.lr: 0.01}}}",
    "{kind: hypothesis, number: 1, step: 50, plan: {reverse: true}}",
    "{kind: claim, number: 1, step: 50, claim: {t: 1, answer: open}}",
    "{kind: hypothesis, number: 2, step: 50, plan: {slow: true}}",
    "{kind: stretch, step: 50, stretch: {horizon: 10, arms: [{number: 1, reverse: true}, "
    "{number: 2}]}}",
};
static const char *const in_vain[] = {
    "{kind: observation, number: 1, step: 60, observation: {tokens: 200}}",
    "{kind: observation, number: 2, step: 60, observation: {tokens: 70}}",
    "{kind: decision, step: 60, decision: {tokens: 60, planners: 30, windows_taken: [128, 64]}}",
    "{kind: claim, number: 1, step: 60, claim: {t: 1, answer: claimed}}",
    "{kind: stretch, step: 60, stretch: {horizon: 10, arms: [{number: 1, reverse: true}]}}",
    "{kind: observation, number: 1, step: 70, observation: {tokens: 5}}",
};
static const char *const paid_instead[] = {
    "{kind: observation, number: 1, step: 60, observation: {tokens: 201}}",
    "{kind: observation, number: 2, step: 60, observation: {tokens: 71}}",
    "{kind: decision, step: 60, decision: {tokens: 60, planners: 30, windows_taken: [100, 80]}}",
};
// clang-format on
enum {
    PAID = sizeof paid / sizeof *paid,
    IN_VAIN = sizeof in_vain / sizeof *in_vain,
    PAID_ALL = PAID + sizeof paid_instead / sizeof *paid_instead
};

/* What was used up by each record. */
struct used_up {
    uint64_t spent, since, windows[2], registered, claims, claimed;
};

static struct used_up used_up(struct journal *journal)
{
    const struct history *h = journal_history(journal);
    struct used_up u = {.spent = h->spent,
                        .since = h->since,
                        .registered = h->registered,
                        .claims = h->claims,
                        .claimed = h->claimed};
    for (size_t s = 0; s < h->n_windows_taken; s++)
        u.windows[s] = h->windows_taken[s];
    return u;
}

/* Lives from the known-th record on through what holds. What is used up before each record is
 * written to *trace, or compared with it. Frees the journal. */
static void live(struct journal *journal, size_t known, struct used_up *trace, bool first)
{
    for (size_t i = known; i <= PAID_ALL; i++) {
        if (first && i == PAID)
            diverge(journal);
        const struct used_up found = used_up(journal);
        if (first)
            trace[i] = found;
        else if (memcmp(&found, &trace[i], sizeof found))
            fail_msg("from %zu known, after %zu: found %llu spent, %llu since, expected %llu and "
                     "%llu",
                     known, i, (unsigned long long)found.spent, (unsigned long long)found.since,
                     (unsigned long long)trace[i].spent, (unsigned long long)trace[i].since);
        if (i < PAID_ALL)
            must_record(journal, i < PAID ? paid[i] : paid_instead[i - PAID]);
    }
    assert_false(journal_repeats(journal));
    journal_free(journal);
}

static void what_was_spent_in_vain_stays_spent_however_a_launch_comes_there(void **state)
{
    const struct run_dir *dir = *state;
    struct used_up trace[PAID_ALL + 1];
    memset(trace, 0, sizeof trace);
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < PAID; i++)
        must_record(journal, paid[i]);
    for (size_t i = 0; i < IN_VAIN; i++)
        must_record(journal, in_vain[i]);
    journal_free(journal);
    live(open_at(dir->run, 0, NULL), 0, trace, true);
    // 1000 + 300 before the adoption; the stretch in vain; the stretch instead
    assert_int_equal(trace[PAID - 1].spent, 1300);
    assert_int_equal(trace[PAID - 1].since, 0);
    assert_int_equal(trace[PAID].spent, 1300 + 335);
    assert_int_equal(trace[PAID].since, 70 + 30);
    assert_int_equal(trace[PAID_ALL].spent, 1300 + 335 + 332);
    assert_int_equal(trace[PAID_ALL].since, 70 + 30 + 71 + 30);
    assert_true(trace[PAID_ALL].windows[0] == 128 && trace[PAID_ALL].windows[1] == 80);
    assert_true(trace[PAID_ALL].claims == 1 && trace[PAID_ALL].claimed == 1);
    for (size_t known = 0; known <= PAID; known++)
        live(open_at(dir->run, known, NULL), known, trace, false);
    // checkpoints that know the correction
    for (size_t known = PAID; known <= PAID_ALL; known++)
        live(open_at(dir->run, known + IN_VAIN + 1, NULL), known, trace, false);
    for (size_t known = 0; known <= PAID_ALL; known++) {
        char *again = mem_format("%s/again%zu", dir->root, known);
        live(open_at(again, 0, dir->run), 0, trace, false);
        live(open_at(again, known, dir->run), known, trace, false);
        free(again);
    }
}

static void what_two_corrections_supersede_is_spent_once_each(void **state)
{
    const struct run_dir *dir = *state;
    struct used_up trace[PAID_ALL + 1];
    struct journal *journal = open_at(dir->run, 0, NULL);
    for (size_t i = 0; i < PAID; i++)
        must_record(journal, paid[i]);
    for (size_t i = 0; i < IN_VAIN; i++)
        must_record(journal, in_vain[i]);
    journal_free(journal);
    live(open_at(dir->run, 0, NULL), 0, trace, true);
    for (size_t from = 0; from < PAID_ALL; from++) {
        char *run = mem_format("%s/run%zu", dir->root, from);
        size_t size = 0;
        char *lines = must_read_in(dir->run, "ledger.jsonl", &size);
        struct err err;
        assert_int_equal(file_make_dirs(run, ERR_USAGE, &err), 0);
        must_write_in(run, "ledger.jsonl", lines, size);
        free(lines);
        journal = open_at(run, 0, NULL);
        for (size_t i = 0; i < from; i++)
            must_record(journal, i < PAID ? paid[i] : paid_instead[i - PAID]);
        diverge(journal);
        const struct used_up found = used_up(journal);
        journal_free(journal);
        assert_int_equal(found.spent, trace[PAID_ALL].spent);
        assert_int_equal(found.claims, 1);
        journal = open_at(run, count_lines(run), NULL);
        const struct used_up known = used_up(journal);
        journal_free(journal);
        if (memcmp(&found, &known, sizeof found))
            fail_msg("from %zu on: found %llu since, expected %llu", from,
                     (unsigned long long)known.since, (unsigned long long)found.since);
        free(run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(a_superseded_hypothesis_stays_charged_however_a_launch_comes_there),
        test_in_run_dir(a_charge_behind_records_that_hold_comes_when_they_have_been_lived_through),
        test_in_run_dir(a_replay_is_charged_where_the_run_was_from_wherever_it_goes_on),
        test_in_run_dir(what_two_corrections_supersede_is_charged_once_from_the_start),
        test_in_run_dir(what_was_spent_in_vain_stays_spent_however_a_launch_comes_there),
        test_in_run_dir(what_two_corrections_supersede_is_spent_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
