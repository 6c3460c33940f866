#include "worker/data/split.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

#include <math.h>
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

/* A hash as a number in [0, 1). */
static double place_of(uint64_t hash)
{
    return (double)(hash >> 11) * 0x1p-53;
}

uint64_t split_hash(struct digest digest)
{
    uint32_t words[4];
    random_block(words, digest_key(0, "split"), digest.low, digest.high);
    return (uint64_t)words[1] << 32 | words[0];
}

static enum split_part part_of(uint64_t hash)
{
    double place = random_uniform(hash, 0);
    enum split_part part = SPLIT_DEV;
    while (part < SPLIT_SEALED && place >= SHARES[part])
        place -= SHARES[part++];
    return part;
}

struct filling {
    size_t units[SPLIT_PARTS];
    double val, total; /* tokens */
};

static struct filling fill_of(const struct split_unit *units, size_t n)
{
    struct filling filling = {0};
    for (size_t i = 0; i < n; i++) {
        filling.units[units[i].part]++;
        filling.total += (double)units[i].tokens;
        filling.val += units[i].part == SPLIT_TRAIN ? 0 : (double)units[i].tokens;
    }
    return filling;
}

/* The first unit of the lowest hash in a part, of at most `largest` tokens; NULL: there is none. */
static struct split_unit *lowest_in(struct split_unit *units, size_t n, enum split_part part,
                                    double largest)
{
    struct split_unit *lowest = NULL;
    for (size_t i = 0; i < n; i++)
        if (units[i].part == part && (double)units[i].tokens <= largest &&
            (!lowest || units[i].hash < lowest->hash))
            lowest = &units[i];
    return lowest;
}

/* A unit for a part that has none; NULL: there is none to spare. */
static struct split_unit *spare_unit(struct split_unit *units, size_t n, enum split_part empty,
                                     double share)
{
    const struct filling filling = fill_of(units, n);
    const double room = 2 * share * filling.total - filling.val;
    const double largest = filling.val > 0 ? room : fmax(room, filling.total / (double)n);
    struct split_unit *unit =
        filling.units[SPLIT_TRAIN] > 1 ? lowest_in(units, n, SPLIT_TRAIN, largest) : NULL;
    enum split_part most = SPLIT_DEV;
    for (enum split_part part = SPLIT_GATE; part < SPLIT_PARTS; part++)
        most = filling.units[part] > filling.units[most] ? part : most;
    if (!unit && filling.units[most] > (empty == SPLIT_DEV ? 0 : 1))
        unit = lowest_in(units, n, most, HUGE_VAL);
    return unit;
}

size_t split_choose(struct split_unit *units, size_t n, double share)
{
    ASSERT(n >= 2 && share > 0 && share < 1);
    size_t highest = 0, moved = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t hash = units[i].hash;
        units[i].part = place_of(hash) < share ? part_of(hash) : SPLIT_TRAIN;
        highest = hash > units[highest].hash ? i : highest;
    }
    struct filling filling = fill_of(units, n);
    if (filling.units[SPLIT_TRAIN] == 0) {
        units[highest].part = SPLIT_TRAIN;
        moved++;
    }
    for (enum split_part part = SPLIT_DEV; part < SPLIT_PARTS; part++) {
        filling = fill_of(units, n);
        struct split_unit *unit =
            filling.units[part] == 0 ? spare_unit(units, n, part, share) : NULL;
        if (!unit)
            continue;
        unit->part = part;
        moved++;
    }
    return moved;
}

void split_parts(struct split_unit *units, size_t n)
{
    struct rank *ranks = rank_units(units, n);
    uint64_t filled[SPLIT_PARTS] = {0};
    for (size_t i = 0; i < n; i++)
        give(&units[ranks[i].unit], filled);
    free(ranks);
}
