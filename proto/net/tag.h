/* Tags: one for each kind of message, and the schema's type of each control message. */
#pragma once
#include <protobuf-c/protobuf-c.h>

enum tag {
    TAG_START = 1,
    TAG_READY,
    TAG_LEASE,
    TAG_LOSSES,
    TAG_PULL,
    TAG_NORMS,
    TAG_STEP_DECISION,
    TAG_COMMITTED,
    TAG_SAVE,
    TAG_SAVED,
    TAG_FAULT,
    TAG_NOTE,
    TAG_END,
    TAG_BEAT,
    TAG_FORK,
    TAG_FORKED,
    TAG_DROP,
    TAG_READ_WHOLE,
    TAG_WAS_READ,
    TAG_HELLO,
    TAG_ABANDON,
    TAG_PUSH,    /* bulk: worker to server, a partial sum of a block's gradient */
    TAG_WEIGHTS, /* bulk: server to worker, a block's weights */
};

/* The type of a control message. NULL for bulk tags and for numbers that are no tag. */
const ProtobufCMessageDescriptor *tag_type(int tag);
const char *tag_name(int tag);
