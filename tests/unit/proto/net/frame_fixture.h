/* A frame that lies where a transport would put it, for tests that damage its bytes. */
#pragma once
#include "tests/unit/support.h"

#include "proto/net/frame.h"

static _Alignas(64) unsigned char frame_bytes[64 + 5 * 4 + 8]; /* room for 5 numbers and more */

/* Makes frame_bytes a good frame of so many numbers, whose values stay as they were. */
static inline struct frame *frame_fixture(uint64_t count)
{
    struct frame *frame = (struct frame *)(void *)frame_bytes;
    *frame = (struct frame){.magic = FRAME_MAGIC, .dtype = FRAME_FP32, .block = 3, .count = count};
    return frame;
}
