#include "coordinator/proposals/people.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/inbox/inbox.h"
#include "coordinator/inbox/nonces.h"
#include "coordinator/inbox/seal.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/model_calls.h"
#include "coordinator/proposals/note.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "proto/schema/message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUESTS_MAX = 16 /* taken at one step */ };
static const double inbox_seconds = 0.1, /* between two looks; */
    held_seconds = 0.05,                 /* in a rest */
    look_seconds = 0.005,                /* of a look, but for the request under way */
    pause_factor =
        49, /* of a pause after refusals: times what they took, a fiftieth of the whole */
    pause_seconds = 0.25; /* such a pause, at most: a busy machine makes all things long */

/* Returns the entry of a request that an earlier launch took and did not answer, or NULL. What a
 * planner gave the name of a person's request is not that. */
static const struct entry *taken_before(const struct intake *intake,
                                        const Trireme__Proposal *proposal, const char *by)
{
    const struct history *history = context_history(&intake->context);
    for (size_t i = 0; proposal && proposal->id && proposal->id[0] && i < history->n; i++) {
        const struct entry *e = &history->entries[i];
        if (e->proposal->id && !strcmp(e->proposal->id, proposal->id) &&
            actor_is_person(e->by) == actor_is_person(by))
            return e;
    }
    return NULL;
}

/* Who asks, as `by` says it; the caller's. */
static char *by_of(const struct run *run, const Trireme__Request *request, enum seal seal)
{
    const bool person = seal == SEAL_HOLDS && request->by && !strcmp(request->by, "person");
    const struct actor actor = {.person = person,
                                .uid = (uint32_t)geteuid(), // the inbox takes no others'
                                .pid = request->pid,
                                .unseparated = person && !secret_separates(run->secret)};
    return actor_write(&actor);
}

static char *why_broken(void)
{
    return mem_strdup(
        "found a seal that is not by this run's secret, or not of this request, expected that of a "
        "person, or none: then it is a planner's");
}

/* what: "approve", ...; command: how a person asks for it. */
static char *why_not(const char *what, const char *command)
{
    return mem_format("%s is for persons: found a request without their seal, expected `trireme "
                      "%s` of a user who can read the run's secret (experiment.secret)",
                      what, command);
}

/* A request to stop names the launch that it means: one that is older stops nothing. */
static void answer_stop(bool *stop, const struct run *run, const Trireme__Request *request,
                        Trireme__Answer *answer)
{
    const bool ours = request->has_stop && request->stop == run->incarnation;
    const enum seal seal = seal_check(request, run->secret);
    const bool accepted = ours && seal == SEAL_HOLDS;
    *stop = *stop || accepted;
    answer->has_accepted = true, answer->accepted = accepted;
    if (accepted)
        answer->text = mem_strdup("the step under way is ended and a checkpoint is written");
    else if (ours)
        answer->text = seal == SEAL_BROKEN ? why_broken() : why_not("stop", "stop RUN");
    else
        answer->text =
            mem_format("launch %llu is over: launch %llu trains this run now",
                       (unsigned long long)request->stop, (unsigned long long)run->incarnation);
}

int people_read_stop(bool *stop, const struct run *run, struct err *err)
{
    char *name = NULL;
    Trireme__Request *request = NULL;
    int taken = inbox_take_request(run->folder, INBOX_STOPS, &name, &request, err);
    if (request) {
        Trireme__Answer *answer = message_new(&trireme__answer__descriptor);
        answer_stop(stop, run, request, answer);
        taken = inbox_answer(run->folder, name, answer, err) < 0 ? -1 : 1;
        message_free(answer);
    }
    message_free(request);
    free(name);
    return taken;
}

static const char *order_name(Trireme__Order order)
{
    return protobuf_c_enum_descriptor_get_value(&trireme__order__descriptor, (int)order)->name;
}

/* The planner is done with its turn, if it is one that comes by the inbox. */
static void end_turn(struct intake *intake, uint64_t step, Trireme__Answer *answer)
{
    const struct planner *planner = intake->planner;
    struct err why;
    answer->has_accepted = true;
    if (!planner || !planner->ops->done) {
        answer->text = mem_format("found experiment.planner %s, expected client: others have no "
                                  "turns to end",
                                  planner ? planner->ops->name : "none");
        return;
    }
    answer->accepted = planner->ops->done(intake->planner, step, &why) == 0;
    answer->text = answer->accepted ? mem_format("the planner's turn at step %llu is over",
                                                 (unsigned long long)step)
                                    : mem_strdup(why.text);
}

/* Returns the first proposal of another that an order of the queue names, or NULL. */
static const struct entry *anothers(const struct history *h, const Trireme__Request *request,
                                    const char *by)
{
    for (size_t i = 0; i < request->n_numbers; i++) {
        const struct entry *e = history_entry(h, request->numbers[i]);
        if (e && !entry_may_end(e, by))
            return e;
    }
    return NULL;
}

