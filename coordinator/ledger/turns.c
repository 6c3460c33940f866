#include "coordinator/ledger/turns.h"

#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Place of a number among n; n: it is not there. */
static size_t place_of(const uint32_t *numbers, size_t n, uint32_t number)
{
    size_t i = 0;
    while (i < n && numbers[i] != number)
        i++;
    return i;
}

void turns_add(struct history *h, uint32_t number, uint32_t replaces)
{
    const size_t before = h->n - 1; // that are there
    h->turns = mem_grow(h->turns, before, &h->turns_room, sizeof *h->turns);
    const size_t at = replaces ? place_of(h->turns, before, replaces) : before;
    memmove(h->turns + at + 1, h->turns + at, (before - at) * sizeof *h->turns);
    h->turns[at] = number;
}

/* How many of the first turns stay before a planner's numbers. */
static size_t behind_persons(const struct history *h, const uint32_t *numbers, size_t n)
{
    size_t last = 0, behind = 0;
    for (size_t i = 0; i < h->n; i++)
        if (place_of(numbers, n, h->turns[i]) < n)
            last = i;
    for (size_t i = 0; i < last; i++) {
        const struct entry *e = history_entry(h, h->turns[i]);
        if (entry_is_in_queue(e) && actor_is_person(e->by))
            behind = i + 1;
    }
    return behind;
}

/* Appends a number to the turns that are there, once. */
static void append(uint32_t *turns, size_t *n, uint32_t number)
{
    if (place_of(turns, *n, number) == *n)
        turns[(*n)++] = number;
}

void turns_order(struct history *h, const uint32_t *numbers, size_t n, const char *by)
{
    const size_t first = actor_is_person(by) ? 0 : behind_persons(h, numbers, n);
    uint32_t *turns = mem_new(h->n + 1, sizeof *turns);
    size_t n_turns = 0;
    for (size_t i = 0; i < first; i++)
        if (place_of(numbers, n, h->turns[i]) == n)
            append(turns, &n_turns, h->turns[i]);
    for (size_t i = 0; i < n; i++)
        if (history_entry(h, numbers[i]))
            append(turns, &n_turns, numbers[i]);
    for (size_t i = 0; i < h->n; i++)
        append(turns, &n_turns, h->turns[i]);
    memcpy(h->turns, turns, h->n * sizeof *turns);
    free(turns);
}

int turns_check(const struct history *h, const uint32_t *numbers, size_t n, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_USAGE, "found no number, expected those of proposals in the queue");
    for (size_t i = 0; i < n; i++) {
        if (history_check_order(h, numbers[i], TRIREME__ORDER__queue, err) < 0)
            return -1;
        if (place_of(numbers, i, numbers[i]) < i)
            return err_set(err, ERR_USAGE, "found proposal %u twice, expected each once",
                           numbers[i]);
    }
    return 0;
}
