/* The leases that a worker has not begun, the oldest first. */
#pragma once
#include "control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lease_queue {
    Trireme__Lease *leases; /* those from `first` on wait; a lease holds no pointers of its own */
    size_t first, n, room;
};

bool lease_queue_empty(const struct lease_queue *queue);
void lease_queue_put(struct lease_queue *queue, const Trireme__Lease *lease);

/* Takes the oldest lease. The queue must not be empty. */
void lease_queue_take(struct lease_queue *queue, Trireme__Lease *lease);

/* Removes the leases of a trial; those to evaluate, of any trial. */
void lease_queue_drop(struct lease_queue *queue, uint32_t trial);
void lease_queue_drop_evaluations(struct lease_queue *queue);

void lease_queue_clear(struct lease_queue *queue);
