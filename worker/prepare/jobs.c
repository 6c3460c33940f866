#include "worker/prepare/jobs.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct jobs {
    jobs_work_fn work;
    void *context;
    pthread_mutex_t lock; /* of the fields below */
    size_t next, n;
    bool failed;
    size_t failed_item;
    struct err *err;
};

struct thread {
    struct jobs *jobs;
    size_t job;
    pthread_t id;
};

/* Takes the next item; false: there is none. */
static bool take_item(struct jobs *jobs, size_t *item)
{
    pthread_mutex_lock(&jobs->lock);
    const bool taken = !jobs->failed && jobs->next < jobs->n;
    if (taken)
        *item = jobs->next++;
    pthread_mutex_unlock(&jobs->lock);
    return taken;
}

static void fail(struct jobs *jobs, size_t item, const struct err *err)
{
    pthread_mutex_lock(&jobs->lock);
    if (!jobs->failed || item < jobs->failed_item) {
        jobs->failed = true;
        jobs->failed_item = item;
        *jobs->err = *err;
    }
    pthread_mutex_unlock(&jobs->lock);
}

static void *run(void *context)
{
    const struct thread *thread = context;
    struct jobs *jobs = thread->jobs;
    size_t item;
    struct err err;
    while (take_item(jobs, &item))
        if (jobs->work(jobs->context, thread->job, item, &err) < 0)
            fail(jobs, item, &err);
    return NULL;
}

int jobs_run(size_t n, size_t n_jobs, jobs_work_fn work, void *context, struct err *err)
{
    struct jobs jobs = {.work = work, .context = context, .n = n, .err = err};
    pthread_mutex_init(&jobs.lock, NULL);
    const size_t n_more = n < n_jobs ? (n ? n - 1 : 0) : n_jobs - 1;
    struct thread *threads = mem_new(n_more, sizeof *threads), own = {.jobs = &jobs};
    size_t begun = 0;
    for (; begun < n_more; begun++) {
        struct thread *thread = &threads[begun];
        *thread = (struct thread){.jobs = &jobs, .job = begun + 1};
        if (pthread_create(&thread->id, NULL, run, thread) != 0)
            break; // where the system has no more threads, these do
    }
    run(&own);
    for (size_t i = 0; i < begun; i++)
        pthread_join(threads[i].id, NULL);
    free(threads);
    pthread_mutex_destroy(&jobs.lock);
    return jobs.failed ? -1 : 0;
}
