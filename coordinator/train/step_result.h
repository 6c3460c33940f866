/* What comes back of one step: the losses of its leaves and the squares of its gradient's blocks,
 * and what follows from them once all are there. Sums go in leaf order and block order, so they do
 * not depend on who sent what. Pure. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct collect;

struct collect *collect_new(size_t n_leaves, size_t n_blocks);
void collect_free(struct collect *collect);
void collect_begin(struct collect *collect);

/* Takes the values of n leaves, or of n blocks. Refuses what is out of range or there already. */
int collect_losses(struct collect *collect, size_t first_leaf, const double *sums, size_t n,
                   struct err *err);
int collect_squares(struct collect *collect, size_t first_block, const double *squares, size_t n,
                    struct err *err);
bool collect_complete(const struct collect *collect);

double collect_loss(const struct collect *collect); /* sum over all tokens of the step, in nats */
double collect_norm(const struct collect *collect); /* global norm of the gradient */
