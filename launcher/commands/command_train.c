/* trireme train, resume, ledger replay: inside an MPI job a rank, outside it mpirun with the same
 * arguments. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/patch/policy.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "coordinator/run/without_step.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/environment.h"
#include "launcher/job/job.h"
#include "launcher/job/mpirun.h"
#include "launcher/job/stop_request.h"
#include "launcher/job/supervise.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/planner_llm.h"
#include "launcher/machine/cores.h"
#include "launcher/machine/hostfile.h"
#include "launcher/planner/planner_script.h"
#include "proto/config/first_weights.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "proto/schema/option.h"
#include "proto/schema/read.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "worker/data/dataset.h"

#include "command.pb-c.h"
#include "files.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* First weights from a run whose checkpoint is not there, or of another model. */
static int check_init(const struct run *run, const struct layout *layout, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run->folder, &n, err);
    free(steps);
    if (!steps)
        return -1;
    // A run that has a checkpoint does not need them.
    return n ? 0 : first_weights_check(run->config, layout, err);
}

/* The planner's program, the operator's policy, and where the secret is. A replay asks no planner.
 */
static int check_experiment(const struct run *run, bool replay, struct err *err)
{
    const Trireme__Experiment *experiment = run->config->experiment;
    Trireme__Policy *policy = NULL;
    if (secret_check_where(experiment->secret, err) < 0 ||
        policy_read(&policy, experiment->policy, err) < 0)
        return -1;
    message_free(policy);
    switch (replay ? TRIREME__EXPERIMENT__PLANNER__none : experiment->planner) {
    case TRIREME__EXPERIMENT__PLANNER__script:
        return planner_script_check(run->config, run->folder, err);
    case TRIREME__EXPERIMENT__PLANNER__llm:
        return planner_llm_check(run->config, run->folder, err);
    default:
        return 0;
    }
}

/* Checks what can be checked before anything is written: the servers' shares, the first weights,
 * the data. */
static int check(const struct run *run, unsigned servers, bool replay, struct err *err)
{
    const Trireme__Config *config = run->config;
    struct layout *layout = layout_new(config->model);
    struct shard *shards = mem_new(servers, sizeof *shards);
    int rc = shard_map(shards, servers, layout, err);
    if (rc == 0)
        rc = check_experiment(run, replay, err);
    if (rc == 0)
        rc = check_init(run, layout, err);
    free(shards);
    layout_free(layout);
    if (rc < 0)
        return -1;
    struct dataset *dataset = dataset_open(config->data, config->model->context,
                                           config->model->vocab, config->train->seed, err);
    Trireme__Segment *first = dataset ? run_config_first_segment(config, err) : NULL;
    dataset_free(dataset);
    message_free(first);
    return first ? 0 : -1;
}

static Trireme__Config *config_train(const void *request, struct err *err)
{
    const Trireme__TrainRequest *r = request;
    return run_config_read_for(r->out, r->config, r->set, r->n_set, err);
}

static int plan_train(struct run *run, const void *request, struct err *err)
{
    const Trireme__TrainRequest *r = request;
    Trireme__Config *config = config_train(request, err);
    return config && run_plan_train(run, r->out, config, err) == 0
               ? check(run, r->servers, false, err)
               : -1;
}

static Trireme__Config *config_resume(const void *request, struct err *err)
{
    const Trireme__ResumeRequest *r = request;
    char *folder = NULL;
    bool has_step;
    uint64_t step;
    if (checkpoint_name(&folder, &has_step, &step, r->run, err) < 0)
        return NULL;
    Trireme__Config *before = run_config_of(folder, err);
    Trireme__Config *config = before ? run_config_change(before, r->set, r->n_set, err) : NULL;
    message_free(before);
    free(folder);
    return config;
}

static int plan_resume(struct run *run, const void *request, struct err *err)
{
    const Trireme__ResumeRequest *r = request;
    return run_plan_resume(run, r->run, r->set, r->n_set, err) == 0
               ? check(run, r->servers, false, err)
               : -1;
}

/* A replay has the configuration of the end from the beginning on: it cannot follow changes by
 * hand. */
static int check_ledger(const char *run, struct err *err)
{
    struct ledger *ledger = ledger_open(run, false, err);
    int rc = ledger ? 0 : -1;
    if (rc == 0 && ledger_records(ledger) == 0)
        rc = err_set(err, ERR_USAGE, "%s: found no ledger: nothing was proposed in this run", run);
    for (size_t i = 0; rc == 0 && i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind == TRIREME__RECORD_KIND__correction && r->by && actor_is_person(r->by))
            rc = err_set(
                err, ERR_USAGE,
                "%s: a replay cannot follow what line %zu of the ledger tells of: %s at step %llu",
                run, i + 1, r->text ? r->text : "", (unsigned long long)r->step);
    }
    ledger_free(ledger);
    return rc;
}

