/* Makes a fork the trunk, as it was before its tail, at a step at which the trunk rests; or gives
 * the trunk's own state another configuration. A fork whose steps have another size (another batch)
 * is renumbered. Each turn does what can be done now. */
#pragma once
#include "base/err.h"
#include "coordinator/train/context.h"

#include "config.pb-c.h"

#include <stdint.h>

struct promotion;
struct trial;

/* Begins at `step`. Takes over the fork; NULL: the trunk's own state gets `config` (copied). Keeps
 * a copy of context. Returns NULL with a sentence on error. */
struct promotion *promotion_begin(const struct context *context, struct trial *fork,
                                  const Trireme__Config *config, uint64_t step, struct err *err);
void promotion_free(struct promotion *promotion);

/* Returns 1 when *context.trunk is the new trunk (the old one is stopped), 0 before, -1 on error
 * (no memory for it). */
int promotion_turn(struct promotion *promotion, struct err *err);
