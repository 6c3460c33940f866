/* Runs campaigns on the role harness: a folder with data, a planner with a script, and what a
 * campaign leaves behind, in a form that can be compared.
 *
 * The campaigns are all alike: tokens for 160 steps, of which experiments may cost 64. The first
 * stretch begins at step 40. Plain ones that begin by step 60 have 10 steps and a tail of 5, the
 * calm one at step 40 has 10 and 10. An arm reads 36 windows, which cost as much as one step. So a
 * plain stretch of k arms costs 6 + 16 k steps, that calm one 11 + 21 k, and the trunk becomes that
 * much shorter. */
#pragma once
#include "tests/unit/roles/role_harness.h"

#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"

#include "planner.pb-c.h"

/* A temporary folder with token files in `data`, where each campaign has a folder of its own. It is
 * the test's *state, made by campaign_set_up and removed by campaign_tear_down. */
struct campaign_fixture {
    char *root, *data;
};

int campaign_set_up(void **state);
int campaign_tear_down(void **state);

/* The folder of the campaign with that name; borrowed until the next call. */
const char *campaign_folder(const struct campaign_fixture *f, const char *name);

/* A proposal that is made once, at the first briefing of that step or a later one. A patch of NULL
 * ends a script. */
struct scripted_proposal {
    uint64_t step;
    const char *patch; /* "optimizer.lr=0.02 optimizer.clip=2", and what else the proposal says:
                          "budget=1536", "after=1" */
};

/* Makes the proposals of its script that the briefing does not know yet. Borrows the script. The
 * caller's, who frees the planner. */
struct planner *scripted_planner_new(const struct scripted_proposal *script);

/* Trains the named campaign, from the beginning or from where it is, with the settings that all
 * have here and with more, which end with NULL. script: or NULL, for no planner. Returns what
 * role_harness_run returns. */
bool campaign_run(const struct campaign_fixture *f, const char *name, const char *const *settings,
                  const struct scripted_proposal *script, const struct harness_launch *launch);

/* The same; how it ended goes to *how. */
bool campaign_run_to(const struct campaign_fixture *f, const char *name,
                     const char *const *settings, const struct scripted_proposal *script,
                     const struct harness_launch *launch, struct err *how);

/* Goes on with the named run with settings, as `trireme resume` does. */
void campaign_resume(const struct campaign_fixture *f, const char *name, char *const *settings,
                     size_t n_settings, const struct scripted_proposal *script,
                     const struct harness_launch *launch);

/* A lease_plan_fn that sets harness_stop when the trunk has done harness_stop_step steps. */
extern volatile sig_atomic_t harness_stop;
extern uint64_t harness_stop_step;
void plan_stop_at(bool *active, size_t n_workers, uint32_t trial, uint64_t step);

/* The lines of training in metrics.jsonl, and the number of its evaluations. Fails where a step of
 * a trial, or an evaluation, is there twice. lines_free frees the lines. */
struct lines {
    Trireme__TrainLine **items;
    size_t n, n_evals;
};
struct lines lines_read(const struct campaign_fixture *f, const char *name);
void lines_free(struct lines *lines);

/* The line of a trial's step; fails where there is none. */
const Trireme__TrainLine *lines_at(const struct lines *lines, const char *trial, uint64_t step);
size_t lines_count(const struct lines *lines, const char *trial);

/* Checks that both trials have the same loss, norm and rate, to the last bit, in each step from
 * first to last. */
void lines_check_equal(const struct lines *found, const char *found_trial,
                       const struct lines *expected, const char *expected_trial, uint64_t first,
                       uint64_t last);

/* Checks that two ledgers are the same, line by line, except for what no two launches share:
 * hashes, times, pauses, and the numbers of trials. */
void ledgers_check_equal(const struct campaign_fixture *f, const char *found, const char *expected);

/* Checks that each stretch of a ledger says of what was spent what the records before it add up to:
 * a launch counts on while it runs, another one reads the file. */
void ledger_check_sums(const struct campaign_fixture *f, const char *name);

/* The history that the ledger adds up to; the caller's, who clears it. */
struct history ledger_history(const struct campaign_fixture *f, const char *name);

/* Checks the bits of two runs' checkpoints at a step, and the trunks' lines up to there. */
void campaign_check_same(const struct campaign_fixture *f, const char *found, const char *expected,
                         uint64_t step);

/* The proposal that a script says so; the caller's, who frees it. */
Trireme__Proposal *campaign_proposal(const char *words, const char *id);

/* Asks a run for something as campaign_order does. */
void campaign_ask(const char *folder, const Trireme__Request *request);

/* Puts an order into the inbox of a run that is trained by this thread, and waits until the
 * coordinator looks there again. */
void campaign_order(const char *folder, Trireme__Order order, uint32_t number);

#define campaign_test(name)                                                                        \
    cmocka_unit_test_setup_teardown(name, campaign_set_up, campaign_tear_down)
