/* Runs one evaluation at a time: leases each source's samples to the workers and takes their losses
 * back. */
#pragma once
#include "base/err.h"
#include "coordinator/train/evaluation.h"

#include "control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;
struct evaluator;
struct trial;
struct liveness;

/* Which samples: a part of the validation text, in its own order or in that of a key (0: its own),
 * from first[source] on. */
struct window_set {
    Trireme__Part part;
    uint64_t key;
    const uint64_t *first; /* one a source, or NULL: 0 */
};

/* endpoint and liveness are borrowed. */
struct evaluator *evaluator_new(struct endpoint *endpoint, struct liveness *liveness,
                                int n_servers);
void evaluator_free(struct evaluator *evaluator);

/* Begins to evaluate a trial that rests; the trial is held until the end. evaluation says how many
 * samples of each source are read, and must exist until the end. Without any sample the evaluation
 * is over at once. */
void evaluator_begin(struct evaluator *evaluator, struct evaluation *evaluation, size_t n_sources,
                     struct trial *trial, const struct window_set *windows);
bool evaluator_busy(const struct evaluator *evaluator);

/* Ends the evaluation under way, if there is one, without its result. No other may begin after it.
 * incarnation: of this launch. */
void evaluator_abandon(struct evaluator *evaluator, uint64_t incarnation);
int evaluator_losses(struct evaluator *evaluator, int from, const Trireme__Losses *losses,
                     struct err *err);
