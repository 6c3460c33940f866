/* The order of a trial: a short list of segments, each {first sample, samples that each source had
 * given by then, weights from then on, parts}. A checkpoint needs to hold nothing else of the data
 * order: with the seed and the files, the list gives every sample of the trial, on any number of
 * ranks.
 *
 * A source is read window by window of the model's whole context, and each window is cut into
 * `parts` samples. A source's own samples are numbered through all segments, in samples of the
 * segment's size: sample i is part i % parts of window i / parts. So a change of weights neither
 * repeats nor skips any. Where the parts change from p to q, a source that had given c samples
 * continues with its sample ceil(c * q / p): no token is read twice, and less than one new sample
 * is skipped, none where p divides c * q.
 *
 * Within a segment the mixture counts from the segment's first sample, except after skipped
 * samples. Skipping samples appends a segment with the weights and parts of the one before it. Such
 * a segment continues the mixture of that one, ahead by as many samples as the sources have given
 * between the two: it reads exactly what would have come that many samples later. A first segment
 * with skipped samples starts its mixture after them. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* The order from a given sample on. */
struct order_change {
    const double *weights; /* (n_sources), borrowed */
    size_t n_sources;
    uint64_t skip;  /* samples of the current order that are skipped at this point */
    uint32_t parts; /* samples that a window is cut into; 0: 1 */
};

/* Returns the segment that a trial begins with. Freed by message_free. Fails with ERR_USAGE for
 * invalid weights. */
Trireme__Segment *order_first_segment(const struct order_change *first, struct err *err);

/* Changes the order from `sample` on: appends a segment to the list (*segments is reallocated). If
 * the last segment begins at that sample, none of it has been read: it is replaced, with cursors as
 * after `skip` of its samples, or removed if the segment before it would continue in the same way.
 * Equal shares, no skip and equal parts change nothing. On error the list is unchanged: ERR_USAGE
 * for invalid weights or another number of sources, ERR_DATA for an invalid list (order_new) or one
 * whose last segment begins after `sample`. */
int order_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                 const struct order_change *change, struct err *err);

struct order_place {
    size_t source;
    uint64_t window; /* among the source's own, from the start of the trial: it grows through all
                        epochs */
    uint32_t part;   /* of the window, below parts */
    uint32_t parts;
};

/* A list of segments with remembered positions (mixture.h says what moving costs). Not for two
 * threads at once. Copies what it needs. Freed by order_free. Fails with ERR_DATA if the list is
 * empty or not in order or its segments disagree about the number of sources, with ERR_USAGE for
 * invalid weights. */
struct order;
struct order *order_new(const Trireme__Segment *const *segments, size_t n_segments,
                        struct err *err);
void order_free(struct order *order);

size_t order_sources(const struct order *order);
struct order_place order_locate(struct order *order, uint64_t sample);

/* Weights of the sources at `sample`; borrowed, (order_sources). */
const double *order_weights(const struct order *order, uint64_t sample);

/* Parts of a window at `sample`. */
uint32_t order_parts(const struct order *order, uint64_t sample);
