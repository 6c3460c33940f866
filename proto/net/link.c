#include "proto/net/link.h"

#include "base/clock.h"
#include "proto/net/endpoint.h"

#include "control.pb-c.h"

#include <stdarg.h>
#include <stdio.h>

void link_init(struct link *link, struct endpoint *endpoint)
{
    double now = clock_now();
    *link = (struct link){.endpoint = endpoint, .patience = LINK_START_PATIENCE, .heard = now, .beaten = now};
}

double link_beat_seconds(double patience)
{
    return patience < 4 ? patience / 4 : 1;
}

int link_keep(struct link *link, struct err *err)
{
    double now = clock_now();
    if (now - link->beaten >= link_beat_seconds(link->patience) && !link->over) {
        Trireme__Beat beat = TRIREME__BEAT__INIT;
        beat.has_n = 1, beat.n = link->work;
        endpoint_send(link->endpoint, LINK_COORDINATOR, TAG_BEAT, &beat);
        link->beaten = now;
    }
    if (now - link->heard > link->patience)
        return err_set(err, ERR_MACHINE, "rank %d: the coordinator has been silent for %.0f s", link->endpoint->rank,
                       now - link->heard);
    return 0;
}

void link_heard(struct link *link, const struct parcel *parcel)
{
    link->work += parcel->tag != TAG_BEAT;
    if (parcel->from == LINK_COORDINATOR)
        link->heard = clock_now();
}

void link_end(struct link *link, uint32_t code)
{
    link->over = true;
    link->code = code;
}

void link_fault(struct link *link, const struct err *err)
{
    Trireme__Fault fault = TRIREME__FAULT__INIT;
    fault.has_code = 1, fault.code = (uint32_t)err->code;
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
