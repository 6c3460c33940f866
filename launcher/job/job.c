#include "launcher/job/job.h"

#include "base/clock.h"
#include "base/warn.h"
#include "coordinator/coordinator.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/run.h"
#include "coordinator/run/without_step.h"
#include "launcher/batch/time_left.h"
#include "launcher/environment.h"
#include "launcher/job/entry.h"
#include "launcher/job/hello.h"
#include "launcher/job/stop_request.h"
#include "launcher/job/supervise.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/planner_llm.h"
#include "launcher/machine/leftovers.h"
#include "launcher/planner/planner_script.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/link.h"
#include "proto/net/mpi_transport.h"
#include "proto/schema/message.h"
#include "proto/schema/utf8.h"
#include "ps/server.h"
#include "worker/worker.h"

#include "control.pb-c.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A sentence, in which others' texts may be. */
static void say(const char *sentence)
{
    char *text = utf8_shown(sentence);
    fprintf(stderr, "trireme: %s\n", text);
    free(text);
}

/* Before MPI, whose start may take long. */
static void take_requests(void)
{
    if (environment_supervised())
        signal(SIGUSR2, SIG_IGN); // what mpirun passes on when `train` is gone
    if (environment_supervised() && environment_rank() == 0)
        stop_request_listen(STDIN_FILENO);
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

/* The key of the language model's server: of a file, or from the `train` that took it out of its
 * environment. *key: NULL where it needs none. */
static int find_key(struct llm_key **key, const struct run *run, struct err *err)
{
    const Trireme__Llm *llm = run->config->llm;
    *key = NULL;
    if (llm->key_file[0] && !(*key = llm_key_read(llm->key_file, err)))
        return err_context(err, "llm.key_file");
    if (!llm->key_env[0])
        return 0;
    if (!environment_supervised())
        return err_set(err, ERR_USAGE,
                       "llm.key_env: %s: found a job that mpirun or srun was started for by hand, "
                       "where every rank would have the key in its environment: expected "
                       "llm.key_file",
                       llm->key_env);
    return (*key = llm_key_take(run->folder, err)) ? 0 : err_context(err, "llm.key_env");
}

static struct planner *make_llm(const struct run *run, struct err *err)
{
    struct llm_key *key;
    return find_key(&key, run, err) < 0
               ? NULL
               : planner_llm_new(run->config, run->folder, NULL, key, NULL, warn_stderr, NULL, err);
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
               : e->planner == TRIREME__EXPERIMENT__PLANNER__client
                   ? planner_client_new(run->folder, run->incarnation)
               : e->planner == TRIREME__EXPERIMENT__PLANNER__llm
                   ? make_llm(run, err)
                   : planner_script_new(run->config, run->folder, NULL, warn_stderr, NULL, err);
    return *planner ? 0 : -1;
}

/* Before the run is touched: whether all ranks were started as this one was. */
static int compare_ranks(const struct job *job, struct endpoint *endpoint,
                         const Trireme__Config *config, struct err *err)
{
    Trireme__Hello *mine = hello_new(job->command, job->request, config, NULL);
    int rc = hello_gather(endpoint, mine, job->request, run_config_launch_seconds(config),
                          stop_request_flag(), err);
    message_free(mine);
    return rc;
}

/* Of --max-seconds, or shortly before Slurm ends the job; on the clock of this host. 0: never. */
static double deadline(const struct job *job)
{
    const double began = environment_began() > 0 ? environment_began() : job->began;
    struct environment_allocation allocation;
    environment_find_allocation(&allocation);
    const double seconds = time_left_bound(job->max_seconds, allocation.end, began);
    return seconds > 0 ? clock_now() - (clock_date() - began) + seconds : 0;
}

static void say_began(void)
{
    if (environment_supervised())
        fprintf(stderr, SUPERVISE_BEGAN "\n");
}

static struct coordinator *begin(const struct job *job, struct endpoint *endpoint, struct run *run,
                                 struct err *err)
{
    if (check_size(job, endpoint->size, err) < 0 || job->plan(run, job->request, err) < 0 ||
        compare_ranks(job, endpoint, run->config, err) < 0)
        return NULL;
    int rc = run_claim(run, err);
    if (run->incarnation && environment_supervised())
        fprintf(stderr, SUPERVISE_CLAIMED "%llu\n", (unsigned long long)run->incarnation);
    if (rc == 0)
        rc = run_open_secret(run, err);
    if (rc == 0 && *stop_request_flag())
        rc = without_step_stop(err);
    run->stop = stop_request_flag();
    if (rc == 0 && (rc = run_locate(run, warn_stderr, NULL, err)) < 0 && err->code == ERR_STOPPED)
        without_step_stop(err);
    if (rc < 0)
        return NULL;
    int columns = environment_columns();
    struct planner *planner = NULL;
    if (make_planner(&planner, job, run, err) < 0)
        return NULL;
    struct coordinator_options options = {.n_servers = (int)job->servers,
                                          .deadline = deadline(job),
                                          .live = columns > 0,
                                          .columns = columns,
                                          .planner = planner,
                                          .left_out = entry_left_out(),
                                          .replay = job->replay,
                                          .stop = stop_request_flag(),
                                          .began = say_began};
    return coordinator_new(endpoint, run, &options, err);
}

/* Returns whether the job can end in good order. */
static bool run_coordinator(const struct job *job, struct endpoint *endpoint, uint64_t *kept,
                            struct err *how)
{
    struct run run = {0};
    bool orderly = true;
    uint64_t steps = 0;
    if (environment_supervised())
        fprintf(stderr, SUPERVISE_LAUNCHED "\n"); // from here on a stop may be asked for
    struct coordinator *coordinator = begin(job, endpoint, &run, how);
    if (coordinator) {
        orderly = coordinator_run(coordinator, how);
        *kept = coordinator_kept_step(coordinator);
        steps = coordinator_steps_done(coordinator);
    } else {
        send_end(endpoint, (int)how->code);
        orderly = how->code != ERR_MACHINE; // else a rank may not be there
    }
    struct err err;
    if (run.incarnation && how->code == ERR_STOPPED && steps == 0)
        without_step_count(&run, kept, how);
    if (run.incarnation && run_status_write(&run, *kept, how, &err) == 0 &&
        environment_supervised())
        how->text[0] = 0; // `train` reads it there, and says it
    if (!run.incarnation && how->code == ERR_STOPPED && environment_supervised()) {
        fprintf(stderr, SUPERVISE_STOPPED "\n");
        how->text[0] = 0; // it says it, and counts the launch
    }
    if (environment_supervised())
        fprintf(stderr, SUPERVISE_ENDED "\n");
    coordinator_free(coordinator);
    run_clear(&run);
    return orderly;
}

/* Says what this rank was started as, and waits for START, which says its role. Returns the job's
 * exit code, or -1 if no END came. */
static int run_other(const struct job *job, struct endpoint *endpoint, const struct err *refused)
{
    struct link link;
    struct parcel first;
    struct err err = {0}, unread;
    link_init(&link, endpoint);
    link.stop = stop_request_flag();
    Trireme__Config *config = refused ? NULL : job->config(job->request, &unread);
    Trireme__Hello *hello = hello_new(job->command, job->request, config, refused);
    endpoint_send(endpoint, LINK_COORDINATOR, TAG_HELLO, hello);
    message_free(hello);
    message_free(config);
    const int there = link_await_start(&link, &first, &err);
    if (there == 0)
        return (int)link.code;
    Trireme__Start *start = there > 0 ? endpoint_open(&first, &err) : NULL;
    if (!start)
        return role_fail(&link, &err);
    const bool serves = endpoint->rank <= (int64_t)start->servers;
    message_free(start);
    int code;
    if (serves) {
        struct server *server = server_new(endpoint);
        server_link(server)->first = &first;
        server_link(server)->stop = stop_request_flag();
        code = role_run(server_turn, server, server_link(server));
        server_free(server);
    } else {
        struct worker *worker = worker_new(endpoint);
        worker_link(worker)->first = &first;
        worker_link(worker)->stop = stop_request_flag();
        code = role_run(worker_turn, worker, worker_link(worker));
        worker_free(worker);
    }
    return code;
}

/* Of a rank above 0. One that failed and could not tell the coordinator says so itself. */
static void end_other(struct endpoint *endpoint, int code)
{
    if (code < 0) {
        fprintf(stderr, "trireme: rank %d: gave up: the coordinator does not answer\n",
                endpoint->rank);
        mpi_transport_abort(ERR_MACHINE);
    }
    mpi_transport_close(endpoint, 0, NULL);
}

/* Runs this rank over MPI. */
static int run(const struct job *job, struct leftovers_mark *mark, uint64_t *kept, struct err *err)
{
    struct endpoint *endpoint = entry_open(job, err);
    leftovers_mark_mapped(mark);
    if (!endpoint)
        return -1;
    if (endpoint->rank > 0) {
        end_other(endpoint, run_other(job, endpoint, NULL));
        return 0;
    }
    *err = (struct err){0};
    if (!run_coordinator(job, endpoint, kept, err)) {
        if (err->text[0])
            say(err->text);
        mpi_transport_abort(err->code);
    }
    bool said =
        // mpirun takes seconds to end a job whose first rank failed
        environment_supervised() && !err->text[0];
    mpi_transport_close(endpoint, said ? 0 : (int)err->code, err->text[0] ? err->text : NULL);
    return err->code == ERR_NONE || said ? 0 : -1;
}

int job_run(const struct job *job, uint64_t *kept, struct err *err)
{
    take_requests();
    leftovers_sweep(LEFTOVERS_SHARED);
    const struct leftovers_told told = {.session = environment_mpi_session(),
                                        .job = environment_mpi_job()};
    struct leftovers_mark *mark = leftovers_mark(LEFTOVERS_SHARED, &told);
    int rc = run(job, mark, kept, err);
    leftovers_unmark(mark);
    return rc;
}

int job_refuse(const char *command, struct err *err)
{
    const struct job job = {.command = {command}};
    struct err other;
    stop_request_catch();
    struct endpoint *endpoint = entry_open(&job, &other);
    if (!endpoint)
        return -1;
    if (endpoint->rank > 0) {
        end_other(endpoint, run_other(&job, endpoint, err));
        return 0;
    }
    Trireme__Hello *mine = hello_new(job.command, NULL, NULL, err);
    const int rc = hello_gather(endpoint, mine, NULL, ENTRY_SECONDS, stop_request_flag(), &other);
    message_free(mine);
    send_end(endpoint, (int)err->code);
    if (rc < 0) {
        say(err->text);
        mpi_transport_abort(err->code);
    }
    mpi_transport_close(endpoint, (int)err->code, err->text);
    return -1;
}
