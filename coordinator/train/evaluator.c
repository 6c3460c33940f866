#include "coordinator/train/evaluator.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/trial.h"
#include "proto/net/endpoint.h"

#include <stdlib.h>

struct evaluator {
    struct endpoint *endpoint; /* borrowed */
    struct liveness *liveness; /* borrowed */
    int first_worker;
    size_t n_workers;
    struct evaluation *evaluation; /* borrowed; NULL: none is under way */
    size_t n_sources;
    struct trial *trial; /* borrowed: it is not dropped meanwhile */
    bool abandoned;      /* no more evaluations: what comes of them is late */
    uint64_t *first;     /* one a source */
};

struct evaluator *evaluator_new(struct endpoint *endpoint, struct liveness *liveness, int n_servers)
{
    struct evaluator *e = mem_new(1, sizeof *e);
    *e = (struct evaluator){
        .endpoint = endpoint, .liveness = liveness, .first_worker = 1 + n_servers};
    e->n_workers = (size_t)(endpoint->size - e->first_worker);
    return e;
}

void evaluator_free(struct evaluator *e)
{
    if (!e)
        return;
    free(e->first);
    free(e);
}

bool evaluator_busy(const struct evaluator *e)
{
    return e->evaluation != NULL;
}

/* Leases a source's samples to the workers in equal parts. */
static void lease_source(struct evaluator *e, size_t source, const struct window_set *windows)
{
    uint64_t n = evaluation_samples(e->evaluation, source), first = e->first[source];
    for (size_t w = 0; w < e->n_workers; w++) {
        uint64_t count = n / e->n_workers + (w < n % e->n_workers);
        if (count == 0)
            continue;
        Trireme__Lease lease = TRIREME__LEASE__INIT;
        lease.trial = e->trial->number;
        lease.step = e->trial->step;
        lease.part = windows->part;
        lease.eval_key = windows->key;
        lease.eval_source = (uint32_t)source;
        lease.eval_first = first;
        lease.eval_samples = count;
        endpoint_send(e->endpoint, e->first_worker + (int)w, TAG_LEASE, &lease);
        liveness_await(e->liveness, e->first_worker + (int)w, AWAIT_EVAL, clock_now());
        first += count;
    }
}

static void finish(struct evaluator *e)
{
    if (!evaluation_complete(e->evaluation))
        return;
    e->evaluation = NULL;
    trial_release(e->trial);
}

void evaluator_begin(struct evaluator *e, struct evaluation *evaluation, size_t n_sources,
                     struct trial *trial, const struct window_set *windows)
{
    ASSERT(!e->evaluation && !e->abandoned && trial_rests(trial));
    e->evaluation = evaluation;
    e->trial = trial;
    trial_hold(trial);
    e->first = mem_resize(e->first, n_sources, sizeof *e->first);
    e->n_sources = n_sources;
    evaluation_begin(evaluation);
    for (size_t s = 0; s < n_sources; s++) {
        e->first[s] = windows->first ? windows->first[s] : 0;
        lease_source(e, s, windows);
    }
    finish(e);
}

void evaluator_abandon(struct evaluator *e, uint64_t incarnation)
{
    e->abandoned = true;
    if (!e->evaluation)
        return;
    Trireme__Abandon abandon = TRIREME__ABANDON__INIT;
    abandon.incarnation = incarnation;
    for (size_t w = 0; w < e->n_workers; w++) {
        const int rank = e->first_worker + (int)w;
        endpoint_send(e->endpoint, rank, TAG_ABANDON, &abandon);
        liveness_forget(e->liveness, rank, AWAIT_EVAL);
    }
    e->evaluation = NULL;
    trial_release(e->trial);
}

int evaluator_losses(struct evaluator *e, int from, const Trireme__Losses *losses, struct err *err)
{
    if (e->abandoned)
        return 0;
    if (!e->evaluation || losses->trial != e->trial->number || losses->step != e->trial->step ||
        losses->eval_source >= e->n_sources)
        return err_set(err, ERR_MACHINE,
                       "rank %d evaluated step %llu of trial %u, which nobody asked for", from,
                       (unsigned long long)losses->step, losses->trial);
    if (losses->n_bytes && losses->n_bytes != losses->n_sums)
        return err_set(err, ERR_MACHINE,
                       "rank %d sent the bytes of %zu evaluated samples, expected those of %zu",
                       from, losses->n_bytes, losses->n_sums);
    if (evaluation_add_sums(e->evaluation, losses->eval_source,
                            losses->eval_first - e->first[losses->eval_source], losses->sums,
                            losses->n_bytes ? losses->bytes : NULL, losses->n_sums, err) < 0)
        return -1;
    liveness_arrived(e->liveness, from, AWAIT_EVAL);
    finish(e);
    return 0;
}
