/* What follows from a step's loss and gradient norm: go on or not, clipped by how much. Pure. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

/* Fills the verdict on the step after `step` updates, for the servers, and its line in
 * metrics.jsonl, all but the time. loss: mean over the step's tokens. Clipping is
 * torch.nn.utils.clip_grad_norm_'s. A loss or norm that is not finite is an error (ERR_TRAIN): no
 * server is told to update. */
int verdict_decide(Trireme__Verdict *verdict, Trireme__TrainLine *line,
                   const Trireme__Config *config, uint64_t step, double lr, double loss,
                   double norm, struct err *err);
