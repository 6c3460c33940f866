/* A turn of a language model: the question, its calls, one repair where the answer could not be
 * taken, and proposals or the reason why there are none. Clock, sleep and transport are given, so
 * that it can be tested without a server. */
#pragma once
#include "base/err.h"
#include "launcher/llm/llm_retry.h"

#include "planner.pb-c.h"

struct llm_http_reply;
struct llm_key;

/* As llm_http_post. */
typedef int (*llm_post_fn)(void *context, struct llm_http_reply *reply, const char *url,
                           const char *body, double seconds, struct err *err);

enum { LLM_TURN = 3 /* times llm.timeout, for a turn */ };

struct llm_model {
    const Trireme__Llm *llm;     /* borrowed, as are the next three */
    const struct llm_key *key;   /* NULL: none */
    Trireme__LlmSpent *spent;    /* calls are added */
    struct llm_breaker *breaker; /* of its server */
    llm_post_fn post;
    void *context;
    double (*now)(void);
    void (*sleep)(double seconds);
    /* A call begins: the calls so far, the last of them with what it may cost at most and as one
     * that is lost, which it is if nothing follows. Or NULL. */
    void (*began)(void *context, const Trireme__Proposals *so_far);
    uint64_t seed, drawn; /* of the jitter */
};

/* Takes at most three times llm.timeout. Returns a message: proposals, each call with what was
 * asked and answered, and gave_up where there is no answer that can be used. */
Trireme__Proposals *llm_turn_run(struct llm_model *model, const Trireme__Briefing *briefing);
