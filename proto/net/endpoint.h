/* An endpoint: one rank's access to the other ranks. Messages of one sender arrive in the order in
 * which they were sent.
 *
 * Nothing here waits. Control messages are small and always accepted. Bulk frames are copied into
 * one of a few flights (send buffers); endpoint_room says whether one is free. If none is, the
 * sender remembers its place, reads its own mail and tries again later, so two ranks that send to
 * each other cannot block each other. There are two transports: mpi_transport.h, and
 * local_transport.h, which runs all ranks in one thread. All functions are local. */
#pragma once
#include "base/err.h"
#include "proto/net/tag.h"

#include <stdbool.h>
#include <stddef.h>

struct frame;
struct endpoint;

/* A message that arrived. The bytes are borrowed until the next poll. */
struct parcel {
    int from;
    int tag;
    const void *bytes;
    size_t size;
};

struct endpoint_ops {
    /* Queues two pieces as one message. bulk: it counts against the room. */
    void (*send)(struct endpoint *, int to, int tag, const void *head, size_t head_size,
                 const void *body, size_t body_size, bool bulk);
    bool (*room)(struct endpoint *, int to);
    bool (*poll)(struct endpoint *, struct parcel *);
    void (*free)(struct endpoint *);
};

struct endpoint { /* the first member of each transport's own struct */
    const struct endpoint_ops *ops;
    int rank, size;
};

/* Sends a control message of the tag's type, packed by message_pack. A field is set if it differs
 * from its default or its flag is on (proto/schema/walk.h): lease.step = 5 is enough. Asserts that
 * required fields are set. */
void endpoint_send(struct endpoint *endpoint, int to, enum tag tag, const void *message);

/* Whether a bulk frame to that rank can be sent now. */
bool endpoint_room(struct endpoint *endpoint, int to);

/* Sends the header and header->count numbers after it. Both are copied. Asserts endpoint_room. */
void endpoint_send_frame(struct endpoint *endpoint, int to, enum tag tag,
                         const struct frame *header, const float *numbers);

/* Takes the next message. False if there is none. */
bool endpoint_poll(struct endpoint *endpoint, struct parcel *parcel);

/* Unpacks a control message that arrived (message_unpack): submessages that were absent are made.
 * Freed by message_free. Fails with ERR_MACHINE if the bytes are no message of the tag's type. */
void *endpoint_open(const struct parcel *parcel, struct err *err);

void endpoint_free(struct endpoint *endpoint); /* accepts NULL */

/* The message handlers of a role: one row per tag. message is the control message, or the struct
 * frame of a bulk tag; borrowed. */
typedef int (*handler_fn)(void *role, int from, const void *message, struct err *err);
struct handler {
    enum tag tag;
    handler_fn on_message;
};

/* Opens a parcel and calls the role's handler for its tag. Fails with ERR_MACHINE if the tag has no
 * row or the bytes are no such message, and as the handler fails. */
int endpoint_dispatch(const struct handler *table, size_t n, void *role,
                      const struct parcel *parcel, struct err *err);
