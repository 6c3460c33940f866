#include "worker/lease_queue.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

bool lease_queue_empty(const struct lease_queue *queue)
{
    return queue->first == queue->n;
}

void lease_queue_put(struct lease_queue *queue, const Trireme__Lease *lease)
{
    queue->leases = mem_grow(queue->leases, queue->n, &queue->room, sizeof *queue->leases);
    queue->leases[queue->n++] = *lease;
}

void lease_queue_take(struct lease_queue *queue, Trireme__Lease *lease)
{
    ASSERT(!lease_queue_empty(queue));
    *lease = queue->leases[queue->first++];
    if (lease_queue_empty(queue))
        queue->first = queue->n = 0;
}

void lease_queue_drop(struct lease_queue *queue, uint32_t trial)
{
    size_t n = queue->first;
    for (size_t i = queue->first; i < queue->n; i++)
        if (queue->leases[i].trial != trial)
            queue->leases[n++] = queue->leases[i];
    queue->n = n;
}

void lease_queue_drop_evaluations(struct lease_queue *queue)
{
    size_t n = queue->first;
    for (size_t i = queue->first; i < queue->n; i++)
        if (queue->leases[i].leaves)
            queue->leases[n++] = queue->leases[i];
    queue->n = n;
}

void lease_queue_clear(struct lease_queue *queue)
{
    free(queue->leases);
    *queue = (struct lease_queue){0};
}
