/* When a call that failed is made again, and when a server is left alone: waits that grow, with
 * jitter, or as long as the server says (Retry-After); and a circuit breaker, which after some
 * turns in a row that failed lets none through for a time. Pure: clocks and random numbers are the
 * caller's. */
#pragma once
#include <stdbool.h>

/* What an HTTP status, or none, says of the next call. */
enum llm_again {
    LLM_FINE,  /* an answer came */
    LLM_AGAIN, /* the same call may succeed later */
    LLM_NEVER, /* it will not: a key, a model, a request that is not known */
};

/* status 0: no answer came. */
enum llm_again llm_retry_of(unsigned status);

enum { LLM_TRIES = 4 /* of one question, the first included */ };

/* Seconds before try `tries` (from 1) of a question. asked: what the server said, 0: nothing.
 * uniform: a random number in [0, 1). */
double llm_retry_wait(unsigned tries, double asked, double uniform);

/* Zeroed: closed. */
struct llm_breaker {
    unsigned failures;  /* turns in a row */
    double until;       /* no turn is let through before; 0: it is closed */
    double asked_until; /* the same, as the server asked for it */
};

enum { LLM_BREAKER_FAILURES = 3 };

/* Whether a turn is let through: where the time is over, one is, to try. *seconds: what is left. */
bool llm_breaker_lets(const struct llm_breaker *breaker, double now, double *seconds);

/* What came of a turn. never: the failure was one that no second call mends. asked: seconds for
 * which the server wants to be left alone, of which a day is believed; 0: it said nothing. */
void llm_breaker_note(struct llm_breaker *breaker, bool answered, bool never, double asked,
                      double now);
