#include "launcher/llm/llm_turn.h"

#include "base/mem.h"
#include "base/random.h"
#include "launcher/llm/llm_answer.h"
#include "launcher/llm/llm_budget.h"
#include "launcher/llm/llm_http.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/llm_prompt.h"
#include "launcher/llm/llm_schema.h"
#include "launcher/llm/llm_wire.h"
#include "proto/schema/message.h"
#include "proto/schema/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 1 << 16 /* of an answer that is kept to be looked at */ };
static const double least_seconds = 0.05; /* in which a call is still begun */

struct turn {
    struct llm_model *model;
    const Trireme__Briefing *briefing;
    Trireme__Proposals *told;
    uint32_t max; /* proposals */
    double deadline;
    char *url, *system, *user, *schema;
    bool never;   /* the failure is one that no second call mends */
    double asked; /* of the newest failure: seconds that the server wants to be left alone for */
};

static Trireme__Call *add_call(struct turn *t, const char *asked)
{
    Trireme__Proposals *told = t->told;
    Trireme__Call *call = message_new(&trireme__call__descriptor);
    told->calls = mem_resize(told->calls, told->n_calls + 1, sizeof *told->calls);
    told->calls[told->n_calls++] = call;
    call->model = mem_strdup(t->model->llm->model);
    call->asked = mem_strdup(asked);
    return call;
}

static void say(Trireme__Call *call, const char *stop, const char *sentence)
{
    free(call->stop);
    free(call->said);
    call->stop = mem_strdup(stop);
    call->said = mem_strdup(sentence);
}

/* The reply's bytes as text that a message may hold, without the key; the beginning of it. */
static char *shown(struct llm_http_reply *http, const struct llm_key *key)
{
    const size_t size = http->body.size < KEPT_BYTES ? http->body.size : KEPT_BYTES;
    if (http->body.size)
        llm_key_hide(http->body.bytes, http->body.size, key);
    return utf8_from_bytes(size ? http->body.bytes : "", size);
}

/* Tells that a call begins. A token is a byte at least. */
static void tell_begun(struct turn *t, Trireme__Call *call)
{
    struct llm_model *m = t->model;
    char sentence[200];
    if (!m->began)
        return;
    call->has_prompt_tokens = call->has_answer_tokens = call->has_usd = true;
    call->prompt_tokens = strlen(call->asked), call->answer_tokens = m->llm->max_tokens;
    call->usd = llm_budget_usd(m->llm->price, call->prompt_tokens, call->answer_tokens);
    snprintf(sentence, sizeof sentence,
             "a call was under way when its process or the run ended: it counts as at most %llu + "
             "%llu tokens",
             (unsigned long long)call->prompt_tokens, (unsigned long long)call->answer_tokens);
    say(call, "lost", sentence);
    t->told->has_under_way = t->told->under_way = true;
    m->began(m->context, t->told);
    t->told->has_under_way = t->told->under_way = false;
    free(call->stop);
    free(call->said);
    call->stop = call->said = NULL;
}

/* Makes one call. Returns it; *reply is to be cleared. */
static Trireme__Call *call_once(struct turn *t, struct llm_reply *reply, double *retry_after,
                                const char *body, struct err *err)
{
    struct llm_model *m = t->model;
    struct llm_http_reply http = {0};
    Trireme__Call *call = add_call(t, body);
    tell_begun(t, call);
    const double began = m->now(), left = t->deadline - began;
    const double seconds = m->llm->timeout < left ? m->llm->timeout : left;
    const int rc = m->post(m->context, &http, t->url, body, seconds, err);
    call->has_ms = true, call->ms = (m->now() - began) * 1000;
    call->has_status = http.status > 0 && rc == 0, call->status = rc == 0 ? http.status : 0;
    call->answered = shown(&http, m->key);
    *retry_after = http.retry_after;
    *reply = (struct llm_reply){.stop = LLM_ERROR};
    if (rc < 0)
        say(call, "no_answer", err->text);
    else if (llm_wire_read(reply, m->llm->api, http.status, http.body.bytes, http.body.size, err) <
             0)
        say(call, "no_message", err->text);
    call->has_prompt_tokens = call->has_answer_tokens = call->has_usd = true;
    call->prompt_tokens = reply->prompt_tokens, call->answer_tokens = reply->answer_tokens;
    call->usd = llm_budget_usd(m->llm->price, call->prompt_tokens, call->answer_tokens);
    llm_budget_add(m->spent, call);
    text_clear(&http.body);
    return call;
}

static int wait(struct turn *t, unsigned tries, double asked, Trireme__Call *call, struct err *err)
{
    struct llm_model *m = t->model;
    const double seconds = llm_retry_wait(tries, asked, random_uniform(m->seed, m->drawn++));
    if (m->now() + seconds + least_seconds > t->deadline)
        return err_set(err, ERR_MACHINE,
                       "%s; the next try would be in %.3g s, too late for this turn", call->said,
                       seconds);
    m->sleep(seconds);
    return 0;
}

static int explain_status(const Trireme__Call *call, const struct llm_reply *reply, struct err *err)
{
    const char *hint = call->status == 401 || call->status == 403
                           ? ": expected a key that it takes (llm.key_env, llm.key_file)"
                       : call->status == 404 ? ": expected an address and a model that it knows "
                                               "(llm.url, llm.model)"
                                             : "";
    return err_set(err, ERR_MACHINE, "the model's server answered HTTP %u (%s)%s", call->status,
                   reply->word, hint);
}

/* One question, tried until an answer of the model is there. Returns the call that it came with;
 * NULL with a sentence. */
