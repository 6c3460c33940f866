/* What comes back from one step: the losses of its leaves and the squares of its gradient's blocks,
 * and the decision that follows once all are there. They are added in leaf order and in block
 * order, so the sums do not depend on who sent what. Pure. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct step_result;

struct step_result *step_result_new(size_t n_leaves, size_t n_blocks);
void step_result_free(struct step_result *result);
void step_result_begin(struct step_result *result);

/* Adds the values of n leaves, or of n blocks. ERR_MACHINE if one is out of range or was added
 * before. */
int step_result_add_losses(struct step_result *result, size_t first_leaf, const double *sums,
                           size_t n, struct err *err);
int step_result_add_squares(struct step_result *result, size_t first_block, const double *squares,
                            size_t n, struct err *err);
/* Notes the place of a weight that is not finite, from a server's norms. The lowest is kept. */
void step_result_note_not_finite(struct step_result *result, size_t place);
bool step_result_is_complete(const struct step_result *result);

double
step_result_loss(const struct step_result *result); /* sum over all tokens of the step, in nats */
double step_result_norm(const struct step_result *result); /* global norm of the gradient */

/* Whether a weight was noted, and its place in the layout. */
bool step_result_not_finite(const struct step_result *result, size_t *place);

/* Fills in the decision on the step after `step` updates, for the servers, and its line in
 * metrics.jsonl without the time. loss: mean over the step's tokens, in nats. The clip is
 * torch.nn.utils.clip_grad_norm_'s (global norm). ERR_TRAIN if loss or norm is not finite: nothing
 * is filled in. */
int step_result_decide(Trireme__StepDecision *decision, Trireme__TrainLine *line,
                       const Trireme__Config *config, uint64_t step, double lr, double loss,
                       double norm, struct err *err);
