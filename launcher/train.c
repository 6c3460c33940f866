/* trireme train, trireme resume: inside an MPI job a rank's life, outside it mpirun with the same line. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run.h"
#include "launcher/command.h"
#include "launcher/environment.h"
#include "launcher/job.h"
#include "launcher/supervise.h"
#include "proto/file/checkpoint.h"
#include "proto/file/first_weights.h"
#include "proto/file/run_config.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"
#include "proto/schema/option.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "worker/data/dataset.h"

#include "command.pb-c.h"

#include <sched.h>
#include <stdlib.h>

/* First weights from a run whose checkpoint is not there, or of another model. */
static int check_init(const struct run *run, const struct layout *layout, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run->folder, &n, err);
    free(steps);
    if (!steps)
        return -1;
    return n ? 0 : first_weights_check(run->config, layout, err); // a run that goes on needs them no more
}

/* What can be said before anything is written: the servers' shares, the first weights, the data. */
static int check(const struct run *run, unsigned servers, struct err *err)
{
    const Trireme__Run *config = run->config;
    struct layout *layout = layout_new(config->model);
    struct shard *shards = mem_new(servers, sizeof *shards);
    int rc = shard_map(shards, servers, layout, err);
    if (rc == 0)
        rc = check_init(run, layout, err);
    free(shards);
    layout_free(layout);
    if (rc < 0)
        return -1;
    double *weights = run_config_weights(config);
    Trireme__Segment *first = order_first_segment(weights, config->data->n_sources);
    struct dataset *dataset = dataset_open(config->data, config->model->context, config->model->vocab,
                                           config->train->seed, (const Trireme__Segment *const *)&first, 1, err);
    free(weights);
    message_free(first);
    dataset_free(dataset);
    return dataset ? 0 : -1;
}

static int plan_train(struct run *run, const void *request, struct err *err)
{
    const Trireme__TrainRequest *r = request;
    Trireme__Run *config = run_config_read(r->config, r->set, r->n_set, err);
    return config && run_plan_train(run, r->out, config, err) == 0 ? check(run, r->servers, err) : -1;
}

static int plan_resume(struct run *run, const void *request, struct err *err)
{
    const Trireme__ResumeRequest *r = request;
    return run_plan_resume(run, r->run, r->set, r->n_set, err) == 0 ? check(run, r->servers, err) : -1;
}

static unsigned cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* What train and resume have in common. */
struct launch {
    const char *command, *folder, *hostfile; /* hostfile may be NULL */
    struct job job;
};

/* Outside a job: checks what can be checked, then starts mpirun with the same command for every rank. */
static int outside(const struct launch *launch, uint64_t *kept, struct err *err)
{
    const struct job *job = &launch->job;
    struct run run = {.lock = -1};
    if (launch->hostfile && !job->workers)
        return err_set(err, ERR_USAGE,
                       "--workers: found none beside --hostfile, expected their number over all hosts");
    int rc = job->plan(&run, job->request, err);
    if (rc == 0)
        rc = file_make_dirs(launch->folder, ERR_USAGE, err);
    run_clear(&run);
    if (rc < 0)
        return -1;
    size_t n_words = 0;
    char **words = options_write(job->request, &n_words);
    struct supervise mpirun = {.run = launch->folder,
                               .command = launch->command,
                               .arguments = words,
                               .ranks = 1 + job->servers + (job->workers ? job->workers : cores()),
                               .servers = job->servers,
                               .hostfile = launch->hostfile};
    rc = supervise(&mpirun, kept, err);
    for (size_t i = 0; i < n_words; i++)
        free(words[i]);
    free(words);
    return rc;
}

static int run_launch(const struct launch *launch, Trireme__TrainReply *reply, struct err *err)
{
    reply->has_step = 1;
    return environment_in_job() ? job_run(&launch->job, &reply->step, err) : outside(launch, &reply->step, err);
}

int command_train(const void *request, void *reply, struct err *err)
{
    const Trireme__TrainRequest *r = request;
    const struct job job = {plan_train, r, r->workers, r->servers, r->max_seconds};
    return run_launch(&(struct launch){"train", r->out, r->hostfile, job}, reply, err);
}

int command_resume(const void *request, void *reply, struct err *err)
{
    const Trireme__ResumeRequest *r = request;
    const struct job job = {plan_resume, r, r->workers, r->servers, r->max_seconds};
    return run_launch(&(struct launch){"resume", r->run, r->hostfile, job}, reply, err);
}
