/* One evaluation: the losses of fixed samples of each source, collected from the workers in
 * whatever order, added in the order of the samples; so its result does not depend on the number of
 * workers. Also used where there are none (`trireme eval`). Pure. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a source before. */
struct eval_source {
    char *name;             /* owned by whoever made it */
    uint64_t samples;       /* in its dev part; 0: it is left out */
    double bytes_per_token; /* 0: not known */
};

struct evaluation;

/* Of the first `samples` samples of each source, or as many as it has. tokens: of one sample.
 * Borrowed: sources. */
struct evaluation *evaluation_new(const struct eval_source *sources, size_t n_sources,
                                  uint64_t samples, size_t tokens);
void evaluation_free(struct evaluation *evaluation);
void evaluation_begin(struct evaluation *evaluation);

/* Samples of a source that are read; 0 for one that has none. */
uint64_t evaluation_samples(const struct evaluation *evaluation, size_t source);
int evaluation_add_sums(struct evaluation *evaluation, size_t source, uint64_t first,
                        const double *sums, size_t n, struct err *err);
bool evaluation_complete(const struct evaluation *evaluation);

/* The losses of a source's samples, each summed over its tokens, in order; when complete. Borrowed
 * until the next begin. */
const double *evaluation_sums(const struct evaluation *evaluation, size_t source);

/* Whether any source has something to evaluate. */
bool evaluation_possible(const struct evaluation *evaluation);

/* The line of metrics.jsonl: mean loss per token over all samples read, bits per byte where every
 * source's bytes are known, and each source's loss. A fresh message, freed by message_free. */
Trireme__EvalLine *evaluation_line(const struct evaluation *evaluation, uint64_t step);
