/* Changes of a configuration, for tests of patches and of what they do. */
#pragma once
#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include "planner.pb-c.h"

/* path, value: or NULL, for none. The caller's, who frees it by message_free. */
static inline Trireme__Change *change_fixture(const char *path, const char *value)
{
    Trireme__Change *change = message_new(&trireme__change__descriptor);
    change->path = mem_strdup(path);
    change->value = mem_strdup(value);
    return change;
}
