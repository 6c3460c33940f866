/* trireme stop: asks the launch that trains a run for a checkpoint and the end, and waits. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/commands/print_text.h"
#include "proto/config/run_config.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"
#include "files.pb-c.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const double poll_seconds = 0.1;
static const double begin_seconds = 10; /* until a launch has made what belongs to its secret */
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

/* Opens the run's secret: only persons may stop a run. A launch that has just begun may not have
 * made what goes with it yet. */
static struct secret *open_secret(const char *run, struct err *err)
{
    struct secret *secret = NULL;
    char *id = file_join(run, "id");
    for (const double end = clock_now() + begin_seconds;
         !file_exists(id) && clock_now() < end && run_is_trained(run);)
        clock_sleep(poll_seconds);
    free(id);
    return person_open_secret(&secret, run, err) > 0 ? secret : NULL;
}

/* Whether the launch that refused a request is still the run's. */
static bool is_refused(const char *run, uint64_t incarnation, const Trireme__Answer *answer,
                       struct err *err)
{
    uint64_t now = 0;
    struct err unread;
    if (!answer || answer->accepted || incarnation_read(&now, run, &unread) < 0 ||
        now != incarnation)
        return false;
    err_set(err, ERR_USAGE, "%s: %s", run, answer->text ? answer->text : "refused");
    return true;
}

/* Asks until the launch takes the request or is over; returns which one it was, or 0 with the
 * sentence. */
static uint64_t ask(const char *run, const struct secret *secret, double end, struct err *err)
{
    while (run_is_trained(run)) {
        Trireme__Request request = TRIREME__REQUEST__INIT;
        Trireme__Answer *answer = NULL;
        uint64_t incarnation = 0; // none has written it down yet
        if (incarnation_read(&incarnation, run, err) < 0)
            return 0;
        request.has_stop = true, request.stop = incarnation;
        if (person_ask(&answer, run, &request, secret, answer_seconds, err) < 0)
            return 0;
        const bool taken = answer && answer->accepted,
                   refused = is_refused(run, incarnation, answer, err);
        message_free(answer);
        if (taken || refused)
            return taken ? incarnation : 0;
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

/* The same with the run's secret, where anybody trains the run. */
static uint64_t ask_as_person(const char *run, double end, struct err *err)
{
    const bool trained = run_is_trained(run);
    struct secret *secret = trained ? open_secret(run, err) : NULL;
    const uint64_t incarnation = trained && !secret ? 0 : ask(run, secret, end, err);
    secret_free(secret);
    return incarnation;
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
    const uint64_t incarnation = ask_as_person(r->run, end, err);
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
    print_text(r->text, SIZE_MAX);
    printf("\n");
}
