/* The hypotheses of a run that are being tried: forks begin, pairs are measured, the gate is asked,
 * a promotion makes a fork the trunk, reverse pairs confirm it or take it back. Everything happens
 * at exact steps of the trunk, in the order of the hypotheses' numbers, and is written to the
 * ledger before anything follows from it; so the same inputs lead to the same trunk, bit for bit,
 * however the forks were scheduled.
 *
 * The trunk rests at the steps that campaign_next names. There the coordinator first has
 * campaign_judge turn until it is over, then writes a checkpoint if campaign_saves says so, then
 * has campaign_fork turn until it is over. */
#pragma once
#include "base/err.h"
#include "coordinator/ledger/history.h"
#include "coordinator/train/context.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct campaign;

/* Keeps a copy of context. */
struct campaign *campaign_new(const struct context *context);
void campaign_free(struct campaign *campaign);

/* Why no hypothesis can be tried in this run at all; NULL: it can. */
const char *campaign_off(const struct campaign *campaign);

/* Registers a queued hypothesis: writes its plan to the ledger; its first fork begins at
 * plan->start. */
int campaign_register(struct campaign *campaign, uint32_t number, uint64_t step,
                      const Trireme__Plan *plan, struct err *err);

/* Closes a hypothesis at `step` without a promotion, and gives its forks back. */
int campaign_close(struct campaign *campaign, uint32_t number, uint64_t step, const char *reason,
                   struct err *err);

/* The same since the machine cannot go on with it, which a replay cannot know by itself. */
int campaign_give_up(struct campaign *campaign, uint32_t number, uint64_t step, const char *reason,
                     struct err *err);

/* Hypotheses and confirmations that are open. */
unsigned campaign_open(const struct campaign *campaign);

/* What forks do while the trunk trains: to be called often. */
void campaign_turn(struct campaign *campaign);

/* First step after `step` at which the trunk must rest; UINT64_MAX: none. */
uint64_t campaign_next(const struct campaign *campaign, uint64_t step);

/* The trunk rests at `step`: pairs that end there are measured and looks are taken; *context.trunk
 * may become another trial. 1 when it is over, 0 before, -1 on error. Called again until it is
 * over. */
int campaign_judge(struct campaign *campaign, uint64_t step, struct err *err);

/* Whether a promotion has been told of and is not yet carried out: a checkpoint must wait for it.
 */
bool campaign_promotes(const struct campaign *campaign);

/* Whether a fork begins at `step`, for which a checkpoint of the trunk must be there. */
bool campaign_saves(const struct campaign *campaign, uint64_t step);

/* Whether pairs end at `step` whose forks an earlier launch lost: campaign_fork comes first then,
 * and leaves what begins at `step` for after campaign_judge. */
bool campaign_behind(const struct campaign *campaign, uint64_t step);

/* Begins the forks that are due at `step`, or were due before and are lost. Returns as
 * campaign_judge. */
int campaign_fork(struct campaign *campaign, uint64_t step, struct err *err);

/* Steps whose checkpoints forks that live may still need; at most max are written, returns how many
 * there are. */
size_t campaign_pins(const struct campaign *campaign, uint64_t *steps, size_t max);

/* The i-th fork or tail that is under way and rests where it is worth to be suspended; NULL: there
 * are no more. *early_stop: of a fork, how it was looked at. */
const struct trial *campaign_line(const struct campaign *campaign, size_t i,
                                  Trireme__EarlyStop *early_stop);

/* The changes that promotions made and that are in force. Borrowed until the next turn. */
Trireme__Change **campaign_promoted(const struct campaign *campaign, size_t *n);
