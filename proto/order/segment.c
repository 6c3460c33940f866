#include "proto/order/segment.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/order/mixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct part { /* one segment */
    uint64_t first_sample;
    uint64_t *cursors; /* (n_sources) */
    struct mixture *mixture;
};

struct order {
    size_t n_sources, n_parts;
    struct part *parts;
};

static Trireme__Segment *segment_new(uint64_t first_sample, const uint64_t *cursors, const double *weights, size_t n)
{
    Trireme__Segment *segment = mem_new(1, sizeof *segment);
    trireme__segment__init(segment);
    segment->has_first_sample = true;
    segment->first_sample = first_sample;
    segment->n_cursors = segment->n_weights = n;
    segment->cursors = mem_new(n, sizeof *segment->cursors);
    segment->weights = mem_new(n, sizeof *segment->weights);
    if (cursors)
        memcpy(segment->cursors, cursors, n * sizeof *cursors);
    memcpy(segment->weights, weights, n * sizeof *weights);
    return segment;
}

Trireme__Segment *order_first_segment(const double *weights, size_t n_sources)
{
    return segment_new(0, NULL, weights, n_sources);
}

static int check_segment(const Trireme__Segment *const *segments, size_t i, struct err *err)
{
    const Trireme__Segment *segment = segments[i];
    if (i == 0 && segment->first_sample != 0)
        return err_set(err, ERR_DATA, "data order: the first segment begins at sample %" PRIu64 ", expected 0",
                       segment->first_sample);
    if (i > 0 && segment->first_sample <= segments[i - 1]->first_sample)
        return err_set(err, ERR_DATA,
                       "data order: segment %zu begins at sample %" PRIu64 ", expected one after %" PRIu64, i,
                       segment->first_sample, segments[i - 1]->first_sample);
    if (segment->n_weights == 0)
        return err_set(err, ERR_DATA, "data order: segment %zu has no sources, expected at least one", i);
    if (segment->n_weights != segments[0]->n_weights || segment->n_cursors != segments[0]->n_weights)
        return err_set(err, ERR_DATA, "data order: segment %zu has %zu weights and %zu cursors, expected %zu of each",
                       i, segment->n_weights, segment->n_cursors, segments[0]->n_weights);
    return 0;
}

struct order *order_new(const Trireme__Segment *const *segments, size_t n_segments, struct err *err)
{
    if (n_segments == 0) {
        err_set(err, ERR_DATA, "data order: found no segment, expected at least one");
        return NULL;
    }
    struct order *order = mem_new(1, sizeof *order);
    order->n_sources = segments[0]->n_weights;
    order->parts = mem_new(n_segments, sizeof *order->parts);
    for (size_t i = 0; i < n_segments; i++) {
        if (check_segment(segments, i, err) < 0)
            goto fail;
        struct mixture *mixture = mixture_new(segments[i]->weights, order->n_sources, err);
        if (!mixture)
            goto fail;
        uint64_t *cursors = mem_new(order->n_sources, sizeof *cursors);
        memcpy(cursors, segments[i]->cursors, order->n_sources * sizeof *cursors);
        order->parts[order->n_parts++] =
            (struct part){.first_sample = segments[i]->first_sample, .cursors = cursors, .mixture = mixture};
    }
    return order;
fail:
    order_free(order);
    return NULL;
}

void order_free(struct order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->n_parts; i++) {
        free(order->parts[i].cursors);
        mixture_free(order->parts[i].mixture);
    }
    free(order->parts);
    free(order);
}

size_t order_sources(const struct order *order)
{
    return order->n_sources;
}

/* The last part that begins at or before the sample. */
static const struct part *part_of(const struct order *order, uint64_t sample)
{
    size_t i = order->n_parts - 1;
    while (order->parts[i].first_sample > sample)
        i--;
    return &order->parts[i];
}

struct order_place order_locate(struct order *order, uint64_t sample)
{
    const struct part *part = part_of(order, sample);
    uint64_t before = 0;
    size_t source = mixture_source(part->mixture, &before, sample - part->first_sample);
    return (struct order_place){.source = source, .index = part->cursors[source] + before};
}

void order_counts(struct order *order, uint64_t *counts, uint64_t sample)
{
    const struct part *part = part_of(order, sample);
    mixture_counts(part->mixture, counts, sample - part->first_sample);
    for (size_t i = 0; i < order->n_sources; i++)
        counts[i] += part->cursors[i];
}

static void append(Trireme__Segment ***segments, size_t *n_segments, Trireme__Segment *segment)
{
    *segments = mem_resize(*segments, *n_segments + 1, sizeof **segments);
    (*segments)[(*n_segments)++] = segment;
}

int order_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample, const double *weights,
                 size_t n_sources, struct err *err)
{
    struct order *order = order_new((const Trireme__Segment *const *)*segments, *n_segments, err);
    if (!order)
        return -1;
    int rc = -1;
    struct mixture *mixture = NULL;
    Trireme__Segment *last = (*segments)[*n_segments - 1];
    if (n_sources != order->n_sources) {
        err_set(err, ERR_USAGE, "data.sources: found %zu sources, expected %zu as at the start of the trial",
                n_sources, order->n_sources);
        goto out;
    }
    if (sample < last->first_sample) {
        err_set(err, ERR_DATA, "data order: weights change at sample %" PRIu64 ", expected none before %" PRIu64,
                sample, last->first_sample);
        goto out;
    }
    mixture = mixture_new(weights, n_sources, err);
    if (!mixture)
        goto out;
    rc = 0;
    if (mixture_equal(mixture, order->parts[order->n_parts - 1].mixture))
        goto out;
    if (sample > last->first_sample) {
        uint64_t *counts = mem_new(n_sources, sizeof *counts);
        order_counts(order, counts, sample);
        append(segments, n_segments, segment_new(sample, counts, weights, n_sources));
        free(counts);
    } else if (order->n_parts > 1 && mixture_equal(mixture, order->parts[order->n_parts - 2].mixture)) {
        trireme__segment__free_unpacked(last, NULL);
        (*n_segments)--;
    } else {
        memcpy(last->weights, weights, n_sources * sizeof *weights);
    }
out:
    mixture_free(mixture);
    order_free(order);
    return rc;
}
