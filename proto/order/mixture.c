#include "proto/order/mixture.h"

#include "base/check.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t WHOLE = (int64_t)1 << 32; /* what all shares add up to */
static const uint64_t MARK_EVERY = 65536; /* samples from one remembered position to the next */
enum { NO_CHOICE = -1 };

/* The state of a walk: all samples before `position` are given out. */
struct walk {
    uint64_t position;
    uint64_t *counts; /* (n) samples given */
    int64_t *lags; /* (n) share * position - period * counts: how far behind its share, in units of
                      1/period */
};

struct mixture {
    size_t n, n_positive;
    int64_t *shares; /* (n) they add up to period and have no common divisor */
    int64_t period;  /* after so many samples all lags are zero again */
    struct walk now;
    long choice;          /* source of sample now.position; NO_CHOICE: not computed yet */
    struct walk marks[2]; /* earlier positions of this walk, the newer one first */
};

/* Scales weights to integers of 60 bits relative to the largest. Returns 1, or 0 on error (invalid
 * weights). */
static uint64_t scale_weights(uint64_t *scaled, const double *weights, size_t n, struct err *err)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0) || !isfinite(weights[i])) {
            err_set(err, ERR_USAGE, "weight of source %zu: found %g, expected a number from 0 up",
                    i, weights[i]);
            return 0;
        }
        largest = fmax(largest, weights[i]);
    }
    if (largest <= 0) {
        err_set(err, ERR_USAGE, "the weights of all %zu sources are zero, expected one above zero",
                n);
        return 0;
    }
    int exponent;
    frexp(largest, &exponent);
    for (size_t i = 0; i < n; i++)
        scaled[i] = (uint64_t)ldexp(weights[i], 60 - exponent);
    return 1;
}

