/* The order in which proposals have their turn. A new one comes last; one that replaces another has
 * its place; people and planners say otherwise. Who is open is tried on before all who are in the
 * queue, and among these the rule chooses by what they are; where it does not care, this order
 * counts. Entries are meant by their places in the history. Pure. */
#pragma once
#include <stddef.h>

struct history;

/* Adds the newest entry, in the place of entry `replaces`, or last, where there is none such. */
void turns_add(struct history *history, size_t replaces);

/* Puts these n entries, each once, first, in this order; those of a planner (by: actor.h) behind
 * each person's that is in the queue and stood before one of them. */
void turns_order(struct history *history, const size_t *entries, size_t n, const char *by);
