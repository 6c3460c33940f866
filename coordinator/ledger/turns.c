#include "coordinator/ledger/turns.h"

#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Place of an entry among n; n: it is not there. */
static size_t place_of(const size_t *entries, size_t n, size_t entry)
{
    size_t i = 0;
    while (i < n && entries[i] != entry)
        i++;
    return i;
}

void turns_add(struct history *h, size_t replaces)
{
    const size_t newest = h->n - 1; // and so many are there
    h->turns = mem_grow(h->turns, newest, &h->turns_room, sizeof *h->turns);
    const size_t at = place_of(h->turns, newest, replaces);
    memmove(h->turns + at + 1, h->turns + at, (newest - at) * sizeof *h->turns);
    h->turns[at] = newest;
}

/* How many of the first turns stay before a planner's. */
static size_t behind_persons(const struct history *h, const size_t *entries, size_t n)
{
    size_t last = 0, behind = 0;
    for (size_t i = 0; i < h->n; i++)
        if (place_of(entries, n, h->turns[i]) < n)
            last = i;
    for (size_t i = 0; i < last; i++) {
        const struct entry *e = &h->entries[h->turns[i]];
        if (entry_is_in_queue(e) && actor_is_person(e->by))
            behind = i + 1;
    }
    return behind;
}

void turns_order(struct history *h, const size_t *entries, size_t n, const char *by)
{
    const size_t first = actor_is_person(by) ? 0 : behind_persons(h, entries, n);
    size_t *turns = mem_new(h->n, sizeof *turns), n_turns = 0;
    for (size_t i = 0; i < h->n + 1; i++) {
        if (i == first)
            for (size_t k = 0; k < n; k++)
                turns[n_turns++] = entries[k];
        if (i < h->n && place_of(entries, n, h->turns[i]) == n)
            turns[n_turns++] = h->turns[i];
    }
    memcpy(h->turns, turns, h->n * sizeof *turns);
    free(turns);
}
