/* trireme stop: asks the launch that trains a run for a checkpoint and the end, and waits. */
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/proposals/inbox.h"
#include "coordinator/run/run.h"
#include "launcher/commands/command.h"
#include "proto/config/run_config.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"
#include "files.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

static const double poll_seconds = 0.1;
static const double answer_seconds = 1; /* between two looks whether it is still trained */

/* How that launch ended; NULL: it has not said so yet. */
static Trireme__Status *status_of(const char *run, uint64_t incarnation)
{
    struct err unread;
    Trireme__Status *status = run_status_read(run, &unread);
    if (status && status->incarnation == incarnation)
        return status;
    message_free(status);
    return NULL;
}

/* Asks until the launch takes the request or is over; returns which one it was, or 0 with the
 * sentence. */
static uint64_t ask(const char *run, double end, struct err *err)
{
    while (run_is_trained(run)) {
        Trireme__Request request = TRIREME__REQUEST__INIT;
        Trireme__Answer *answer = NULL;
        uint64_t incarnation = 0; // none has written it down yet
        if (incarnation_read(&incarnation, run, err) < 0)
            return 0;
        request.by = "person";
        request.has_stop = true, request.stop = incarnation;
        if (inbox_ask(&answer, run, &request, answer_seconds, err) < 0)
            return 0;
        const bool taken = answer && answer->accepted;
        message_free(answer);
        if (taken)
            return incarnation;
        if (clock_now() >= end) {
            err_set(err, ERR_MACHINE,
                    "%s: launch %llu has not taken the request, expected its answer: ask again, or "
                    "with a longer --wait",
                    run, (unsigned long long)incarnation);
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "%s: nobody trains this run now", run);
    return 0;
}

/* Waits until the launch has said how it ended and has let go of the run. */
static Trireme__Status *await(const char *run, uint64_t incarnation, double end, struct err *err)
{
    for (;;) {
        const bool trained = run_is_trained(run);
        Trireme__Status *status = status_of(run, incarnation);
        if (!trained && status)
            return status;
        if (!trained) {
            err_set(err, ERR_MACHINE,
                    "%s: launch %llu took the request and ended without a word: its newest "
                    "checkpoint is kept",
                    run, (unsigned long long)incarnation);
            message_free(status);
            return NULL;
        }
        message_free(status);
        if (clock_now() >= end) {
            err_set(err, ERR_MACHINE,
                    "%s: launch %llu took the request and has not ended yet: it still writes its "
                    "checkpoint",
                    run, (unsigned long long)incarnation);
            return NULL;
        }
        clock_sleep(poll_seconds);
    }
}

int command_stop(const void *request, void *reply, struct err *err)
{
    const Trireme__StopRequest *r = request;
    Trireme__StopReply *done = reply;
    const double end = clock_now() + r->wait;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    const uint64_t incarnation = ask(r->run, end, err);
    Trireme__Status *status = incarnation ? await(r->run, incarnation, end, err) : NULL;
    if (!status)
        return -1;
    done->has_code = 1, done->code = status->code;
    done->has_step = 1, done->step = status->step;
    done->text = mem_strdup(status->code ? (status->text ? status->text : "") : "the run is over");
    message_free(status);
    return 0;
}

void print_stop(const void *reply)
{
    const Trireme__StopReply *r = reply;
    printf("%s\n", r->text);
}
