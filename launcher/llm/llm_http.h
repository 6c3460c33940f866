/* One POST of a JSON body, and what came back. It has bounds: to connect, for the whole, for an
 * answer that has begun and drips, for its size. No redirects. Proxies are those that libcurl finds
 * in the environment (https_proxy, http_proxy, no_proxy, all_proxy), but for a server of this host.
 * The one user of libcurl. Local. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include "config.pb-c.h"

#include <stdbool.h>

struct llm_key;

enum { LLM_HTTP_BYTES = 1 << 20 /* of a reply */ };

struct llm_http_reply {
    unsigned status;    /* 0: no answer came */
    double retry_after; /* seconds that the server asked for; 0: it did not */
    struct text body;
};

/* Whether this build has libcurl. */
bool llm_http_there(void);

/* Whether what is sent there leaves this host as everybody on the way can read it. */
bool llm_http_in_clear(const char *url);

/* key: or NULL. Fills in *reply, whose body the caller clears. -1 with a sentence (ERR_MACHINE)
 * where no whole reply came, within so many seconds; the status may be known all the same. */
int llm_http_post(struct llm_http_reply *reply, Trireme__Llm__Api api, const char *url,
                  const char *body, const struct llm_key *key, double seconds, struct err *err);
