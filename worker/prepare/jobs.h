/* The items of a list, worked at by several threads. */
#pragma once
#include "base/err.h"

#include <stddef.h>

/* job: number of the thread, below `jobs`; what belongs to it is used by nobody else meanwhile. */
typedef int (*jobs_work_fn)(void *context, size_t job, size_t item, struct err *err);

/* Calls `work` for the items 0 .. n-1 in up to `jobs` threads (at least one; the caller's is one of
 * them) and waits for all. Items begin in their order; after one has failed no further one begins.
 * Returns 0, or -1 with the error of the first item that failed: the same for any number of
 * threads, if an item's failure depends on the item alone. */
int jobs_run(size_t n, size_t jobs, jobs_work_fn work, void *context, struct err *err);
