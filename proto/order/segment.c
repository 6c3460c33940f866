#include "proto/order/segment.h"

#include "base/mem.h"
#include "proto/order/mixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct piece { /* one segment */
    uint64_t first_sample;
    uint64_t *cursors; /* (n_sources) */
    uint32_t parts;
    double *weights; /* (n_sources) */
    struct mixture *mixture;
    uint64_t phase; /* position in the mixture of the segment's first sample */
    uint64_t *base; /* (n_sources) what the mixture gives before it */
};

struct order {
    size_t n_sources, n_pieces;
    struct piece *pieces;
};

static Trireme__Segment *segment_new(uint64_t first_sample, const uint64_t *cursors,
                                     const struct order_change *change)
{
    const size_t n = change->n_sources;
    Trireme__Segment *segment = mem_new(1, sizeof *segment);
    trireme__segment__init(segment);
    segment->has_first_sample = true;
    segment->first_sample = first_sample;
    segment->n_cursors = segment->n_weights = n;
    segment->cursors = mem_new(n, sizeof *segment->cursors);
    segment->weights = mem_new(n, sizeof *segment->weights);
    memcpy(segment->cursors, cursors, n * sizeof *cursors);
    memcpy(segment->weights, change->weights, n * sizeof *change->weights);
    segment->has_parts = change->parts > 1;
    segment->parts = change->parts > 1 ? change->parts : 0;
    return segment;
}

static uint32_t parts_of(uint32_t parts)
{
    return parts ? parts : 1;
}

Trireme__Segment *order_first_segment(const struct order_change *first, struct err *err)
{
    struct mixture *mixture = mixture_new(first->weights, first->n_sources, err);
    if (!mixture)
        return NULL;
    uint64_t *cursors = mem_new(first->n_sources, sizeof *cursors);
    mixture_counts(mixture, cursors, first->skip);
    Trireme__Segment *segment = segment_new(0, cursors, first);
    free(cursors);
    mixture_free(mixture);
    return segment;
}

static int check_segment(const Trireme__Segment *const *segments, size_t i, struct err *err)
{
    const Trireme__Segment *segment = segments[i];
    if (i == 0 && segment->first_sample != 0)
        return err_set(err, ERR_DATA,
                       "data order: the first segment begins at sample %" PRIu64 ", expected 0",
                       segment->first_sample);
    if (i > 0 && segment->first_sample <= segments[i - 1]->first_sample)
        return err_set(err, ERR_DATA,
                       "data order: segment %zu begins at sample %" PRIu64
                       ", expected one after %" PRIu64,
                       i, segment->first_sample, segments[i - 1]->first_sample);
    if (segment->n_weights == 0)
        return err_set(err, ERR_DATA,
                       "data order: segment %zu has no sources, expected at least one", i);
    if (segment->n_weights != segments[0]->n_weights ||
        segment->n_cursors != segments[0]->n_weights)
        return err_set(
            err, ERR_DATA,
            "data order: segment %zu has %zu weights and %zu cursors, expected %zu of each", i,
            segment->n_weights, segment->n_cursors, segments[0]->n_weights);
    return 0;
}

static uint64_t sum_of(const uint64_t *counts, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += counts[i];
    return sum;
}

/* Returns the position in its mixture at which a segment begins: that of the segment before by
 * then, if it continues that mixture; else 0. */
static uint64_t phase_of(const struct order *order, const struct piece *piece)
{
    const uint64_t given = sum_of(piece->cursors, order->n_sources);
    if (order->n_pieces == 0)
        return given;
    const struct piece *before = &order->pieces[order->n_pieces - 1];
    const uint64_t given_before = sum_of(before->cursors, order->n_sources);
    return mixture_equal(before->mixture, piece->mixture) && before->parts == piece->parts &&
                   given >= given_before
               ? before->phase + given - given_before
               : 0;
}

static int add_piece(struct order *order, const Trireme__Segment *segment, struct err *err)
{
    const size_t n = order->n_sources;
    struct mixture *mixture = mixture_new(segment->weights, n, err);
    if (!mixture)
        return -1;
    struct piece piece = {.first_sample = segment->first_sample,
                          .cursors = mem_new(n, sizeof *piece.cursors),
                          .parts = parts_of(segment->parts),
                          .weights = mem_new(n, sizeof *piece.weights),
                          .mixture = mixture,
                          .base = mem_new(n, sizeof *piece.base)};
    memcpy(piece.cursors, segment->cursors, n * sizeof *piece.cursors);
    memcpy(piece.weights, segment->weights, n * sizeof *piece.weights);
    piece.phase = phase_of(order, &piece);
    mixture_counts(mixture, piece.base, piece.phase);
    order->pieces[order->n_pieces++] = piece;
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
    order->pieces = mem_new(n_segments, sizeof *order->pieces);
    for (size_t i = 0; i < n_segments; i++)
        if (check_segment(segments, i, err) < 0 || add_piece(order, segments[i], err) < 0) {
            order_free(order);
            return NULL;
        }
    return order;
}

