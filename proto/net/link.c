#include "proto/net/link.h"

#include "base/clock.h"
#include "proto/net/endpoint.h"
#include "proto/net/idle.h"
#include "proto/schema/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { PARCELS_A_READ = 64 };

void link_init(struct link *link, struct endpoint *endpoint)
{
    double now = clock_now();
    *link = (struct link){
        .endpoint = endpoint, .patience = LINK_START_PATIENCE, .heard = now, .beaten = now};
}

double link_beat_seconds(double patience)
{
    return patience < 4 ? patience / 4 : 1;
}

int link_keep(struct link *link, struct err *err)
{
    double now = clock_now();
    const bool stop = link->stop && *link->stop;
    if ((now - link->beaten >= link_beat_seconds(link->patience) || (stop && !link->told)) &&
        !link->over) {
        Trireme__Beat beat = TRIREME__BEAT__INIT;
        beat.n = link->work;
        beat.has_stop = beat.stop = link->told = stop;
        endpoint_send(link->endpoint, LINK_COORDINATOR, TAG_BEAT, &beat);
        link->beaten = now;
    }
    if (now - link->heard > link->patience)
        return err_set(err, ERR_MACHINE, "rank %d: the coordinator has been silent for %.0f s",
                       link->endpoint->rank, now - link->heard);
    return 0;
}

int link_end_code(const struct parcel *parcel)
{
    struct err err;
    Trireme__End *end = endpoint_open(parcel, &err);
    int code = end ? (int)end->code : ERR_MACHINE;
    message_free(end);
    return code;
}

static int take(struct link *link, const struct parcel *parcel, const struct handler *table,
                size_t n, void *role, struct err *err)
{
    link->work += parcel->tag != TAG_BEAT;
    if (parcel->from == LINK_COORDINATOR)
        link->heard = clock_now();
    if (parcel->tag == TAG_BEAT)
        return 0;
    if (parcel->tag == TAG_END) {
        link->over = true;
        link->code = (uint32_t)link_end_code(parcel);
        return 0;
    }
    if (!link->started && parcel->tag != TAG_START)
        return err_set(err, ERR_MACHINE, "rank %d sent a message before the run was known",
                       parcel->from);
    return endpoint_dispatch(table, n, role, parcel, err);
}

int link_await_start(struct link *link, struct parcel *start, struct err *err)
{
    struct idle idle = {0};
    for (; link_keep(link, err) == 0; idle_wait(&idle)) {
        while (endpoint_poll(link->endpoint, start)) {
            idle_reset(&idle);
            if (start->tag == TAG_START)
                return 1;
            if (take(link, start, NULL, 0, NULL, err) < 0)
                return -1;
            if (link->over)
                return 0;
        }
    }
    return -1;
}

int link_check_start(const struct link *link, const Trireme__Start *start, bool server,
                     struct err *err)
{
    const struct endpoint *e = link->endpoint;
    const int64_t servers = start->servers;
    if (servers >= 1 && servers + 2 <= e->size && (e->rank <= servers) == server)
        return 0;
    return err_set(err, ERR_MACHINE,
                   "rank %d, a %s, was told of %lld servers of %d ranks: expected 1 to %d, which "
                   "follow rank 0",
                   e->rank, server ? "server" : "worker", (long long)servers, e->size, e->size - 2);
}

int link_read(struct link *link, const struct handler *table, size_t n, void *role, struct err *err)
{
    int any = link->first != NULL;
    struct parcel parcel;
    const struct parcel *first = link->first;
    link->first = NULL;
    if (first && take(link, first, table, n, role, err) < 0)
        return -1;
    for (int i = 0; i < PARCELS_A_READ && !link->over && endpoint_poll(link->endpoint, &parcel);
         i++) {
        any = 1;
        if (take(link, &parcel, table, n, role, err) < 0)
            return -1;
    }
    return link_keep(link, err) < 0 ? -1 : any;
}

void link_started(struct link *link, double patience)
{
    link->started = true;
    link->patience = patience;
}

void link_ready(struct link *link, Trireme__Ready *ready)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    ready->host = host;
    ready->pid = (uint64_t)getpid();
    endpoint_send(link->endpoint, LINK_COORDINATOR, TAG_READY, ready);
}

void link_fault(struct link *link, const struct err *err)
{
    Trireme__Fault fault = TRIREME__FAULT__INIT;
    fault.code = (uint32_t)err->code;
    fault.text = (char *)err->text;
    endpoint_send(link->endpoint, LINK_COORDINATOR, TAG_FAULT, &fault);
}

void link_note(struct link *link, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    Trireme__Note note = TRIREME__NOTE__INIT;
    note.text = text;
    endpoint_send(link->endpoint, LINK_COORDINATOR, TAG_NOTE, &note);
}