/* Returns why who asks may not ask for this, or NULL; fresh. */
static char *may_not(struct intake *intake, const Trireme__Request *request, enum seal seal,
                     const char *by)
{
    struct err err;
    if (seal == SEAL_BROKEN)
        return why_broken();
    if (seal == SEAL_HOLDS &&
        nonces_take(intake->nonces, request->seal->time, request->seal->nonce, &err) < 0)
        return mem_strdup(err.text);
    if (!request->has_order || actor_is_person(by))
        return NULL;
    const struct entry *e = history_entry(context_history(&intake->context), request->number);
    if (request->order == TRIREME__ORDER__kill && (!e || entry_may_end(e, by)))
        return NULL; // of one that there is not it is told so
    if (request->order == TRIREME__ORDER__queue)
        return anothers(context_history(&intake->context), request, by)
                   ? why_not("the turn of what another proposed", "queue RUN N...")
                   : NULL;
    char command[64];
    snprintf(command, sizeof command, "proposals %s RUN %u", order_name(request->order),
             request->number);
    return why_not(request->order == TRIREME__ORDER__kill ? "kill of what another proposed"
                                                          : order_name(request->order),
                   command);
}

static bool has_note(const Trireme__Request *request)
{
    return request->note && request->note[0];
}

/* What a language model did that a client asks. */
static bool has_calls(const Trireme__Request *request)
{
    return request->n_calls || (request->gave_up && request->gave_up[0]);
}

/* Tells the ledger, which what is refused must not fill, and the log. why: taken over. */
static int refuse(struct intake *intake, const Trireme__Request *request, char *why, const char *by,
                  uint64_t step, Trireme__Answer *answer, struct err *err)
{
    char *what = request->has_order
                     ? mem_format("%s %u", order_name(request->order),
                                  request->n_numbers ? request->numbers[0] : request->number)
                     : mem_strdup(request->has_done    ? "the end of a turn"
                                  : has_note(request)  ? "a note"
                                  : has_calls(request) ? "calls of a language model"
                                                       : "a proposal");
    char *text = mem_format(
        "refused: %s, %s: %s", what,
        request->by && !strcmp(request->by, "person") ? "as a person" : "as a planner", why);
    const int rc = proposal_log_refusal(intake, step, by, text, err);
    answer->has_accepted = true;
    answer->text = why;
    free(text);
    free(what);
    return rc;
}

/* Does what may be asked for. */
static int obey(struct intake *intake, const Trireme__Request *request, const char *by,
                uint64_t step, Trireme__Answer *answer, struct err *err)
{
    if (has_calls(request))
        return model_calls_take(intake, request, by, step, answer, err);
    if (request->has_done) {
        end_turn(intake, request->done, answer);
        return 0;
    }
    if (request->has_order && request->order == TRIREME__ORDER__queue)
        return queue_order(intake, request->numbers, request->n_numbers, by, step, answer, err);
    if (request->has_order)
        return proposal_order(intake, request->order, request->number, by, step, answer, err);
    if (has_note(request))
        return note_submit(intake, request->note, by, step, answer, err);
    return proposal_submit(intake, request->propose, by, step, answer, err);
}

/* Carries out what is asked for; *answer is filled in. */
static int carry_out(struct intake *intake, const Trireme__Request *request, uint64_t step,
                     Trireme__Answer *answer, struct err *err)
{
    const struct run *run = intake->context.run;
    const enum seal seal = seal_check(request, run->secret);
    char *by = by_of(run, request, seal);
    const struct entry *before = request->has_order || seal == SEAL_BROKEN
                                     ? NULL
                                     : taken_before(intake, request->propose, by);
    if (before) {
        proposal_answer(before, answer);
        free(by);
        return 0;
    }
    char *why = may_not(intake, request, seal, by);
    const int rc = why ? refuse(intake, request, why, by, step, answer, err)
                       : obey(intake, request, by, step, answer, err);
    free(by);
    return rc;
}

static int take_request(struct intake *intake, const char *name, const Trireme__Request *request,
                        uint64_t step, bool *accepted, struct err *err)
{
    Trireme__Answer *answer = message_new(&trireme__answer__descriptor);
    int rc = 0;
    if (request->has_stop)
        answer_stop(&intake->stop_asked, intake->context.run, request, answer);
    else
        rc = carry_out(intake, request, step, answer, err);
    struct err lost;
    if (rc == 0 && inbox_answer(intake->context.run->folder, name, answer, &lost) < 0)
        progress_log(intake->context.progress, "inbox: %s",
                     lost.text); // the ledger tells who asked
    *accepted = answer->accepted;
    message_free(answer);
    return rc;
}

int people_read_inbox(struct intake *intake, uint64_t step, struct err *err)
{
    const double now = clock_now();
    double before = now, refused = 0;
    int taken = 1;
    if (now < intake->next_look)
        return 0;
    for (int i = 0; taken > 0 && i < REQUESTS_MAX && before - now < look_seconds; i++) {
        char *name = NULL;
        Trireme__Request *request = NULL;
        struct err why = {0};
        bool accepted = false;
        taken =
            inbox_take_request(intake->context.run->folder, INBOX_PROPOSALS, &name, &request, &why);
        if (taken < 0)
            progress_log(intake->context.progress, "inbox: %s", why.text);
        int rc = request ? take_request(intake, name, request, step, &accepted, err) : 0;
        message_free(request);
        free(name);
        if (rc < 0)
            return -1;
        const double after = clock_now();
        refused += accepted ? 0 : after - before;
        before = after;
    }
    const double pause = fmin(refused * pause_factor, pause_seconds);
    const bool goes_on = taken > 0 && refused == 0; // more may be there, of somebody who may ask
    intake->next_look =
        goes_on ? before : before + fmax(pause, intake->holds ? held_seconds : inbox_seconds);
    return 0;
}
