/* One evaluation: collects the losses of fixed samples of each source, in any order, and adds them
 * in sample order. So the result does not depend on the number of workers. `trireme eval` uses it
 * too. Pure. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a source before it is evaluated. */
struct eval_source {
    char *name;           /* owned by whoever made it */
    uint64_t samples;     /* in its dev part; 0: it is left out */
    uint64_t val_tokens;  /* in all its parts */
    uint64_t dev_longest; /* tokens of the longest range of its dev part */
};

struct evaluation;

/* Evaluates the first `samples` samples of each source, or all that it has. tokens: of one sample.
 * sources is borrowed. */
struct evaluation *evaluation_new(const struct eval_source *sources, size_t n_sources,
                                  uint64_t samples, size_t tokens);
void evaluation_free(struct evaluation *evaluation);
void evaluation_begin(struct evaluation *evaluation);

/* Number of samples of a source that are read; 0 if it has none. */
uint64_t evaluation_samples(const struct evaluation *evaluation, size_t source);

/* Adds the losses of n samples of a source, each summed over its tokens, and the bytes of text that
 * each one's targets stand for; bytes NULL: that is not known. ERR_MACHINE if they were not asked
 * for or were added before. */
int evaluation_add_sums(struct evaluation *evaluation, size_t source, uint64_t first,
                        const double *sums, const uint64_t *bytes, size_t n, struct err *err);
bool evaluation_complete(const struct evaluation *evaluation);

/* The losses of a source's samples, each summed over its tokens, in sample order. Only when
 * complete. Borrowed until the next begin. */
const double *evaluation_sums(const struct evaluation *evaluation, size_t source);

/* Whether any source has samples to read. */
bool evaluation_possible(const struct evaluation *evaluation);

/* Bytes of text that a token of a source's targets stands for, in the mean of the samples that were
 * read; 0: not known. Only when complete. */
double evaluation_bytes_per_token(const struct evaluation *evaluation, size_t source);

/* Makes the line of metrics.jsonl: mean loss a token over all samples, bits per byte if the bytes
 * of every source are known, and each source's loss. The caller frees it with message_free. */
Trireme__EvalLine *evaluation_line(const struct evaluation *evaluation, uint64_t step);
