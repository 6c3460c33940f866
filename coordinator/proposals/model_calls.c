#include "coordinator/proposals/model_calls.h"

#include "base/mem.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/progress.h"
#include "proto/schema/message.h"
#include "proto/schema/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t tokens_max = 1000000000000;

/* A record of a call. */
static int write_call(struct intake *intake, const Trireme__Call *told, const char *by,
                      uint64_t step, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    Trireme__Call call = *told;
    call.said = call.asked = call.answered = NULL;
    record.call = &call;
    record.text = told->said;
    if (told->said)
        progress_log(intake->context.progress, "%s: %s", by, told->said);
    return journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__event, 0, step, by,
                         err);
}

int model_calls_write(struct intake *intake, Trireme__Call *const *calls, size_t n,
                      const char *gave_up, const char *by, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (write_call(intake, calls[i], by, step, err) < 0)
            return -1;
    return gave_up && gave_up[0] ? proposal_log_event(intake, step, by, gave_up, err) : 0;
}

int model_calls_check(Trireme__Call *const *calls, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const Trireme__Call *c = calls[i];
        if (!c->turn)
            return err_set(err, ERR_USAGE,
                           "call %zu of the model: found no turn, expected its "
                           "number",
                           i + 1);
        if (c->prompt_tokens > tokens_max || c->answer_tokens > tokens_max)
            return err_set(err, ERR_USAGE,
                           "call %zu of the model: found %llu + %llu tokens, expected at most %llu",
                           i + 1, (unsigned long long)c->prompt_tokens,
                           (unsigned long long)c->answer_tokens, (unsigned long long)tokens_max);
        if (!isfinite(c->usd) || c->usd < 0 || !isfinite(c->ms) || c->ms < 0)
            return err_set(err, ERR_USAGE,
                           "call %zu of the model: found %g USD and %g ms, expected none below 0",
                           i + 1, c->usd, c->ms);
    }
    return 0;
}

/* What others wrote, as one line that is not too long. */
static void tidy(char **text)
{
    if (!*text)
        return;
    if (strlen(*text) > MODEL_CALLS_TEXT)
        (*text)[MODEL_CALLS_TEXT] = 0;
    char *shown = utf8_shown(*text);
    free(*text);
    *text = shown;
}

/* The newest turn with a call in the ledger; 0: none. */
static uint32_t newest_turn(const struct ledger *ledger)
{
    uint32_t turn = 0;
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->call && r->call->turn > turn)
            turn = r->call->turn;
    }
    return turn;
}

/* Copies of the calls that the ledger does not have. */
static Trireme__Proposals *new_calls(const struct ledger *ledger, const Trireme__Request *request)
{
    Trireme__Proposals *told = message_new(&trireme__proposals__descriptor);
    const uint32_t known = newest_turn(ledger);
    told->calls = mem_new(request->n_calls, sizeof *told->calls);
    for (size_t i = 0; i < request->n_calls; i++) {
        if (request->calls[i]->turn <= known)
            continue;
        Trireme__Call *c = told->calls[told->n_calls++] = message_copy(request->calls[i]);
        tidy(&c->model);
        tidy(&c->stop);
        tidy(&c->said);
        tidy(&c->asked_sha256);
        tidy(&c->answered_sha256);
    }
    if (request->gave_up)
        told->gave_up = mem_strdup(request->gave_up);
    tidy(&told->gave_up);
    return told;
}

static int check(const struct intake *intake, const Trireme__Request *request, struct err *err)
{
    const struct planner *planner = intake->planner;
    if (!planner || !planner->ops->done)
        return err_set(err, ERR_USAGE,
                       "found experiment.planner %s, expected client: no other has calls that come "
                       "by the inbox",
                       planner ? planner->ops->name : "none");
    if (intake->n_calls + request->n_calls > MODEL_CALLS_MAX)
        return err_set(err, ERR_USAGE,
                       "found %zu calls of a model beside %u since the planner was asked, expected "
                       "at most %d",
                       request->n_calls, intake->n_calls, MODEL_CALLS_MAX);
    return model_calls_check(request->calls, request->n_calls, err);
}

int model_calls_take(struct intake *intake, const Trireme__Request *request, const char *by,
                     uint64_t step, Trireme__Answer *answer, struct err *err)
{
    struct err why = {0};
    if (check(intake, request, &why) < 0) {
        proposal_answer_with(answer, false, 0, mem_strdup(why.text));
        return proposal_log_refusal(intake, step, by, why.text, err);
    }
    Trireme__Proposals *told = new_calls(journal_ledger(intake->context.journal), request);
    const bool gave_up = told->gave_up && told->gave_up[0];
    int rc = model_calls_write(intake, told->calls, told->n_calls,
                               gave_up && !intake->gave_up ? told->gave_up : NULL, by, step, err);
    intake->n_calls += (unsigned)told->n_calls;
    intake->gave_up = intake->gave_up || gave_up;
    proposal_answer_with(
        answer, true, 0,
        mem_format("%zu call%s written down", told->n_calls, told->n_calls == 1 ? "" : "s"));
    message_free(told);
    return rc;
}
