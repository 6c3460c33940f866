/* Changes by hand (`resume --set`) since the checkpoint that a launch continues. They overrule what
 * experiments have changed. */
#pragma once
#include "base/err.h"

struct campaign;
struct context;

/* If settings differ from those of the checkpoint: records after it are superseded, open hypotheses
 * are closed (if losses depend on what was changed), and promoted changes that were overruled are
 * no longer in force. All of it is written to the ledger. Returns 1 if anything was written (then
 * the state is to be saved at once, or the next launch would do the same again), 0 if not, -1 on
 * error. */
int override_apply(const struct context *context, struct campaign *campaign, struct err *err);
