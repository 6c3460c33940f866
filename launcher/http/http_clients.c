#include "launcher/http/http_clients.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>
#include <sys/socket.h>

struct http_client {
    int fd; /* -1: the place is free */
    enum http_phase phase;
    double since; /* when it entered the phase */
    bool too_many;
};

struct http_clients {
    const struct http_limits *limits; /* borrowed */
    size_t n_places;
    struct http_client *places;
};

struct http_clients *http_clients_new(const struct http_limits *limits)
{
    struct http_clients *clients = mem_new(1, sizeof *clients);
    clients->limits = limits;
    clients->n_places = limits->connections + limits->spare;
    clients->places = mem_new(clients->n_places, sizeof *clients->places);
    for (size_t i = 0; i < clients->n_places; i++)
        clients->places[i].fd = -1;
    return clients;
}

void http_clients_free(struct http_clients *clients)
{
    if (clients)
        free(clients->places);
    free(clients);
}

/* The end of both ways: a read finds it, and nothing is sent any more. */
static void shut(struct http_client *client)
{
    shutdown(client->fd, SHUT_RDWR);
    client->phase = HTTP_SHUT;
}

/* The one that has waited longest for the head of a request; NULL: none for long enough. */
static struct http_client *oldest_idle(struct http_clients *clients, double now)
{
    struct http_client *oldest = NULL;
    for (size_t i = 0; i < clients->n_places; i++) {
        struct http_client *client = &clients->places[i];
        if (client->fd >= 0 && client->phase == HTTP_HEAD &&
            now - client->since > HTTP_YOUNG_SECONDS && (!oldest || client->since < oldest->since))
            oldest = client;
    }
    return oldest;
}

/* Those that are not being closed already. */
static size_t count(const struct http_clients *clients)
{
    size_t n = 0;
    for (size_t i = 0; i < clients->n_places; i++)
        n += clients->places[i].fd >= 0 && clients->places[i].phase != HTTP_SHUT;
    return n;
}

struct http_client *http_clients_add(struct http_clients *clients, int fd, double now)
{
    struct http_client *place = clients->places;
    const bool full = count(clients) >= clients->limits->connections;
    struct http_client *goes = full ? oldest_idle(clients, now) : NULL;
    if (goes)
        shut(goes);
    while (place < clients->places + clients->n_places && place->fd >= 0)
        place++;
    ASSERT(place < clients->places + clients->n_places); // the library's own limit is the same
    *place = (struct http_client){fd, HTTP_HEAD, now, full && !goes};
    return place;
}

void http_clients_remove(struct http_client *client)
{
    client->fd = -1;
}

int http_client_fd(const struct http_client *client)
{
    return client->fd;
}

bool http_client_is_too_many(const struct http_client *client)
{
    return client->too_many;
}

void http_client_enter(struct http_client *client, enum http_phase phase, double now)
{
    if (client->phase == HTTP_SHUT)
        return;
    client->phase = phase;
    client->since = now;
}

/* Seconds that it may be in its phase; negative: as long as it likes. */
static double bound_of(const struct http_clients *clients, const struct http_client *client)
{
    const struct http_limits *limits = clients->limits;
    switch (client->phase) {
    case HTTP_HEAD:
        return client->too_many ? HTTP_YOUNG_SECONDS : limits->request_seconds;
    case HTTP_BODY:
        return limits->request_seconds;
    case HTTP_REPLY:
        return limits->reply_seconds;
    case HTTP_CALL:
    case HTTP_SHUT:
        break;
    }
    return -1;
}

double http_clients_look(struct http_clients *clients, double now)
{
    double least = -1;
    for (size_t i = 0; i < clients->n_places; i++) {
        struct http_client *client = &clients->places[i];
        const double bound = client->fd >= 0 ? bound_of(clients, client) : -1;
        const double left = client->since + bound - now;
        if (bound >= 0 && left <= 0)
            shut(client);
        else if (bound >= 0 && (least < 0 || left < least))
            least = left;
    }
    return least;
}
