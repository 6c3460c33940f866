/* An endpoint: one rank's place among the ranks. Messages of one sender arrive in the order in
 * which they were sent.
 *
 * Nothing here waits. Control messages are small and always taken; bulk frames are copied into one
 * of a few flights, and where none is free endpoint_room says so: the sender keeps its place, looks
 * at its own mail and comes back. So two ranks that send to each other cannot stop each other. Two
 * transports stand behind it: mpi_transport.h, and local_transport.h, which runs all ranks in one
 * thread. All functions are local. */
#pragma once
#include "base/err.h"
#include "proto/net/tag.h"

#include <stdbool.h>
#include <stddef.h>

struct frame;
struct endpoint;

/* What arrived; the bytes are borrowed until the next poll. */
struct parcel {
    int from;
    int tag;
    const void *bytes;
    size_t size;
};

struct endpoint_ops {
    /* Queues two pieces as one message. bulk says that it counts against the room. */
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

/* Sends a control message of the tag's type. A field is set if it differs from its default or its
 * flag says so (proto/schema/walk.h): lease.step = 5 is enough. Required fields must be there. */
void endpoint_send(struct endpoint *endpoint, int to, enum tag tag, const void *message);

/* Whether a bulk frame to that rank can be sent now. */
bool endpoint_room(struct endpoint *endpoint, int to);

/* Sends header->count numbers behind the header; asserts room. Both are copied. */
void endpoint_send_frame(struct endpoint *endpoint, int to, enum tag tag,
                         const struct frame *header, const float *numbers);

/* Takes the next message, if there is one. */
bool endpoint_poll(struct endpoint *endpoint, struct parcel *parcel);

/* A control message that arrived, as message_unpack makes it: submessages that were absent are made.
 * Freed by message_free; NULL with the sentence (ERR_MACHINE) where the bytes are none of its tag.
 */
void *endpoint_open(const struct parcel *parcel, struct err *err);

void endpoint_free(struct endpoint *endpoint); /* accepts NULL */

/* A role's mail: one row a tag. message is the control message, or the struct frame of a bulk tag;
 * borrowed. */
typedef int (*handler_fn)(void *role, int from, const void *message, struct err *err);
struct handler {
    enum tag tag;
    handler_fn on_message;
};

/* Opens a parcel and hands it to the role's handler. A tag without a row, or bytes that are no such
 * message, are errors. */
int endpoint_dispatch(const struct handler *table, size_t n, void *role,
                      const struct parcel *parcel, struct err *err);
