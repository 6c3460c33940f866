/* A server's or worker's connection to the coordinator: beats both ways, the end of the run,
 * faults.
 *
 * A rank that receives nothing from the coordinator for `patience` seconds fails. A rank that fails
 * tells the coordinator, which ends the run. All functions are local. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <signal.h>
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
    uint64_t work; /* grows while the rank makes progress: layers passed, messages handled */
    bool started;  /* START was received */
    bool over;     /* END was received */
    bool told;     /* the coordinator was told that this rank was asked to stop */
    const volatile sig_atomic_t *stop; /* not 0: it was; borrowed, may be NULL */
    uint32_t code; /* the run's exit code in END */
    const struct parcel *first; /* taken before what is polled next; borrowed; NULL: none */
};

enum {
    LINK_COORDINATOR = 0,
    LINK_START_PATIENCE = 3600 /* seconds until START: a large checkpoint is verified before */
};

void link_init(struct link *link, struct endpoint *endpoint);

/* Seconds from one beat to the next, on both sides: 1, or patience / 4 if patience is below 4. */
double link_beat_seconds(double patience);

/* Returns the run's exit code in an END message; ERR_MACHINE if it cannot be read. */
int link_end_code(const struct parcel *parcel);

/* Sends a beat when it is due (link_beat_seconds), or this rank was asked to stop. Fails with
 * ERR_MACHINE if the coordinator has been silent for longer than patience. To be called often. */
int link_keep(struct link *link, struct err *err);

/* Reads messages, up to a fixed number, then calls link_keep. Beats and END are handled here; the
 * rest goes to the role's table. Before START every other message is an error. Returns 1 if there
 * was a message, 0 if not, -1 on error. */
int link_read(struct link *link, const struct handler *table, size_t n, void *role,
              struct err *err);

/* Reads messages until START comes, which link_read would dispatch, and says who this rank is: a
 * server or a worker. Its parcel stays valid until the next poll, so that `first` of the role's
 * link can point to it. Returns 1, 0 if END came (over, code), -1 on error. */
int link_await_start(struct link *link, struct parcel *start, struct err *err);

/* ERR_MACHINE unless START's number of servers leaves a worker, and makes this rank what it takes
 * itself for. */
int link_check_start(const struct link *link, const Trireme__Start *start, bool server,
                     struct err *err);

/* To be called when START has been read: from now on the run's patience counts. */
void link_started(struct link *link, double patience);

/* Sends READY, with the host's name and the process number filled in. */
void link_ready(struct link *link, Trireme__Ready *ready);

/* Sends the error to the coordinator. */
void link_fault(struct link *link, const struct err *err);

/* Sends a line for the run's log. */
void link_note(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));
