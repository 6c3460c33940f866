/* A bulk frame: a fixed header, then the numbers of one block.
 *
 * byte  0  u32  magic        0x4d525254 ("TRRM")
 *       4  u32  dtype        1: 32-bit floats
 *       8  u64  incarnation  of the launch that sent it
 *      16  u64  step         updates done before the step whose gradient it is, or in the weights
 *      24  u64  block        index in the layout
 *      32  u32  trial
 *      36  u32  zero
 *      40  u32  node_first   first leaf of the partial sum (push)
 *      44  u32  node_count   its leaves (push)
 *      48  u64  count        numbers that follow the header
 *      56  u64  zero
 * Little-endian, as every machine that Trireme runs on. The header's size keeps the numbers on a
 * 64-byte boundary. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAGIC = 0x4d525254, FRAME_FP32 = 1 };

struct frame {
    uint32_t magic, dtype;
    uint64_t incarnation, step, block;
    uint32_t trial, zero32, node_first, node_count;
    uint64_t count, zero64;
    float numbers[];
};
_Static_assert(sizeof(struct frame) == 64, "the header is 64 bytes on every machine");
_Static_assert(offsetof(struct frame, numbers) == 64, "numbers follow the header");

/* Returns the frame in received bytes, which stay the caller's. Fails with ERR_MACHINE if they are
 * no frame. */
const struct frame *frame_open(const void *bytes, size_t size, struct err *err);
