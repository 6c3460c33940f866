#include "launcher/job/outcome.h"

#include "coordinator/run/run.h"
#include "launcher/front/held_signals.h"
#include "launcher/job/mpirun.h"
#include "launcher/job/mpirun_page.h"
#include "launcher/machine/mpirun_kind.h"
#include "proto/schema/message.h"

#include "files.pb-c.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* mpirun's own sentence about a rank that died. */
static void note_lost(struct outcome *outcome, const char *line, unsigned servers)
{
    const char *at = strstr(line, "process rank ");
    int rank = 0, pid = 0, signal = 0;
    char host[100] = "";
    if (!at || outcome->lost[0] || outcome->cut_short ||
        sscanf(at, "process rank %d with PID %d on node %99s exited on signal %d", &rank, &pid,
               host, &signal) != 4)
        return;
    const char *role = rank == 0 ? "the coordinator" : rank <= (int)servers ? "server" : "worker";
    int index = rank <= (int)servers ? rank - 1 : rank - 1 - (int)servers;
    outcome->lost_signal = signal;
    if (rank == 0)
        snprintf(outcome->lost, sizeof outcome->lost,
                 "%s (rank 0 on %s) was lost: killed by signal %d", role, host, signal);
    else
        snprintf(outcome->lost, sizeof outcome->lost,
                 "%s %d (rank %d on %s) was lost: killed by signal %d", role, index, rank, host,
                 signal);
}

void outcome_add_line(struct outcome *outcome, const char *line, unsigned servers)
{
    note_lost(outcome, line, servers);
    text_printf(&outcome->noise, "%s\n", line);
}

/* Whether it asks a process to stop. */
static bool is_request(int signal)
{
    for (size_t i = 0; i < HELD_SIGNALS; i++)
        if (held_signals[i] == signal)
            return true;
    return false;
}

/* Whether it is a code of this program for an end with a sentence. */
static bool is_ours(int code)
{
    return code == ERR_USAGE || code == ERR_DATA || code == ERR_TRAIN || code == ERR_MACHINE;
}

/* Whether a rank or mpirun was killed, and nobody asked for an end: ranks that are left take the
 * SIGTERM that mpirun then sends, or the end of what they listen to, for a request. */
static bool is_loss(const struct outcome *outcome)
{
    const bool killed = outcome->by_signal && !outcome->cut_short;
    const int signal = outcome->lost[0] ? outcome->lost_signal : killed ? outcome->code - 128 : 0;
    return signal && !outcome->asked && !is_request(signal);
}

static int say_kept(const char *what, const struct outcome *outcome, const struct mpirun *job,
                    struct err *err)
{
    return err_set(err, ERR_MACHINE,
                   "%s: the run is kept: run %s again to continue from its newest checkpoint", what,
                   job->goes_back && outcome->began ? "`trireme resume` without the step"
                                                    : "the same line");
}

/* "mpirun was ended by signal 9 (Killed)", "mpirun ended with code 1". */
static void name_end(char *how, size_t size, const struct outcome *outcome)
{
    const char *name = outcome->by_signal ? strsignal(outcome->code - 128) : NULL;
    if (outcome->by_signal)
        snprintf(how, size, "mpirun was ended by signal %d (%s)", outcome->code - 128,
                 name ? name : "unknown");
    else
        snprintf(how, size, "mpirun ended with code %d", outcome->code);
}

/* No rank said how it ended: what mpirun said of it, as far as that can be told. */
static void say_why(const struct outcome *outcome, struct err *err)
{
    struct mpirun_kind kind;
    struct err unasked;
    char how[80];
    if (!outcome->launched && mpirun_kind_ask(&kind, &unasked) == 0 &&
        (kind.kind == MPI_KIND_MPICH || kind.kind == MPI_KIND_INTEL)) {
        err_set(err, ERR_MACHINE, "the mpirun in PATH (%s) is that of %s%s%s, expected Open MPI's",
                kind.path, mpirun_kind_name(kind.kind), kind.version[0] ? " " : "", kind.version);
        return;
    }
    if (mpirun_page_known(err, outcome->noise.bytes))
        return;
    name_end(how, sizeof how, outcome);
    int size = 0;
    const char *last = mpirun_page_last_line(outcome->noise.bytes, &size);
    if (last && last != outcome->noise.bytes) // more than that one line
        fputs(outcome->noise.bytes, stderr);
    if (last)
        err_set(err, ERR_MACHINE, "%s, and no rank said why; its last line: %.*s", how, size, last);
    else
        err_set(err, ERR_MACHINE, "%s without a word, and no rank said why", how);
}

int outcome_judge(const struct outcome *outcome, const struct mpirun *job, uint64_t *kept,
                  struct err *err)
{
    const int code = outcome->code;
    struct err unread;
    Trireme__Status *status = outcome->incarnation ? run_status_read(job->run, &unread) : NULL;
    const bool ours = status && status->incarnation == outcome->incarnation;
    char how[80];
    int rc = -1;
    if (ours)
        *kept = status->step;
    if (ours && !(status->code == ERR_STOPPED && is_loss(outcome))) {
        rc = status->code
                 ? err_set(err, (enum err_code)status->code, "%s", status->text ? status->text : "")
                 : 0;
        if (code && code != (int)status->code && status->code == 0)
            rc = 0; // the run was over; what mpirun says of its end changes nothing
    } else if (outcome->ended_at_once) {
        err_set(err, ERR_MACHINE,
                "stopped at once on request: what came after the newest checkpoint is lost");
    } else if (outcome->said && is_ours(code)) {
        err->code = (enum err_code)code; // a rank said why, and could not write it to the run
        err->text[0] = 0;
    } else if (!outcome->incarnation && (outcome->asked || is_request(outcome->lost_signal))) {
        err->code = ERR_STOPPED; // before there was a launch
        err->text[0] = 0;
    } else if (!outcome->launched && outcome->lost_signal == SIGSEGV) {
        err_set(err, ERR_MACHINE,
                "%s while MPI started: does a variable OMPI_MCA_ or a file of parameters ask for "
                "what is not there?",
                outcome->lost);
    } else if (outcome->lost[0]) {
        say_kept(outcome->lost, outcome, job, err);
    } else if (ours) {
        name_end(how, sizeof how, outcome);
        say_kept(how, outcome, job, err);
    } else {
        say_why(outcome, err);
    }
    message_free(status);
    return rc;
}

void outcome_clear(struct outcome *outcome)
{
    text_clear(&outcome->noise);
}