/* The end of the replayed run is what the replay's is compared with. */
static int check_ended(const Trireme__LedgerReplayRequest *r, struct err *err)
{
    if (run_config_exists(r->run, err) < 0)
        return -1;
    if (run_is_trained(r->run))
        return err_set(err, ERR_USAGE,
                       "%s: this run is being trained, expected one that is complete", r->run);
    char *here = realpath(r->run, NULL), *there = realpath(r->out, NULL);
    Trireme__Status *status = run_status_read(r->run, err);
    int rc = status ? 0 : -1;
    if (rc == 0 && here && there && !strcmp(here, there))
        rc = err_set(err, ERR_USAGE, "--out %s: found the run itself, expected another folder",
                     r->out);
    else if (rc == 0 && status->code != ERR_NONE)
        rc = err_set(
            err, ERR_USAGE,
            "%s: found a run that ended with code %u at step %llu, expected one that is complete",
            r->run, status->code, (unsigned long long)status->step);
    message_free(status);
    free(there);
    free(here);
    return rc;
}

static Trireme__Config *config_replay(const void *request, struct err *err)
{
    return run_config_of(((const Trireme__LedgerReplayRequest *)request)->run, err);
}

static int plan_replay(struct run *run, const void *request, struct err *err)
{
    const Trireme__LedgerReplayRequest *r = request;
    Trireme__Config *config = check_ended(r, err) < 0 || check_ledger(r->run, err) < 0
                                  ? NULL
                                  : run_config_of(r->run, err);
    return config && run_plan_train(run, r->out, config, err) == 0
               ? check(run, r->servers, true, err)
               : -1;
}

/* Workers by default: as many as cores that may be used here, or over the nodes of an allocation.
 */
static unsigned cores(void)
{
    struct cores here;
    struct environment_allocation allocation;
    cores_read(&here, "");
    environment_find_allocation(&allocation);
    const unsigned usable = cores_usable(&here), cpus = allocation.cpus;
    return cpus && (allocation.nodes > 1 || cpus < usable) ? cpus : usable;
}

/* What train and resume have in common. */
struct launch {
    const char *folder, *hostfile; /* hostfile may be NULL */
    bool goes_back;                /* `resume RUN@STEP` */
    struct job job;
};

/* A request to stop came before the ranks had begun. That is a launch, too: it is counted. */
static int stop_early(const struct job *job, uint64_t *kept, struct err *err)
{
    struct run run = {0};
    struct err unwritten;
    int rc = job->plan(&run, job->request, err);
    if (rc == 0)
        rc = run_claim(&run, err);
    if (rc == 0) {
        rc = without_step_stop(err);
        without_step_count(&run, kept, err);
        run_status_write(&run, *kept, err, &unwritten); // the sentence is said in any case
    }
    run_clear(&run);
    return rc;
}

/* Takes the key of the language model's server out of the environment, which mpirun hands to all
 * ranks, and hands it to rank 0 by a file. */
static int hand_over_key(const struct launch *launch, const Trireme__Config *config,
                         struct err *err)
{
    const char *name = config->llm->key_env;
    const bool needed =
        config->experiment->planner == TRIREME__EXPERIMENT__PLANNER__llm && !launch->job.replay;
    if (!needed || !name[0]) { // in a replay, too
        char *value = name[0] ? environment_take(name) : NULL;
        if (value)
            explicit_bzero(value, strlen(value));
        free(value);
        return 0;
    }
    struct llm_key *key = llm_key_take_variable(name, err);
    const int rc = key ? llm_key_hand_over(key, launch->folder, err) : -1;
    llm_key_free(key);
    return rc;
}

/* Outside a job: checks what can be checked, then starts mpirun with the same command for every
 * rank. */
