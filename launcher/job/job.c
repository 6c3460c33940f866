#include "launcher/job/job.h"

#include "base/warn.h"
#include "coordinator/coordinator.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/run.h"
#include "launcher/environment.h"
#include "launcher/job/leftovers.h"
#include "launcher/job/supervise.h"
#include "launcher/planner/planner_script.h"
#include "proto/net/endpoint.h"
#include "proto/net/link.h"
#include "proto/net/mpi_transport.h"
#include "ps/server.h"
#include "worker/worker.h"

#include "control.pb-c.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;

static void on_stop(int signal)
{
    (void)signal;
    stop_signal = 1;
}

/* SIGUSR1 asks for a checkpoint and the end. mpirun sends it to all ranks; only the coordinator
 * acts on it. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

static int check_size(const struct job *job, int size, struct err *err)
{
    if (size < 2 + (int)job->servers)
        return err_set(
            err, ERR_USAGE,
            "found %d ranks, expected at least %u: a coordinator, %u server(s), a worker", size,
            2 + job->servers, job->servers);
    if (job->workers && (int)(1 + job->servers + job->workers) != size)
        return err_set(err, ERR_USAGE,
                       "found %d ranks, expected %u: a coordinator, %u server(s), %u worker(s)",
                       size, 1 + job->servers + job->workers, job->servers, job->workers);
    return 0;
}

/* Ends a job that could not begin: no rank got START. */
static void send_end(struct endpoint *endpoint, int code)
{
    Trireme__End end = TRIREME__END__INIT;
    end.code = (uint32_t)code;
    for (int r = 1; r < endpoint->size; r++)
        endpoint_send(endpoint, r, TAG_END, &end);
}

/* Makes the planner of the configuration; NULL if there is none, and in a replay. */
static int make_planner(struct planner **planner, const struct job *job, const struct run *run,
                        struct err *err)
{
    const Trireme__Experiment *e = run->config->experiment;
    *planner = NULL;
    if (job->replay || e->planner == TRIREME__EXPERIMENT__PLANNER__none)
        return 0;
    *planner = e->planner == TRIREME__EXPERIMENT__PLANNER__random
                   ? planner_random_new(run->config->train->seed)
                   : planner_script_new(e->command, e->n_command, run->folder, e->patience, err);
    return *planner ? 0 : -1;
}

static struct coordinator *begin(const struct job *job, struct endpoint *endpoint, struct run *run,
                                 struct err *err)
{
    if (check_size(job, endpoint->size, err) < 0 || job->plan(run, job->request, err) < 0)
        return NULL;
    int rc = run_claim(run, err);
    if (run->incarnation && environment_supervised())
        fprintf(stderr, SUPERVISE_CLAIMED "%llu\n", (unsigned long long)run->incarnation);
    if (rc < 0 || run_locate(run, warn_stderr, NULL, err) < 0)
        return NULL;
    int columns = environment_columns();
    struct planner *planner = NULL;
    if (make_planner(&planner, job, run, err) < 0)
        return NULL;
    struct coordinator_options options = {.n_servers = (int)job->servers,
                                          .max_seconds = job->max_seconds,
                                          .live = columns > 0,
                                          .columns = columns,
                                          .planner = planner,
                                          .replay = job->replay,
                                          .stop = &stop_signal};
    return coordinator_new(endpoint, run, &options, err);
}

/* Returns whether the job can end in good order. */
static bool run_coordinator(const struct job *job, struct endpoint *endpoint, uint64_t *kept,
                            struct err *how)
{
    struct run run = {0};
    bool orderly = true;
    if (environment_supervised())
        fprintf(stderr, SUPERVISE_LAUNCHED "\n"); // from here on a stop may be asked for
    struct coordinator *coordinator = begin(job, endpoint, &run, how);
    if (coordinator) {
        orderly = coordinator_run(coordinator, how);
        *kept = coordinator_kept_step(coordinator);
    } else {
        send_end(endpoint, (int)how->code);
    }
    struct err err;
    if (run.incarnation && run_status_write(&run, *kept, how, &err) == 0 &&
        environment_supervised())
        how->text[0] = 0; // `train` reads it there, and says it
    coordinator_free(coordinator);
    run_clear(&run);
    return orderly;
}

/* A rank that failed and could not tell the coordinator says so itself. */
static int run_other(const struct job *job, struct endpoint *endpoint)
{
    int code = 0;
    if (endpoint->rank <= (int)job->servers) {
        struct server *server = server_new(endpoint);
        code = role_run(server_turn, server, server_link(server));
        server_free(server);
    } else {
        struct worker *worker = worker_new(endpoint);
        code = role_run(worker_turn, worker, worker_link(worker));
        worker_free(worker);
    }
    return code;
}

/* Runs this rank over MPI. */
static int run(const struct job *job, struct leftovers_mark *mark, uint64_t *kept, struct err *err)
{
    struct endpoint *endpoint = mpi_transport_open();
    leftovers_mark_mapped(mark);
    if (endpoint->rank > 0) {
        if (run_other(job, endpoint) < 0) {
            fprintf(stderr, "trireme: rank %d: gave up: the coordinator does not answer\n",
                    endpoint->rank);
            mpi_transport_abort(ERR_MACHINE);
        }
        endpoint_free(endpoint);
        return 0;
    }
    *err = (struct err){0};
    if (!run_coordinator(job, endpoint, kept, err)) {
        if (err->text[0])
            fprintf(stderr, "trireme: %s\n", err->text);
        mpi_transport_abort(err->code);
    }
    endpoint_free(endpoint);
    bool said =
        // mpirun takes seconds to end a job whose first rank failed
        environment_supervised() && !err->text[0];
    return err->code == ERR_NONE || said ? 0 : -1;
}

int job_run(const struct job *job, uint64_t *kept, struct err *err)
{
    catch_signals();
    leftovers_sweep(LEFTOVERS_SHARED);
    const struct leftovers_told told = {.session = environment_mpi_session(),
                                        .job = environment_mpi_job()};
    struct leftovers_mark *mark = leftovers_mark(LEFTOVERS_SHARED, &told);
    int rc = run(job, mark, kept, err);
    leftovers_unmark(mark);
    return rc;
}
