/* What the operator changed by hand since the checkpoint that a launch continues: `resume --set`.
 * Their word is the last. */
#pragma once
#include "base/err.h"

struct campaign;
struct context;

/* Where the run's settings are others than when the checkpoint was made: what the ledger tells of
 * after it no longer holds, open hypotheses are closed (where losses depend on what was changed),
 * and changes of experiments that were overruled are no longer in force. Told of in the ledger if
 * there is anything to tell: 1, and what holds now should be kept at once, or the next launch would
 * find the same again. 0: there is not. */
int override_apply(const struct context *context, struct campaign *campaign, struct err *err);
