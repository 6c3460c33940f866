#include "worker/data/split.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static const double SHARES[SPLIT_PARTS] = {
    [SPLIT_DEV] = 0.2, [SPLIT_GATE] = 0.5, [SPLIT_SEALED] = 0.3};

struct rank {
    uint64_t hash;
    size_t unit;
};

static int compare_ranks(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

/* Returns the units in the order of their hashes. The caller frees them. */
static struct rank *rank_units(const struct split_unit *units, size_t n)
{
    struct rank *ranks = mem_new(n, sizeof *ranks);
    for (size_t i = 0; i < n; i++)
        ranks[i] = (struct rank){.hash = units[i].hash, .unit = i};
    qsort(ranks, n, sizeof *ranks, compare_ranks);
    return ranks;
}

struct split_unit *split_blocks(size_t *n, uint64_t tokens, uint64_t key)
{
    *n = tokens < SPLIT_BLOCK ? 1 : tokens / SPLIT_BLOCK;
    struct split_unit *units = mem_new(*n, sizeof *units);
    for (size_t i = 0; i < *n; i++)
        units[i] = (struct split_unit){.tokens = SPLIT_BLOCK, .hash = random_u64(key, i)};
    units[*n - 1].tokens = tokens - (*n - 1) * SPLIT_BLOCK;
    return units;
}

/* Gives a unit to the part that is filled least for its share. */
static void give(struct split_unit *unit, uint64_t filled[SPLIT_PARTS])
{
    enum split_part least = SPLIT_DEV;
    for (enum split_part part = SPLIT_GATE; part < SPLIT_PARTS; part++)
        if ((double)filled[part] / SHARES[part] < (double)filled[least] / SHARES[least])
            least = part;
    unit->part = least;
    filled[least] += unit->tokens;
}

uint64_t split_choose(struct split_unit *units, size_t n, double target)
{
    ASSERT(n >= 1 && target > 0);
    double total = 0, eligible = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)units[i].tokens;
    const double largest = fmax(target / 2, total / (double)n);
    for (size_t i = 0; i < n; i++)
        eligible += (double)units[i].tokens <= largest ? (double)units[i].tokens : 0;
    if (eligible < total)
        target = fmin(target, fmax(target / total, 0.5) * eligible);
    struct rank *ranks = rank_units(units, n);
    uint64_t filled[SPLIT_PARTS] = {0}, taken = 0;
    struct split_unit *spare = NULL; // taken where no unit is small enough for the target
    for (size_t i = 0; i < n; i++) {
        struct split_unit *unit = &units[ranks[i].unit];
        const double tokens = (double)unit->tokens;
        unit->part = SPLIT_TRAIN;
        if (tokens > largest)
            continue;
        spare = spare ? spare : unit;
        if (tokens <= 2 * (target - (double)taken) && (double)taken + tokens < total) {
            give(unit, filled);
            taken += unit->tokens;
        }
    }
    if (taken == 0) {
        give(spare, filled);
        taken = spare->tokens;
    }
    free(ranks);
    return taken;
}

void split_parts(struct split_unit *units, size_t n)
{
    struct rank *ranks = rank_units(units, n);
    uint64_t filled[SPLIT_PARTS] = {0};
    for (size_t i = 0; i < n; i++)
        give(&units[ranks[i].unit], filled);
    free(ranks);
}
