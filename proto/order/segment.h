/* The order of a trial: a short list of segments, each {first sample, samples that each source had
 * given by then, weights from then on, parts}. It is all that a checkpoint must hold of the data
 * order; with the seed and the files it says what every sample of the trial is, on any number of
 * ranks.
 *
 * A source is read window by window of the model's whole context, and each window is cut into
 * `parts` samples. A source's own samples are numbered through all segments, in samples of the
 * segment's size: sample i is part i % parts of window i / parts. So a change of weights neither
 * repeats nor skips any. Where the parts change from p to q, a source that had given c samples goes
 * on with its sample ceil(c * q / p): no token is read twice, and less than one new sample is
 * passed over, none where p divides c * q.
 *
 * Within a segment the mixture counts from the segment's first sample. A segment with the weights
 * and parts of the one before it, as passing over samples makes it, goes on in the other's mixture,
 * as many samples on as the sources have given between the two (so does a first segment with
 * samples passed over): what it reads is exactly what would have come so many samples later. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* What the order is to be from a sample on. */
struct order_change {
    const double *weights; /* (n_sources), borrowed */
    size_t n_sources;
    uint64_t skip;  /* samples of the order in force that are passed over at this point */
    uint32_t parts; /* samples that a window is cut into; 0: 1 */
};

/* The segment that a trial begins with. Fresh; freed as any message. NULL with a sentence
 * (ERR_USAGE) for weights that are none. */
Trireme__Segment *order_first_segment(const struct order_change *first, struct err *err);

/* From `sample` on the order is another one: appends a segment to the list (*segments grows as by
 * realloc). Where the last one begins at that sample, nothing of it has been read: it is replaced,
 * its cursors as after `skip` of its samples, and dropped if that is what the segment before it
 * would go on with. Equal shares, no skip and equal parts change nothing. Error, the list as it
 * was: ERR_USAGE for weights that are none or for another number of sources, ERR_DATA for a list
 * that is none (order_new) or that goes beyond `sample`. */
int order_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                 const struct order_change *change, struct err *err);

struct order_place {
    size_t source;
    uint64_t window; /* among the source's own, from the start of the trial: it grows through all
                        epochs */
    uint32_t part;   /* of the window, below parts */
    uint32_t parts;
};

/* A list of segments with remembered positions (mixture.h says what moving costs). Not to be used
 * by two threads at once. Keeps its own copy. NULL with a sentence: ERR_DATA for an empty or
 * unordered list or one that disagrees about the number of sources, ERR_USAGE for weights that are
 * none. */
struct order;
struct order *order_new(const Trireme__Segment *const *segments, size_t n_segments,
                        struct err *err);
void order_free(struct order *order);

size_t order_sources(const struct order *order);
struct order_place order_locate(struct order *order, uint64_t sample);

/* Parts of a window at `sample`. */
uint32_t order_parts(const struct order *order, uint64_t sample);