/* Rounds shares so that they add up to WHOLE: floors, and one more for the largest remainders. */
static void round_shares(int64_t *shares, const uint64_t *scaled, size_t n)
{
    unsigned __int128 sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += scaled[i];
    unsigned __int128 *remainders = mem_new(n, sizeof *remainders);
    int64_t left = WHOLE;
    for (size_t i = 0; i < n; i++) {
        unsigned __int128 product = (unsigned __int128)scaled[i] << 32;
        shares[i] = (int64_t)(product / sum);
        remainders[i] = product % sum;
        left -= shares[i];
    }
    // the remainders add up to left * sum, each below sum: there are enough of them
    for (; left > 0; left--) {
        size_t largest = 0;
        for (size_t i = 1; i < n; i++)
            if (remainders[i] > remainders[largest])
                largest = i;
        shares[largest]++;
        remainders[largest] = 0;
    }
    free(remainders);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void walk_init(struct walk *walk, size_t n)
{
    *walk = (struct walk){.counts = mem_new(n, sizeof *walk->counts),
                          .lags = mem_new(n, sizeof *walk->lags)};
}

static void walk_copy(struct walk *to, const struct walk *from, size_t n)
{
    to->position = from->position;
    memcpy(to->counts, from->counts, n * sizeof *to->counts);
    memcpy(to->lags, from->lags, n * sizeof *to->lags);
}

static void walk_restart(struct walk *walk, size_t n)
{
    walk->position = 0;
    memset(walk->counts, 0, n * sizeof *walk->counts);
    memset(walk->lags, 0, n * sizeof *walk->lags);
}

static void walk_clear(struct walk *walk)
{
    free(walk->counts);
    free(walk->lags);
}

struct mixture *mixture_new(const double *weights, size_t n, struct err *err)
{
    uint64_t *scaled = mem_new(n, sizeof *scaled);
    if (!scale_weights(scaled, weights, n, err)) {
        free(scaled);
        return NULL;
    }
    struct mixture *mixture = mem_new(1, sizeof *mixture);
    mixture->n = n;
    mixture->shares = mem_new(n, sizeof *mixture->shares);
    round_shares(mixture->shares, scaled, n);
    free(scaled);
    int64_t divisor = WHOLE;
    for (size_t i = 0; i < n; i++)
        divisor = common_divisor(divisor, mixture->shares[i]);
    for (size_t i = 0; i < n; i++) {
        mixture->shares[i] /= divisor;
        mixture->n_positive += mixture->shares[i] > 0;
    }
    mixture->period = WHOLE / divisor;
    mixture->choice = NO_CHOICE;
    walk_init(&mixture->now, n);
    walk_init(&mixture->marks[0], n);
    walk_init(&mixture->marks[1], n);
    return mixture;
}

void mixture_free(struct mixture *mixture)
{
    if (!mixture)
        return;
    walk_clear(&mixture->now);
    walk_clear(&mixture->marks[0]);
    walk_clear(&mixture->marks[1]);
    free(mixture->shares);
    free(mixture);
}

/* Tijdeman's choice for the sample at now.position; all terms are multiplied by period * (2k - 2).
 */
static long choose(const struct mixture *mixture)
{
    const int64_t slack = 2 * (int64_t)mixture->n_positive - 2, period = mixture->period;
    long best = NO_CHOICE;
    int64_t best_room = 0;
    for (size_t i = 0; i < mixture->n; i++) {
        const int64_t share = mixture->shares[i], due = mixture->now.lags[i] + share;
        if (share == 0 || slack * due < period)
            continue;
        const int64_t room = period * (slack - 1) - slack * due;
        if (best == NO_CHOICE ||
            (__int128)room * mixture->shares[best] < (__int128)best_room * share) {
            best = (long)i;
            best_room = room;
        }
    }
    // what is due adds up to period, so at least one source has period/k >= period/(2k-2)
    ASSERT(best != NO_CHOICE);
    return best;
}

/* With one source there is nothing to choose, and 2k - 2 is zero. */
static long choose_only(const struct mixture *mixture)
{
    size_t i = 0;
    while (mixture->shares[i] == 0)
        i++;
    return (long)i;
}

static long choice(struct mixture *mixture)
{
    if (mixture->choice == NO_CHOICE)
        mixture->choice = mixture->n_positive == 1 ? choose_only(mixture) : choose(mixture);
    return mixture->choice;
}

static void step(struct mixture *mixture)
{
    struct walk *now = &mixture->now;
    const long chosen = choice(mixture);
    for (size_t i = 0; i < mixture->n; i++)
        now->lags[i] += mixture->shares[i];
    now->lags[chosen] -= mixture->period;
    now->counts[chosen]++;
    now->position++;
    mixture->choice = NO_CHOICE;
    if (now->position % MARK_EVERY == 0 && now->position > mixture->marks[0].position) {
        walk_copy(&mixture->marks[1], &mixture->marks[0], mixture->n);
        walk_copy(&mixture->marks[0], now, mixture->n);
    }
}

/* Moves the walk to p, a position within the period. */
static void seek(struct mixture *mixture, uint64_t p)
{
    if (p < mixture->now.position) {
        mixture->choice = NO_CHOICE;
        if (p >= mixture->marks[0].position) {
            walk_copy(&mixture->now, &mixture->marks[0], mixture->n);
        } else if (p >= mixture->marks[1].position) {
            walk_copy(&mixture->now, &mixture->marks[1], mixture->n);
        } else {
            walk_restart(&mixture->now, mixture->n);
            walk_restart(&mixture->marks[0], mixture->n);
            walk_restart(&mixture->marks[1], mixture->n);
        }
    }
    while (mixture->now.position < p)
        step(mixture);
}

size_t mixture_source(struct mixture *mixture, uint64_t *before, uint64_t p)
{
    const uint64_t period = (uint64_t)mixture->period;
    seek(mixture, p % period);
    const long chosen = choice(mixture);
    *before = p / period * (uint64_t)mixture->shares[chosen] + mixture->now.counts[chosen];
    return (size_t)chosen;
}

void mixture_counts(struct mixture *mixture, uint64_t *counts, uint64_t p)
{
    const uint64_t period = (uint64_t)mixture->period;
    seek(mixture, p % period);
    for (size_t i = 0; i < mixture->n; i++)
        counts[i] = p / period * (uint64_t)mixture->shares[i] + mixture->now.counts[i];
}

bool mixture_equal(const struct mixture *a, const struct mixture *b)
{
    return a->n == b->n && a->period == b->period &&
           !memcmp(a->shares, b->shares, a->n * sizeof *a->shares);
}
