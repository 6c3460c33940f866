/* The seal of a request: shows that who made it knows the run's secret, without telling it. It is
 * an HMAC over the request as one line of JSON, with the seal's time and nonce in it, for this run
 * alone (secret_mac). What was taken once is not taken again: see nonces.h. Local. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

struct secret;

/* Returns a copy of the request with a seal; freed by message_free. NULL with ERR_MACHINE if the
 * system has no random bytes. */
Trireme__Request *seal_put(const Trireme__Request *request, const struct secret *secret,
                           struct err *err);

enum seal {
    SEAL_NONE,
    SEAL_HOLDS,
    SEAL_BROKEN, /* there is one, of another request, run or secret */
};

/* secret NULL: none holds. */
enum seal seal_check(const Trireme__Request *request, const struct secret *secret);
