/* The hypotheses that are being tried: a stretch begins, its forks train beside the trunk and are
 * measured, the rule is asked; an adoption makes a fork the trunk; then a fork with the recipe from
 * before is watched beside it, and may be taken back, or prove what can be claimed.
 *
 * Everything happens at exact steps of the trunk, in the order of the hypotheses' numbers, and is
 * written to the ledger before anything follows from it. So the same inputs give the same trunk,
 * bit for bit, however the forks were scheduled.
 *
 * The trunk rests at the steps that campaign_next returns. There the coordinator calls
 * campaign_judge until it is over, then writes a checkpoint if campaign_saves says so, then calls
 * campaign_fork until it is over. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/prospect.h"
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

/* Returns why no hypothesis can be tried in this run at all, or NULL. */
const char *campaign_off(const struct campaign *campaign);

/* Registers a hypothesis, or its watch: writes its plan to the ledger. */
int campaign_register(struct campaign *campaign, uint32_t number, uint64_t step,
                      const Trireme__Plan *plan, struct err *err);

/* Ends what is tried of a hypothesis at `step`, and stops its trials: it is closed; one that is
 * watched is kept, its claim unproven. reason: a sentence for people; the cause is all that
 * planners are told. */
int campaign_close(struct campaign *campaign, uint32_t number, uint64_t step, Trireme__Cause cause,
                   const char *reason, struct err *err);

/* The same because the machine cannot go on with it. That is an input: a replay cannot compute it.
 */
int campaign_give_up(struct campaign *campaign, uint32_t number, uint64_t step,
                     Trireme__Cause cause, const char *reason, struct err *err);

/* Checks whether a change can be tried from the first stretch after `step` on: hypotheses, time and
 * money that are left. after: the trunk's configuration with it. person: a person has proposed it
 * (actor_is_proven_person), so the stake does not bound it. ERR_USAGE with a sentence. */
int campaign_check(const struct campaign *campaign, uint64_t step, const Trireme__Config *after,
                   bool person, struct err *err);

/* Tokens of the stretch under way that an entry will not cost any more if people or planners end
 * it at `step`. */
uint64_t campaign_returns(const struct campaign *campaign, const struct entry *entry,
                          uint64_t step);

/* Checks whether the recipe from before an adopted change can be in force again. ERR_USAGE with a
 * sentence. */
int campaign_check_takeback(const struct campaign *campaign, uint32_t number, struct err *err);

/* What lies ahead, by the campaign's own state. Borrows from it: until the next step. */
struct prospect campaign_prospect(const struct campaign *campaign);

/* The first step at which a stretch may begin; the most windows that an arm can read without
 * reading one twice. */
uint64_t campaign_first(const struct campaign *campaign);
uint32_t campaign_windows_max(const struct campaign *campaign);

/* Lets forks be evaluated while the trunk trains. To be called often. */
void campaign_turn(struct campaign *campaign);

/* The first step after `step` at which the trunk must rest; UINT64_MAX: there is none. */
uint64_t campaign_next(const struct campaign *campaign, uint64_t step);

/* The trunk rests at `step`: measures and judges the stretch that ends there. *context.trunk may
 * become another trial. Returns 1 when it is over, 0 before, -1 on error. To be called again until
 * it is over. */
int campaign_judge(struct campaign *campaign, uint64_t step, struct err *err);

/* Whether the run goes on although the trunk's training has diverged in the stretch under way: a
 * fork with the recipe from before the newest adoption is beside it. If it is finite, it becomes
 * the trunk where the stretch ends; that step goes to *end. For that step campaign_judge is called
 * as if the trunk rested there; if it is over and the trunk is the same, the run is over too. */
bool campaign_outlives_trunk(const struct campaign *campaign, uint64_t *end);

/* Whether a promotion is in the ledger and not yet carried out: a checkpoint must wait for it. */
bool campaign_promotes(const struct campaign *campaign);

/* Whether forks may begin at `step`, which need a checkpoint of the trunk. */
bool campaign_saves(const struct campaign *campaign, uint64_t step);

/* Whether the stretch under way ends at `step`. If an earlier launch lost its forks, campaign_fork
 * comes first, and leaves what begins at `step` for after campaign_judge. */
bool campaign_behind(const struct campaign *campaign, uint64_t step);

/* Begins the forks that are due at `step`, or were due before and are lost. Returns as
 * campaign_judge. */
int campaign_fork(struct campaign *campaign, uint64_t step, struct err *err);

/* Steps of checkpoints that forks may still need. At most max are written; returns how many
 * there are. */
size_t campaign_pins(const struct campaign *campaign, uint64_t *steps, size_t max);

/* The i-th fork or tail that is worth suspending, or NULL. *early_stop: how far a fork was
 * evaluated. */
const struct trial *campaign_line(const struct campaign *campaign, size_t i,
                                  Trireme__EarlyStop *early_stop);

/* The promoted changes that are in force. Borrowed until the next turn. */
Trireme__Change **campaign_promoted(const struct campaign *campaign, size_t *n);
