/* The change that a note is about. Pure. */
#pragma once
#include "ledger.pb-c.h"
#include "memory.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct memory_recipe {
    Trireme__Replacement **list; /* owned */
    size_t n;
};
void memory_recipe_clear(struct memory_recipe *recipe);

/* A change with the values before it. config: with the names of sources, by which their paths are
 * written, since another run may have them in another order. */
struct memory_recipe memory_recipe_of(const Trireme__Config *config, Trireme__Change *const *before,
                                      Trireme__Change *const *after, size_t n);

/* Whether two are the same change from the same values, in any order; numbers are equal in single
 * precision, in which weights are updated. Empty ones are not. */
bool memory_recipe_same(Trireme__Replacement *const *a, size_t n_a, Trireme__Replacement *const *b,
                        size_t n_b);

/* "optimizer.lr 4e-4 -> 4e-3, ...", fresh. */
char *memory_recipe_text(Trireme__Replacement *const *recipe, size_t n);

/* "adopted (screening)", "claimed", "taken back", ... A constant. */
const char *memory_outcome_word(Trireme__MemoryNote__Outcome outcome);
