#include "ps/sync.h"

static enum sync_answer bsp_on_push(uint64_t committed, uint64_t step)
{
    return step == committed ? SYNC_TAKE : SYNC_REFUSE;
}

static enum sync_answer bsp_on_pull(uint64_t committed, uint64_t step)
{
    if (step == committed)
        return SYNC_TAKE;
    return step == committed + 1 ? SYNC_HOLD : SYNC_REFUSE;
}

const struct sync_model sync_bsp = {.name = "bsp", .on_push = bsp_on_push, .on_pull = bsp_on_pull};
