#include "proto/net/endpoint.h"

#include "base/check.h"
#include "proto/net/frame.h"
#include "proto/schema/message.h"

#include <stdlib.h>

void endpoint_send(struct endpoint *endpoint, int to, enum tag tag, const void *message)
{
    const ProtobufCMessage *m = message;
    ASSERT(m->descriptor == tag_type(tag));
    size_t size = 0;
    unsigned char *bytes = message_pack(m, &size);
    endpoint->ops->send(endpoint, to, tag, bytes, size, NULL, 0, false);
    free(bytes);
}

bool endpoint_room(struct endpoint *endpoint, int to)
{
    return endpoint->ops->room(endpoint, to);
}

void endpoint_send_frame(struct endpoint *endpoint, int to, enum tag tag,
                         const struct frame *header, const float *numbers)
{
    ASSERT(endpoint_room(endpoint, to));
    endpoint->ops->send(endpoint, to, tag, header, sizeof *header, numbers,
                        header->count * sizeof *numbers, true);
}

bool endpoint_poll(struct endpoint *endpoint, struct parcel *parcel)
{
    return endpoint->ops->poll(endpoint, parcel);
}

void endpoint_free(struct endpoint *endpoint)
{
    if (endpoint)
        endpoint->ops->free(endpoint);
}

void *endpoint_open(const struct parcel *parcel, struct err *err)
{
    void *message = message_unpack(tag_type(parcel->tag), parcel->bytes, parcel->size, err);
    if (!message)
        err_set(err, ERR_MACHINE,
                "rank %d: a message '%s' of %zu bytes cannot be read: are all ranks of one build?",
                parcel->from, tag_name(parcel->tag), parcel->size);
    return message;
}

static int dispatch_control(const struct handler *row, void *role, const struct parcel *parcel,
                            struct err *err)
{
    void *message = endpoint_open(parcel, err);
    int rc = message ? row->on_message(role, parcel->from, message, err) : -1;
    message_free(message);
    return rc;
}

int endpoint_dispatch(const struct handler *table, size_t n, void *role,
                      const struct parcel *parcel, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if ((int)table[i].tag != parcel->tag)
            continue;
        if (tag_type(parcel->tag))
            return dispatch_control(&table[i], role, parcel, err);
        const struct frame *frame = frame_open(parcel->bytes, parcel->size, err);
        return frame ? table[i].on_message(role, parcel->from, frame, err) : -1;
    }
    return err_set(err, ERR_MACHINE, "rank %d sent a message '%s' that this rank has no use for",
                   parcel->from, tag_name(parcel->tag));
}
