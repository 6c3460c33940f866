/* Evaluations under way, one at a time: leases each source's samples to the workers and takes their
 * losses back. */
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

/* Which samples: of a part of the validation text, in its order or in that of a key (0: none), from
 * first[source] on. */
struct window_set {
    Trireme__Part part;
    uint64_t key;
    const uint64_t *first; /* one a source, or NULL: 0 */
};

/* Borrowed: endpoint, liveness. */
struct evaluator *evaluator_new(struct endpoint *endpoint, struct liveness *liveness,
                                int n_servers);
void evaluator_free(struct evaluator *evaluator);

/* Begins to evaluate a trial that rests; evaluation says how many samples of each source, and must
 * live until it is over. One that has none is over at once. */
void evaluator_begin(struct evaluator *evaluator, struct evaluation *evaluation, size_t n_sources,
                     struct trial *trial, const struct window_set *windows);
bool evaluator_busy(const struct evaluator *evaluator);
int evaluator_losses(struct evaluator *evaluator, int from, const Trireme__Losses *losses,
                     struct err *err);
