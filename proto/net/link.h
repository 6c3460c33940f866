/* A server's or worker's line to the coordinator: signs of life both ways, the end, and faults.
 *
 * A rank that hears nothing from the coordinator for `patience` seconds fails; one that fails tells
 * the coordinator, which ends the run. All functions are local. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;
struct parcel;
struct handler;

struct link {
    struct endpoint *endpoint; /* borrowed */
    double patience;           /* seconds */
    double heard,
        beaten;    /* clock_now() of the last message from the coordinator and of our last beat */
    uint64_t work; /* grows while the rank gets on: layers passed, messages handled */
    bool started;  /* START came */
    bool over;     /* the coordinator said END */
    uint32_t code; /* with this exit code of the run */
};

enum {
    LINK_COORDINATOR = 0,
    LINK_START_PATIENCE = 3600 /* seconds until START: a large checkpoint is verified before */
};

void link_init(struct link *link, struct endpoint *endpoint);

/* Seconds from one beat to the next, on both sides: one, or less where patience is so short that
 * one would not do. */
double link_beat_seconds(double patience);

/* The run's exit code in an END; ERR_MACHINE where it cannot be read. */
int link_end_code(const struct parcel *parcel);

/* Beats (link_beat_seconds); fails (ERR_MACHINE) when the coordinator has been silent for too long.
 * To be called often. */
int link_keep(struct link *link, struct err *err);

/* Reads mail, up to a bound, and keeps the link. Beats and the end are the link's own; the rest
 * goes to the role's table, and before START nothing but START is taken. Returns 1 if there was
 * mail, 0 if not, -1 on error. */
int link_read(struct link *link, const struct handler *table, size_t n, void *role,
              struct err *err);

/* START has been understood: from now on the run's patience counts. */
void link_started(struct link *link, double patience);

/* Sends READY, with host and process filled in. */
void link_ready(struct link *link, Trireme__Ready *ready);

/* Tells the coordinator what went wrong. */
void link_fault(struct link *link, const struct err *err);

/* A line for the run's log. */
void link_note(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
