/* What a server does with a push or a pull of a step: the rule of a consistency model, one file
 * each. Pure functions of the number of updates that the store has committed and the step that the
 * message names. */
#pragma once
#include <stdint.h>

enum sync_answer {
    SYNC_TAKE,   /* now */
    SYNC_HOLD,   /* later, when more updates are committed */
    SYNC_REFUSE, /* never: the sender is wrong */
};

struct sync_model {
    const char *name;
    enum sync_answer (*on_push)(uint64_t committed, uint64_t step);
    enum sync_answer (*on_pull)(uint64_t committed, uint64_t step);
};

/* Bulk-synchronous: every gradient of a step is computed from the newest weights. Weights are sent
 * only while they are the newest. */
extern const struct sync_model sync_bsp;
