/* Recorded pairs under the null (tests/campaigns/nulls.py), and walks through them. Pairs of one
 * stretch stay together and stretches in their order, so that what a trunk's luck has in common
 * stays. */
#pragma once
#include "base/check.h"
#include "base/random.h"
#include "coordinator/gate/posterior.h"
#include "coordinator/gate/stretch.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BANK_ARMS = 5, BANK_STRETCHES = 1024, BANK_CAMPAIGNS = 64 };

/* Gains of arms against the trunk, in nats; their mean over the whole bank is taken off, since it
 * is 0 by design and luck in so few campaigns. */
struct bank {
    struct recorded {
        struct stretch stretch;
        double x[BANK_ARMS], u[BANK_ARMS];
    } stretches[BANK_STRETCHES];
    size_t n;
    size_t first[BANK_CAMPAIGNS + 1]; /* of each campaign; and the end of the last */
    size_t n_campaigns;
    double mean, deviation; /* of x, as recorded; of its mean, with a campaign as the unit */
};

static inline bool bank_number(double *number, const char *line, const char *key)
{
    const char *at = strstr(line, key);
    if (at)
        *number = strtod(at + strlen(key), NULL);
    return at;
}

static inline bool bank_list(double list[BANK_ARMS], const char *line, const char *key)
{
    const char *at = strstr(line, key);
    char *end = NULL;
    if (!at)
        return false;
    at += strlen(key);
    for (unsigned i = 0; i < BANK_ARMS; i++, at = end + 1) {
        list[i] = strtod(at, &end);
        if (end == at || *end != (i + 1 < BANK_ARMS ? ',' : ']') || !isfinite(list[i]))
            return false;
    }
    return true;
}

static inline void bank_center(struct bank *bank)
{
    double squares = 0;
    for (size_t i = 0; i < bank->n; i++)
        for (unsigned a = 0; a < BANK_ARMS; a++)
            bank->mean += bank->stretches[i].x[a] / (double)(bank->n * BANK_ARMS);
    for (size_t c = 0; c < bank->n_campaigns; c++) {
        double sum = 0;
        for (size_t i = bank->first[c]; i < bank->first[c + 1]; i++)
            for (unsigned a = 0; a < BANK_ARMS; a++)
                sum += bank->stretches[i].x[a] -= bank->mean;
        squares += sum * sum;
    }
    bank->deviation = sqrt(squares) / (double)(bank->n * BANK_ARMS);
}

/* Reads a file with a stretch a line. False: it is not there, or not whole. */
static inline bool bank_read(struct bank *bank, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4096];
    double campaign = -1, next, step, horizon, tail, windows;
    memset(bank, 0, sizeof *bank);
    while (file && fgets(line, sizeof line, file)) {
        if (!bank_number(&next, line, "{\"campaign\": "))
            continue;
        struct recorded *r = &bank->stretches[bank->n];
        if (bank->n == BANK_STRETCHES || !bank_number(&step, line, "\"step\": ") ||
            !bank_number(&horizon, line, "\"horizon\": ") ||
            !bank_number(&tail, line, "\"tail\": ") ||
            !bank_number(&windows, line, "\"windows\": ") || !bank_list(r->x, line, "\"x\": [") ||
            !bank_list(r->u, line, "\"u\": [")) {
            bank->n = 0;
            break;
        }
        r->stretch =
            (struct stretch){(uint64_t)step, (uint64_t)horizon, (uint64_t)tail, (uint32_t)windows};
        if (next != campaign) {
            ASSERT(bank->n_campaigns < BANK_CAMPAIGNS);
            bank->first[bank->n_campaigns++] = bank->n;
        }
        campaign = next;
        bank->first[bank->n_campaigns] = ++bank->n;
    }
    if (file)
        fclose(file);
    if (bank->n > 0)
        bank_center(bank);
    return bank->n > 0;
}

/* A way through one campaign, from any of its stretches on and round; its arms in any order. */
struct walk {
    const struct bank *bank;
    uint64_t key, next; /* random numbers */
    size_t campaign, at, left;
    unsigned arms[BANK_ARMS];
};

static inline size_t walk_below(struct walk *walk, size_t n)
{
    return (size_t)(random_uniform(walk->key, walk->next++) * (double)n);
}

static inline void walk_begin(struct walk *walk)
{
    const struct bank *bank = walk->bank;
    walk->campaign = walk_below(walk, bank->n_campaigns);
    walk->left = bank->first[walk->campaign + 1] - bank->first[walk->campaign];
    walk->at = bank->first[walk->campaign] + walk_below(walk, walk->left);
    for (unsigned i = 0; i < BANK_ARMS; i++) {
        const size_t j = walk_below(walk, i + 1);
        walk->arms[i] = walk->arms[j];
        walk->arms[j] = i;
    }
}

/* The stretch that it stands at; the pair of an arm in it. sign: 1 forward, -1 reverse. */
static inline const struct stretch *walk_stretch(const struct walk *walk)
{
    return &walk->bank->stretches[walk->at].stretch;
}

static inline struct gain walk_pair(const struct walk *walk, unsigned arm, int sign, double margin)
{
    const struct recorded *r = &walk->bank->stretches[walk->at];
    const unsigned a = walk->arms[arm];
    return (struct gain){sign * r->x[a] - margin, r->u[a], r->stretch.windows};
}

/* To the next one. */
static inline void walk_on(struct walk *walk)
{
    if (++walk->at == walk->bank->first[walk->campaign + 1])
        walk->at = walk->bank->first[walk->campaign];
    walk->left -= walk->left > 0;
}
