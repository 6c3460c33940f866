#include "proto/net/local_transport.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct letter {
    struct letter *next;
    int from, tag;
    bool bulk;
    size_t size;
    _Alignas(64) char bytes[];
};

struct local_hub;

struct local_endpoint {
    struct endpoint base;
    struct local_hub *hub; /* shared by its endpoints, freed with the last one */
    struct letter *first, **last, *delivered;
    int n_bulk;
};

struct local_hub {
    int n, open, room;
    struct local_endpoint *endpoints[];
};

static void local_send(struct endpoint *endpoint, int to, int tag, const void *head,
                       size_t head_size, const void *body, size_t body_size, bool bulk)
{
    struct local_hub *hub = ((struct local_endpoint *)endpoint)->hub;
    ASSERT(to >= 0 && to < hub->n);
    struct local_endpoint *target = hub->endpoints[to];
    if (!target)
        return; // that rank has freed its endpoint
    size_t bytes = (sizeof(struct letter) + head_size + body_size + 63) / 64 * 64;
    struct letter *letter = aligned_alloc(64, bytes);
    ASSERT(letter);
    *letter = (struct letter){
        .from = endpoint->rank, .tag = tag, .bulk = bulk, .size = head_size + body_size};
    if (head_size)
        memcpy(letter->bytes, head, head_size);
    if (body_size)
        memcpy(letter->bytes + head_size, body, body_size);
    *target->last = letter;
    target->last = &letter->next;
    target->n_bulk += bulk;
}

static bool local_room(struct endpoint *endpoint, int to)
{
    struct local_hub *hub = ((struct local_endpoint *)endpoint)->hub;
    return !hub->endpoints[to] || hub->endpoints[to]->n_bulk < hub->room;
}

static bool local_poll(struct endpoint *endpoint, struct parcel *parcel)
{
    struct local_endpoint *e = (struct local_endpoint *)endpoint;
    free(e->delivered);
    struct letter *letter = e->delivered = e->first;
    if (!letter)
        return false;
    e->first = letter->next;
    if (!e->first)
        e->last = &e->first;
    e->n_bulk -= letter->bulk;
    *parcel = (struct parcel){
        .from = letter->from, .tag = letter->tag, .bytes = letter->bytes, .size = letter->size};
    return true;
}

static void local_free(struct endpoint *endpoint)
{
    struct local_endpoint *e = (struct local_endpoint *)endpoint;
    struct local_hub *hub = e->hub;
    struct parcel rest;
    while (local_poll(endpoint, &rest)) {
    }
    hub->endpoints[endpoint->rank] = NULL;
    free(e);
    if (--hub->open == 0)
        free(hub);
}

static const struct endpoint_ops local_ops = {
    .send = local_send, .room = local_room, .poll = local_poll, .free = local_free};

void local_transport_open(struct endpoint **endpoints, int n, int room)
{
    struct local_hub *hub = mem_new(1, sizeof *hub + (size_t)n * sizeof *hub->endpoints);
    hub->n = hub->open = n;
    hub->room = room;
    for (int i = 0; i < n; i++) {
        struct local_endpoint *e = mem_new(1, sizeof *e);
        e->base = (struct endpoint){.ops = &local_ops, .rank = i, .size = n};
        e->hub = hub;
        e->last = &e->first;
        hub->endpoints[i] = e;
        endpoints[i] = &e->base;
    }
}
