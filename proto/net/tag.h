/* What a message is: one tag for each, and for the control messages their type in the schema. */
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
    TAG_PUSH,    /* bulk: worker to server, a partial sum of a block's gradient */
    TAG_WEIGHTS, /* bulk: server to worker, a block's weights */
};

/* The control message's type; NULL for bulk and for numbers that are no tag. */
const ProtobufCMessageDescriptor *tag_type(int tag);
const char *tag_name(int tag);
