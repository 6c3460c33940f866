/* The order in which proposals have their turn. A new one comes last; one that replaces another has
 * its place; people and planners say otherwise. Who is open is tried on before all who are in the
 * queue, and among these the rule chooses by what they are; where it does not care, this order
 * counts. Pure. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct history;

/* Adds the number of a new entry, in the place of `replaces`, or last (0, or there is none). The
 * entry is in the history already. */
void turns_add(struct history *history, uint32_t number, uint32_t replaces);

/* Puts these numbers first, in this order; those of a planner (by: actor.h) behind each person's
 * that is in the queue and stood before one of them. Numbers that there are not, or that are there
 * twice, are passed over. */
void turns_order(struct history *history, const uint32_t *numbers, size_t n, const char *by);

/* ERR_USAGE with a sentence if they are not all there once and in the queue. */
int turns_check(const struct history *history, const uint32_t *numbers, size_t n, struct err *err);
