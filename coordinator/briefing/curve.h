/* What metrics.jsonl tells of the trunk, kept small: the training loss in at most 12 means over
 * equal stretches of its steps, every evaluation, the last 100 steps; and the last steps of forks
 * beside it. Lines are added one by one. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CURVE_RECENT = 100, CURVE_BEFORE = 20 /* training steps that an evaluation is seen with */ };

struct curve;

struct curve *curve_new(void);
void curve_free(struct curve *curve);
void curve_train(struct curve *curve, const Trireme__TrainLine *line);
void curve_eval(struct curve *curve, const Trireme__EvalLine *line);

/* Adds the lines of RUN/metrics.jsonl. *step: the last step in it. An unfinished last line is
 * ignored. */
int curve_read(struct curve *curve, uint64_t *step, const char *run, struct err *err);

/* Tokens that the trunk was trained on. */
uint64_t curve_tokens(const struct curve *curve);

/* Fills in a fresh briefing's curve, tokens, rate and speed. */
void curve_tell(const struct curve *curve, Trireme__Briefing *briefing);

/* A step of the trunk, or of a fork. */
struct curve_step {
    uint64_t step, tokens;                /* tokens of this step */
    double loss, norm, lr, seconds, held; /* held: seconds of rest before it */
    bool beside;                          /* others trained beside it */
};
struct curve_step curve_step_of(const Trireme__TrainLine *line, bool beside);

/* An evaluation of the trunk. */
struct curve_eval {
    uint64_t step;
    double tokens; /* trained on by then */
    double train;  /* mean loss of the CURVE_BEFORE steps before, or as many as there are; NaN */
    Trireme__EvalLine *line;
};

/* The last steps, the oldest first; writes at most CURVE_RECENT, returns how many. */
size_t curve_recent(const struct curve *curve, struct curve_step *steps);

/* All evaluations, the oldest first; borrowed until the next line. */
const struct curve_eval *curve_evals(const struct curve *curve, size_t *n);

/* The lead of a fork of that name over the trunk at the last steps that both have, of which there
 * are at most CURVE_BEFORE: mean of the trunk's loss less the fork's, and the standard error of
 * that mean. Returns their number; below 2 nothing is written. Forks whose steps have another size
 * have none in common. */
size_t curve_lead(const struct curve *curve, double *mean, double *error, const char *fork);