static int outside(const struct launch *launch, uint64_t *kept, struct err *err)
{
    const struct job *job = &launch->job;
    struct run run = {0};
    struct hostfile hosts = {0};
    if (launch->hostfile && !job->workers)
        return err_set(
            err, ERR_USAGE,
            "--workers: found none beside --hostfile, expected their number over all hosts");
    int rc = launch->hostfile ? hostfile_read(&hosts, launch->hostfile, err) : 0;
    if (rc == 0)
        rc = job->plan(&run, job->request, err);
    const double launch_seconds = rc == 0 ? run_config_launch_seconds(run.config) : 0;
    bool open; // rank 0 says it
    if (rc == 0)
        rc = file_make_private(&open, launch->folder, ERR_USAGE, err);
    if (rc == 0 &&
        (rc = person_hand_over(launch->folder, run.config->experiment->secret, err)) < 0 &&
        *stop_request_flag()) // while it waited for the passphrase
        without_step_stop(err);
    if (rc == 0)
        rc = hand_over_key(launch, run.config, err);
    run_clear(&run);
    if (rc == 0) {
        size_t n_words = 0;
        char **words = options_write(job->request, &n_words);
        struct mpirun mpirun = {.run = launch->folder,
                                .command = launch->job.command,
                                .arguments = words,
                                .ranks = 1 + job->servers + (job->workers ? job->workers : cores()),
                                .servers = job->servers,
                                .hostfile = launch->hostfile,
                                .hosts = launch->hostfile ? &hosts : NULL,
                                .launch_seconds = launch_seconds,
                                .goes_back = launch->goes_back,
                                .began = job->began};
        rc = *stop_request_flag() ? err_set(err, ERR_STOPPED, "%s", "")
                                  : supervise(&mpirun, kept, err);
        secret_take_away(launch->folder);
        llm_key_take_away(launch->folder);
        if (rc < 0 && err->code == ERR_STOPPED && !err->text[0])
            rc = stop_early(job, kept, err);
        for (size_t i = 0; i < n_words; i++)
            free(words[i]);
        free(words);
    }
    hostfile_clear(&hosts);
    return rc;
}

static int run_launch(const struct launch *launch, Trireme__TrainReply *reply, struct err *err)
{
    reply->has_step = 1;
    if (environment_ignores_hangup())
        stop_request_ignore_hangup();
    stop_request_catch();
    if (environment_check_srun(err) < 0)
        return -1;
    return environment_in_job() ? job_run(&launch->job, &reply->step, err)
                                : outside(launch, &reply->step, err);
}

int command_train(const void *request, void *reply, struct err *err)
{
    const Trireme__TrainRequest *r = request;
    const struct job job = {.command = {"train"},
                            .plan = plan_train,
                            .config = config_train,
                            .request = r,
                            .workers = r->workers,
                            .servers = r->servers,
                            .max_seconds = r->max_seconds,
                            .began = clock_date()};
    return run_launch(&(struct launch){r->out, r->hostfile, false, job}, reply, err);
}

int command_resume(const void *request, void *reply, struct err *err)
{
    const Trireme__ResumeRequest *r = request;
    const struct job job = {.command = {"resume"},
                            .plan = plan_resume,
                            .config = config_resume,
                            .request = r,
                            .workers = r->workers,
                            .servers = r->servers,
                            .max_seconds = r->max_seconds,
                            .began = clock_date()};
    char *folder = NULL;
    bool has_step;
    uint64_t step;
    if (checkpoint_name(&folder, &has_step, &step, r->run, err) < 0)
        return -1;
    int rc = run_launch(&(struct launch){folder, r->hostfile, has_step, job}, reply, err);
    free(folder);
    return rc;
}

static char *hash_of(const char *run, uint64_t step, struct err *err)
{
    Trireme__CkptHashRequest request = TRIREME__CKPT_HASH_REQUEST__INIT;
    Trireme__CkptHashReply *reply = message_new(&trireme__ckpt_hash_reply__descriptor);
    request.checkpoint = mem_format("%s@%llu", run, (unsigned long long)step);
    char *hash = command_ckpt_hash(&request, reply, err) < 0 ? NULL : mem_strdup(reply->hash);
    free(request.checkpoint);
    message_free(reply);
    return hash;
}

int command_ledger_replay(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerReplayRequest *r = request;
    Trireme__TrainReply *done = reply;
    const struct job job = {
        .command = {"ledger", "replay"},
        .plan = plan_replay,
        .config = config_replay,
        .request = r,
        .workers = r->workers,
        .servers = r->servers,
        .max_seconds = r->max_seconds,
        .began = clock_date(),
        .replay = r->run
    };
    if (run_launch(&(struct launch){r->out, r->hostfile, false, job}, reply, err) < 0)
        return -1;
    if (environment_in_job() && (environment_rank() > 0 || environment_supervised()))
        return 0; // the `ledger replay` that started this rank compares
    char *expected = hash_of(r->run, done->step, err);
    done->hash = expected ? hash_of(r->out, done->step, err) : NULL;
    int rc = done->hash ? 0 : -1;
    if (rc == 0 && strcmp(done->hash, expected))
        rc = err_set(err, ERR_DATA, "the replay ended at step %llu with hash %s, expected %s",
                     (unsigned long long)done->step, done->hash, expected);
    free(expected);
    return rc;
}

int command_train_check(unsigned *threads, const void *request, struct err *err)
{
    struct run run = {0};
    int rc = plan_train(&run, request, err);
    if (rc == 0)
        *threads = run.config->compute->threads;
    run_clear(&run);
    return rc;
}

void print_nothing(const void *reply)
{
    (void)reply;
}

void print_replay(const void *reply)
{
    const Trireme__TrainReply *r = reply;
    if (r->hash)
        printf("the replay ended at step %" PRIu64 " with the same hash: %s\n", r->step, r->hash);
}
