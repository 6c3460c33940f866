/* The intake: who may change the course. People through RUN/inbox and one planner propose patches;
 * each proposal is checked before any compute is spent on it, and those that are legal become
 * hypotheses of the campaign as there is room for them. All of it is taken at step boundaries of
 * the trunk and written to the ledger; training never waits for anybody here. */
#pragma once
#include "base/err.h"
#include "coordinator/train/context.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct campaign;
struct intake;
struct planner;

/* Borrowed: campaign; planner (or NULL) is taken over, also on failure. Keeps a copy of context.
 * allow_noop: patches that change nothing are taken too (tests of forks). NULL with a sentence
 * (ERR_USAGE): a policy that cannot be read. */
struct intake *intake_new(const struct context *context, struct campaign *campaign,
                          struct planner *planner, bool allow_noop, struct err *err);
void intake_free(struct intake *intake);

/* Lines of the trunk, for briefings. */
void intake_add_train(struct intake *intake, const Trireme__TrainLine *line);
void intake_add_eval(struct intake *intake, const Trireme__EvalLine *line);

/* Whether the planner was asked, by this launch or by the one before, and has not answered. */
bool intake_awaits_planner(const struct intake *intake);

/* The trunk has done `step` updates: orders and proposals that came are taken, hypotheses
 * registered, the planner asked. last: no more steps follow. */
int intake_turn(struct intake *intake, uint64_t step, bool last, struct err *err);