void order_free(struct order *order)
{
    if (!order)
        return;
    for (size_t i = 0; i < order->n_pieces; i++) {
        free(order->pieces[i].cursors);
        free(order->pieces[i].base);
        free(order->pieces[i].weights);
        mixture_free(order->pieces[i].mixture);
    }
    free(order->pieces);
    free(order);
}

size_t order_sources(const struct order *order)
{
    return order->n_sources;
}

/* The last piece that begins at or before the sample. */
static const struct piece *piece_of(const struct order *order, uint64_t sample)
{
    size_t i = order->n_pieces - 1;
    while (order->pieces[i].first_sample > sample)
        i--;
    return &order->pieces[i];
}

struct order_place order_locate(struct order *order, uint64_t sample)
{
    const struct piece *piece = piece_of(order, sample);
    uint64_t before = 0;
    size_t source =
        mixture_source(piece->mixture, &before, piece->phase + (sample - piece->first_sample));
    uint64_t index = piece->cursors[source] + (before - piece->base[source]);
    return (struct order_place){.source = source,
                                .window = index / piece->parts,
                                .part = (uint32_t)(index % piece->parts),
                                .parts = piece->parts};
}

const double *order_weights(const struct order *order, uint64_t sample)
{
    return piece_of(order, sample)->weights;
}

uint32_t order_parts(const struct order *order, uint64_t sample)
{
    return piece_of(order, sample)->parts;
}

static void counts_in(const struct order *order, const struct piece *piece, uint64_t *counts,
                      uint64_t sample)
{
    mixture_counts(piece->mixture, counts, piece->phase + (sample - piece->first_sample));
    for (size_t i = 0; i < order->n_sources; i++)
        counts[i] = piece->cursors[i] + (counts[i] - piece->base[i]);
}

/* Converts counts of samples of one size into counts of another, rounded up. */
static void convert(uint64_t *counts, size_t n, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < n; i++)
        counts[i] = (uint64_t)(((unsigned __int128)counts[i] * to + from - 1) / from);
}

/* Whether the segment before the last one would continue at `sample` with these cursors, weights
 * and parts. */
static bool goes_on(const struct order *order, uint64_t sample, const uint64_t *cursors,
                    uint32_t parts, const struct mixture *mixture)
{
    if (order->n_pieces < 2)
        return false;
    const struct piece *before = &order->pieces[order->n_pieces - 2];
    if (before->parts != parts || !mixture_equal(before->mixture, mixture))
        return false;
    uint64_t *counts = mem_new(order->n_sources, sizeof *counts);
    counts_in(order, before, counts, sample);
    const bool same = !memcmp(counts, cursors, order->n_sources * sizeof *counts);
    free(counts);
    return same;
}

/* Puts a segment that begins at `sample` at the end of the list. */
static void put(Trireme__Segment ***segments, size_t *n_segments, struct order *order,
                uint64_t sample, const struct order_change *change, const struct mixture *mixture)
{
    const struct piece *last = &order->pieces[order->n_pieces - 1];
    const uint32_t parts = parts_of(change->parts);
    uint64_t *cursors = mem_new(order->n_sources, sizeof *cursors);
    counts_in(order, last, cursors, sample + change->skip);
    convert(cursors, order->n_sources, last->parts, parts);
    const bool dropped =
        sample == last->first_sample && goes_on(order, sample, cursors, parts, mixture);
    if (sample == last->first_sample)
        trireme__segment__free_unpacked((*segments)[--*n_segments], NULL);
    if (!dropped) {
        *segments = mem_resize(*segments, *n_segments + 1, sizeof **segments);
        (*segments)[(*n_segments)++] = segment_new(sample, cursors, change);
    }
    free(cursors);
}

int order_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                 const struct order_change *change, struct err *err)
{
    struct order *order = order_new((const Trireme__Segment *const *)*segments, *n_segments, err);
    if (!order)
        return -1;
    int rc = -1;
    struct mixture *mixture = NULL;
    const struct piece *last = &order->pieces[order->n_pieces - 1];
    if (change->n_sources != order->n_sources) {
        err_set(err, ERR_USAGE,
                "data.sources: found %zu sources, expected %zu as at the start of the trial",
                change->n_sources, order->n_sources);
        goto out;
    }
    if (sample < last->first_sample) {
        err_set(err, ERR_DATA,
                "data order: it changes at sample %" PRIu64 ", expected no change before %" PRIu64,
                sample, last->first_sample);
        goto out;
    }
    mixture = mixture_new(change->weights, change->n_sources, err);
    if (!mixture)
        goto out;
    rc = 0;
    if (change->skip || parts_of(change->parts) != last->parts ||
        !mixture_equal(mixture, last->mixture))
        put(segments, n_segments, order, sample, change, mixture);
out:
    mixture_free(mixture);
    order_free(order);
    return rc;
}
