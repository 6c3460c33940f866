/* What comes back of one step: the losses of its leaves and the squares of its gradient's blocks,
 * and what follows from them once all are there. Sums go in leaf order and block order, so they do
 * not depend on who sent what. Pure. */
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

/* Takes the values of n leaves, or of n blocks. Refuses what is out of range or there already. */
int step_result_add_losses(struct step_result *result, size_t first_leaf, const double *sums,
                           size_t n, struct err *err);
int step_result_add_squares(struct step_result *result, size_t first_block, const double *squares,
                            size_t n, struct err *err);
bool step_result_is_complete(const struct step_result *result);

double
step_result_loss(const struct step_result *result); /* sum over all tokens of the step, in nats */
double step_result_norm(const struct step_result *result); /* global norm of the gradient */

/* Fills the decision on the step after `step` updates, for the servers, and its line in
 * metrics.jsonl, all but the time. loss: mean over the step's tokens. Clipping is
 * torch.nn.utils.clip_grad_norm_'s. A loss or norm that is not finite is an error (ERR_TRAIN): no
 * server is told to update. */
int step_result_decide(Trireme__StepDecision *decision, Trireme__TrainLine *line,
                       const Trireme__Config *config, uint64_t step, double lr, double loss,
                       double norm, struct err *err);
