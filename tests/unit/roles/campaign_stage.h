/* Campaigns on the stage: a place with data to judge by, a planner that proposes what it was told
 * to, and what a campaign leaves behind, in a form that can be compared.
 *
 * The campaigns here are all alike: 160 steps, hypotheses from step 20 on, pairs of 20 steps
 * (tails: 10), 6 of them at most. */
#pragma once
#include "tests/unit/roles/role_stage.h"

#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"

struct place {
    char *root, *data;
};

int place_set_up(void **state);
int place_tear_down(void **state);

/* A folder of the place; borrowed until the next call. */
const char *place_folder(const struct place *place, const char *name);

/* What is proposed, each once, at the first briefing of that step or a later one; a patch of NULL
 * ends the list. */
struct cue {
    uint64_t step;
    const char *patch; /* "optimizer.lr=0.02 optimizer.clip=2" */
};

/* Proposes by its cues; where a launch goes on, what is known already is not proposed again.
 * Borrowed: the cues. */
struct planner *cue_planner_new(const struct cue *cues);

/* Trains a campaign in the named folder, from the beginning or from where it is, over the settings
 * that are common here. The play's planner is made from the cues (or NULL: there is none). Returns
 * as stage_play. */
bool campaign_play(const struct place *place, const char *name, const char *const *settings,
                   const struct cue *cues, const struct play *play);

/* The same; how it ended goes to *how. */
bool campaign_play_to(const struct place *place, const char *name, const char *const *settings,
                      const struct cue *cues, const struct play *play, struct err *how);

/* Goes on with the named run with settings, as `trireme resume` does. */
void campaign_resume(const struct place *place, const char *name, char *const *settings,
                     size_t n_settings, const struct cue *cues, const struct play *play);

/* A plan that stops the run when the trunk has done so many steps: at_step is set before. */
extern volatile sig_atomic_t stage_stop;
extern uint64_t stage_stop_step;
void plan_stop_at(bool *active, size_t n_workers, uint32_t trial, uint64_t step);

/* The lines of training in metrics.jsonl. Each (trial, step) is there once, and each evaluation, or
 * the reading fails. */
struct lines {
    Trireme__TrainLine **items;
    size_t n, n_evals;
};
struct lines lines_read(const struct place *place, const char *name);
void lines_free(struct lines *lines);

/* The line of a trial's step; fails where there is none. */
const Trireme__TrainLine *lines_at(const struct lines *lines, const char *trial, uint64_t step);
size_t lines_count(const struct lines *lines, const char *trial);

/* Checks that both trials have the same loss, norm and rate, to the last bit, in each step from
 * first to last. */
void lines_check_equal(const struct lines *found, const char *found_trial,
                       const struct lines *expected, const char *expected_trial, uint64_t first,
                       uint64_t last);

/* Checks that two ledgers say the same, line by line, but for what no two launches share: chain,
 * times, pauses, and the numbers of trials. */
void ledgers_check_equal(const struct place *place, const char *found, const char *expected);

/* What a ledger adds up to; the caller's. */
struct history ledger_history(const struct place *place, const char *name);

/* Checks the bits of two runs' checkpoints at a step, and the trunks' lines up to there. */
void campaign_check_same(const struct place *place, const char *found, const char *expected,
                         uint64_t step);

/* Puts a request into the inbox of a run whose coordinator plays on this stage, and lets it be
 * seen. */
void campaign_order(const char *folder, Trireme__Order order, uint32_t number);

#define campaign_test(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
