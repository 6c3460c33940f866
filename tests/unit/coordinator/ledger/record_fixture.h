/* Records of the ledger, written as YAML for the eye; the ledger itself reads the same from
 * JSON. */
#pragma once
#include "tests/unit/support.h"

#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "ledger.pb-c.h"

/* The caller's, who frees it by message_free. */
static inline Trireme__Record *record_fixture(const char *yaml)
{
    struct err err = {.text = ""};
    Trireme__Record *record = message_new(&trireme__record__descriptor);
    if (yaml_read(record, yaml, strlen(yaml), "record", ERR_USAGE, &err) < 0)
        fail_msg("%s in %s", err.text, yaml);
    return record;
}
