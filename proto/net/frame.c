#include "proto/net/frame.h"

const struct frame *frame_open(const void *bytes, size_t size, struct err *err)
{
    const struct frame *frame = bytes;
    if (size < sizeof *frame || frame->magic != FRAME_MAGIC) {
        err_set(err, ERR_MACHINE, "a frame of %zu bytes has no header: are all ranks of one build?",
                size);
        return NULL;
    }
    if (frame->dtype != FRAME_FP32 || (size - sizeof *frame) % sizeof(float) ||
        frame->count != (size - sizeof *frame) / sizeof(float)) {
        err_set(
            err, ERR_MACHINE, "frame of block %llu: found %zu bytes for %llu numbers of type %u",
            (unsigned long long)frame->block, size, (unsigned long long)frame->count, frame->dtype);
        return NULL;
    }
    return frame;
}
