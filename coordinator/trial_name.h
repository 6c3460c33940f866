/* Names of trials other than the trunk, in metrics.jsonl and for people: "h3.1" is the fork of pair
 * 1 of hypothesis 3, "r3.1" that of a reverse pair, "h3.1-tail" its tail, "trunk-tail.400.20" the
 * trunk's tail of 20 steps at step 400. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;

/* Fresh text. */
char *trial_name_fork(uint32_t number, bool reverse, size_t pair);
char *trial_name_fork_tail(const char *fork);
char *trial_name_trunk_tail(uint64_t step, uint64_t steps);

/* Whether what a trial of that name did belongs to a pair that the history knows the end of. What
 * another one left in metrics.jsonl is cut off at the start of a launch: that pair will be run
 * again. */
bool trial_name_is_over(const struct history *history, const char *name);
