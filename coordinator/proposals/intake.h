/* The intake of proposals. People (through RUN/inbox) and one planner propose patches; each is
 * checked before compute is spent on it, and those that are legal become hypotheses of the campaign
 * when there is room. All of it happens at step boundaries of the trunk and is written to the
 * ledger. Training waits for a planner only if it is told to (experiment.hold). */
#pragma once
#include "base/err.h"
#include "coordinator/train/context.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct campaign;
struct intake;
struct planner;

/* campaign is borrowed; planner (or NULL) is taken over, also on failure. Keeps a copy of context.
 * allow_noop: a patch that changes nothing is legal (tests of forks). Returns NULL with a sentence
 * (ERR_USAGE) if the policy cannot be read. */
struct intake *intake_new(const struct context *context, struct campaign *campaign,
                          struct planner *planner, bool allow_noop, struct err *err);
void intake_free(struct intake *intake);

/* Adds a line of the trunk, or of a fork, to the curve of the briefings. */
void intake_add_train(struct intake *intake, const Trireme__TrainLine *line);
void intake_add_eval(struct intake *intake, const Trireme__EvalLine *line);

/* The first step after `step` at which the trunk must rest since the planner may have its turn
 * there and is waited for (experiment.hold); UINT64_MAX: there is none. */
uint64_t intake_next(const struct intake *intake, uint64_t step);

/* The trunk rests at `step`, after intake_turn: takes the planner's answer, and what people ask
 * meanwhile. Returns 0 as long as the trunk is to rest on, 1 when it is not (*held: seconds that it
 * rested are added), -1 on error. To be called again until it is over, or given up. */
int intake_hold(struct intake *intake, uint64_t step, double *held, struct err *err);

/* Whether the planner was asked, by this launch or the one before, and has not answered. */
bool intake_awaits_planner(const struct intake *intake);

/* Whether a person asked for a checkpoint and the end among the requests that it took. */
bool intake_stop_asked(const struct intake *intake);

/* To be called after each step of the trunk: takes in orders and proposals, registers hypotheses,
 * asks the planner. last: no more steps follow. */
int intake_turn(struct intake *intake, uint64_t step, bool last, struct err *err);

/* Takes in what people ask for, at a step that is not over for long yet: arms of the stretch that
 * ends there are still under way. To be called often. */
int intake_hear(struct intake *intake, uint64_t step, struct err *err);
