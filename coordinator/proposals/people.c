#include "coordinator/proposals/people.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/proposals/inbox.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

enum { REQUESTS_MAX = 16 /* taken at one step */ };
static const double inbox_seconds = 0.25;

/* Returns the entry of a request that an earlier launch took and did not answer, or NULL. */
static const struct entry *taken_before(const struct intake *intake,
                                        const Trireme__Proposal *proposal)
{
    for (size_t i = 0;
         proposal && proposal->id && proposal->id[0] && i < context_history(&intake->context)->n;
         i++)
        if (context_history(&intake->context)->entries[i].proposal->id &&
            !strcmp(context_history(&intake->context)->entries[i].proposal->id, proposal->id))
            return &context_history(&intake->context)->entries[i];
    return NULL;
}

/* A request to stop names the launch that it means: one that is older stops nothing. */
static void answer_stop(bool *stop, const struct run *run, const Trireme__Request *request,
                        Trireme__Answer *answer)
{
    const bool ours = request->has_stop && request->stop == run->incarnation;
    *stop = *stop || ours;
    answer->has_accepted = true, answer->accepted = ours;
    answer->text =
        ours ? mem_strdup("the step under way is ended and a checkpoint is written")
             : mem_format("launch %llu is over: launch %llu trains this run now",
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

static int take_request(struct intake *intake, const char *name, const Trireme__Request *request,
                        uint64_t step, struct err *err)
{
    Trireme__Answer *answer = message_new(&trireme__answer__descriptor);
    const struct entry *before =
        request->has_order || request->has_stop ? NULL : taken_before(intake, request->propose);
    int rc = 0;
    if (request->has_stop)
        answer_stop(&intake->stop_asked, intake->context.run, request, answer);
    else if (request->has_order)
        rc = proposal_order(intake, request->order, request->number, "person", step, answer, err);
    else if (before)
        proposal_answer(before, answer);
    else
        rc = proposal_submit(intake, request->propose, "person", step, answer, err);
    struct err lost;
    if (rc == 0 && inbox_answer(intake->context.run->folder, name, answer, &lost) < 0)
        progress_log(intake->context.progress, "inbox: %s",
                     lost.text); // the ledger tells who asked
    message_free(answer);
    return rc;
}

int people_read_inbox(struct intake *intake, uint64_t step, struct err *err)
{
    double now = clock_now();
    if (now - intake->looked < inbox_seconds)
        return 0;
    intake->looked = now;
    for (int i = 0; i < REQUESTS_MAX; i++) {
        char *name = NULL;
        Trireme__Request *request = NULL;
        struct err why = {0};
        int taken =
            inbox_take_request(intake->context.run->folder, INBOX_PROPOSALS, &name, &request, &why);
        if (taken < 0)
            progress_log(intake->context.progress, "inbox: %s", why.text);
        if (taken <= 0)
            break;
        int rc = request ? take_request(intake, name, request, step, err) : 0;
        message_free(request);
        free(name);
        if (rc < 0)
            return -1;
    }
    return 0;
}
