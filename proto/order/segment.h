/* The order of a trial: a short list of segments, each {first sample, samples that each source had given by then,
 * weights from then on}. It is all that a checkpoint must hold of the data order; with the seed and the files it says
 * what every sample of the trial is, on any number of ranks.
 *
 * The first segment begins at sample 0. Within a segment the mixture counts from the segment's first sample; a
 * source's own samples are numbered through all segments, so a change of weights neither repeats nor skips any. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* The segment that a trial begins with. Fresh; freed as any message. */
Trireme__Segment *order_first_segment(const double *weights, size_t n_sources);

/* From `sample` on the sources have new weights: appends a segment to the list (*segments grows as by realloc), or
 * gives the last one new weights if it begins there, and drops it if they are those of the segment before. Equal
 * shares change nothing. Error, the list as it was: ERR_USAGE for weights that are none or for another number of
 * sources, ERR_DATA for a list that is none (order_new) or that goes beyond `sample`. */
int order_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample, const double *weights,
                 size_t n_sources, struct err *err);

struct order_place {
    size_t source;
    uint64_t index; /* of the sample among the source's own, from the start of the trial */
};

/* A list of segments with remembered positions (mixture.h says what moving costs). Not to be used by two threads at
 * once. Keeps its own copy. NULL with a sentence: ERR_DATA for an empty or unordered list or one that disagrees about
 * the number of sources, ERR_USAGE for weights that are none. */
struct order;
struct order *order_new(const Trireme__Segment *const *segments, size_t n_segments, struct err *err);
void order_free(struct order *order);

size_t order_sources(const struct order *order);
struct order_place order_locate(struct order *order, uint64_t sample);

/* Samples that each source has given before `sample`. */
void order_counts(struct order *order, uint64_t *counts, uint64_t sample);
