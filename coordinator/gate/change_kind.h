/* What kind of change a patch is: whether it is a calm one, and which class the variance of its
 * pairs belongs to. From the schema's `judged` and `calm`. Pure. */
#pragma once
#include "coordinator/gate/stretch.h"

#include "config.pb-c.h"

#include <stdbool.h>

struct change_kind {
    enum stretch_kind kind;
    bool slow; /* its pairs vary as those of changes do that act like a rate */
};

/* Both resolved. A change with a calm member is calm, with a slow member slow. What acts like a
 * rate is slow too: whatever has calm changes, in either direction. Values that are the same do not
 * count. */
struct change_kind change_kind_of(const Trireme__Config *before, const Trireme__Config *after);
