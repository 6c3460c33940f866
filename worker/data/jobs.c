#include "worker/data/jobs.h"

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
    struct jobs *jobs = context;
    size_t item;
    struct err err;
    while (take_item(jobs, &item))
        if (jobs->work(jobs->context, item, &err) < 0)
            fail(jobs, item, &err);
    return NULL;
}

int jobs_run(size_t n, size_t n_jobs, jobs_work_fn work, void *context, struct err *err)
{
    struct jobs jobs = {.work = work, .context = context, .n = n, .err = err};
    pthread_mutex_init(&jobs.lock, NULL);
    const size_t n_more = n < n_jobs ? (n ? n - 1 : 0) : n_jobs - 1;
    pthread_t *threads = mem_new(n_more, sizeof *threads);
    size_t begun = 0;
    while (begun < n_more && pthread_create(&threads[begun], NULL, run, &jobs) == 0)
        begun++; // where the system has no more threads, these do
    run(&jobs);
    for (size_t i = 0; i < begun; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    pthread_mutex_destroy(&jobs.lock);
    return jobs.failed ? -1 : 0;
}
