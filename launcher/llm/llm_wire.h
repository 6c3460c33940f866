/* The bodies of two protocols: what asks a language model for one JSON object, and what its server
 * replies. Anthropic's Messages, and chat completions as of OpenAI, which llama.cpp, vLLM and
 * Ollama speak too. Bytes in, bytes out; nothing of a reply is believed but its form. Pure. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* What is asked. All is borrowed. */
struct llm_question {
    const Trireme__Llm *llm; /* its api, model, max_tokens and effort */
    const char *system, *user;
    const char *answer, *repair; /* the answer before, and what is wrong with it; or NULL, NULL */
    const char *schema;          /* a JSON Schema: of the object that is asked for */
};

/* The URL that it goes to, and the body, one line of JSON; fresh. */
char *llm_wire_url(const Trireme__Llm *llm);
char *llm_wire_request(const struct llm_question *question);

/* How an answer ended. */
enum llm_stop {
    LLM_DONE,       /* it is whole */
    LLM_CUT,        /* max_tokens ended it */
    LLM_CONTEXT,    /* the model's context did */
    LLM_REFUSED,    /* the model, or a filter, refuses */
    LLM_UNEXPECTED, /* it wants something that nobody offered: a tool, a pause */
    LLM_ERROR,      /* no answer but an error */
};

struct llm_reply {
    enum llm_stop stop;
    char word[40]; /* the server's own word for it, or for the error's type; printable */
    char *text;    /* owned; NULL: none came */
    uint64_t prompt_tokens, answer_tokens; /* 0: not said */
};

/* Reads a reply with that HTTP status. -1 with a sentence (ERR_DATA) where it is none; *reply is
 * then empty. What the model wrote is in no sentence. */
int llm_wire_read(struct llm_reply *reply, Trireme__Llm__Api api, unsigned status,
                  const char *bytes, size_t size, struct err *err);
void llm_reply_clear(struct llm_reply *reply);