static Trireme__Call *ask(struct turn *t, struct llm_reply *reply, const char *body,
                          struct err *err)
{
    struct llm_model *m = t->model;
    for (unsigned tries = 1;; tries++) {
        double retry_after = 0;
        if (llm_budget_check(m->llm, m->spent, err) < 0)
            return NULL;
        if (m->now() + least_seconds > t->deadline) {
            err_set(err, ERR_MACHINE, "no time was left for a call: a turn has %d x llm.timeout",
                    LLM_TURN);
            return NULL;
        }
        Trireme__Call *call = call_once(t, reply, &retry_after, body, err);
        t->never = false, t->asked = 0;
        if (!call->stop && reply->stop != LLM_ERROR)
            return call;
        enum llm_again again = llm_retry_of(call->status);
        if (!call->stop) {
            explain_status(call, reply, err);
            say(call, reply->word, err->text);
            again = again == LLM_FINE ? LLM_AGAIN : again; // an error beside a good status
        } else if (again == LLM_FINE) {
            again = LLM_NEVER; // it speaks something else
        }
        llm_reply_clear(reply);
        t->never = again == LLM_NEVER;
        t->asked = retry_after;
        if (again == LLM_NEVER || tries >= LLM_TRIES || wait(t, tries, retry_after, call, err) < 0)
            return NULL;
    }
}

/* Takes an answer. 0: proposals are there; 1: it can be repaired, and err says what; -1. */
static int take(struct turn *t, Trireme__Call *call, const struct llm_reply *reply, struct err *err)
{
    char sentence[200];
    int rc = -1;
    if (reply->stop == LLM_DONE &&
        (rc = llm_answer_read(t->told, reply->text, reply->text ? strlen(reply->text) : 0,
                              t->briefing, t->max, err)) == 0) {
        const size_t n = t->told->n_proposals;
        snprintf(sentence, sizeof sentence,
                 "the model answered with %zu proposal%s (%llu + %llu "
                 "tokens, %.0f ms)",
                 n, n == 1 ? "" : "s", (unsigned long long)call->prompt_tokens,
                 (unsigned long long)call->answer_tokens, call->ms);
        say(call, n ? "answered" : "nothing", sentence);
        return 0;
    }
    switch (reply->stop) {
    case LLM_DONE:
        say(call, "not_taken", err->text);
        return 1;
    case LLM_CUT:
        err_set(err, ERR_DATA,
                "the answer was cut at %u tokens (llm.max_tokens), expected a shorter one",
                t->model->llm->max_tokens);
        say(call, reply->word, err->text);
        return 1;
    case LLM_CONTEXT:
        err_set(err, ERR_DATA,
                "the model's context is full, expected a longer one, or a shorter "
                "briefing (experiment.briefing)");
        break;
    case LLM_REFUSED:
        err_set(err, ERR_DATA, "the model refuses to answer (%s)", reply->word);
        break;
    case LLM_UNEXPECTED:
    case LLM_ERROR:
        err_set(err, ERR_DATA, "the model stopped with %s, expected an answer", reply->word);
        break;
    }
    say(call, reply->word, err->text);
    return rc;
}

static int run(struct turn *t, struct err *err)
{
    struct llm_reply reply;
    struct llm_question question = {
        .llm = t->model->llm, .system = t->system, .user = t->user, .schema = t->schema};
    char *body = llm_wire_request(&question);
    Trireme__Call *call = ask(t, &reply, body, err);
    free(body);
    if (!call)
        return -1;
    int rc = take(t, call, &reply, err);
    // nothing that could be shown to it, or more than is worth its tokens
    if (rc <= 0 || !reply.text || strlen(reply.text) > KEPT_BYTES) {
        llm_reply_clear(&reply);
        return rc ? -1 : 0;
    }
    struct llm_reply repaired = {0};
    char *repair = llm_prompt_repair(err->text);
    question.answer = reply.text, question.repair = repair;
    body = llm_wire_request(&question);
    free(repair);
    call = ask(t, &repaired, body, err);
    free(body);
    rc = call ? take(t, call, &repaired, err) : -1;
    llm_reply_clear(&repaired);
    llm_reply_clear(&reply);
    return rc ? -1 : 0;
}

Trireme__Proposals *llm_turn_run(struct llm_model *m, const Trireme__Briefing *briefing)
{
    struct turn t = {.model = m,
                     .briefing = briefing,
                     .told = message_new(&trireme__proposals__descriptor),
                     .max = briefing->room,
                     .deadline = m->now() + LLM_TURN * m->llm->timeout};
    struct err err = {0};
    double seconds;
    int rc;
    if (llm_budget_check(m->llm, m->spent, &err) < 0) {
        t.told->gave_up = mem_strdup(err.text);
        return t.told;
    }
    if (!llm_breaker_lets(m->breaker, m->now(), &seconds)) {
        t.told->gave_up =
            mem_format(m->breaker->asked_until > m->breaker->until
                           ? "the model is left alone for another %.0f s, as its server asked"
                           : "the model is left alone for another %.0f s, as %u turns in a row "
                             "failed",
                       seconds, m->breaker->failures);
        return t.told;
    }
    t.url = llm_wire_url(m->llm);
    t.system = llm_prompt_system();
    t.user = llm_prompt_user(briefing, t.max);
    t.schema = llm_schema_write(briefing, m->llm->api, t.max);
    if ((rc = run(&t, &err)) < 0)
        t.told->gave_up = mem_strdup(err.text);
    llm_breaker_note(m->breaker, rc == 0, t.never, t.asked, m->now());
    free(t.url);
    free(t.system);
    free(t.user);
    free(t.schema);
    return t.told;
}
