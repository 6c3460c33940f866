#include "coordinator/coordinator.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/collect.h"
#include "coordinator/evaluation.h"
#include "coordinator/keeper.h"
#include "coordinator/lease_plan.h"
#include "coordinator/metrics.h"
#include "coordinator/muster.h"
#include "coordinator/progress.h"
#include "coordinator/run.h"
#include "coordinator/verdict.h"
#include "coordinator/watch.h"
#include "proto/net/endpoint.h"
#include "proto/net/idle.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include "control.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { PARCELS_A_TURN = 64 };
static const double away_seconds = 5;

struct coordinator {
    struct endpoint *endpoint; /* borrowed */
    struct run *run;           /* borrowed */
    struct coordinator_options options;
    const Trireme__Run *config; /* the run's */
    int first_worker;
    size_t n_workers;
    struct layout *layout;
    struct collect *collect;
    struct metrics *metrics;
    struct progress *progress;
    struct watch *watch;
    struct keeper *keeper;
    struct muster muster;
    struct evaluation *evaluation; /* NULL where there is none to be done */
    bool *active;                  /* one a worker */
    struct leaf_range *ranges;
    size_t *eval_leases; /* outstanding ones of each worker */
    uint64_t step;       /* updates done */
    uint64_t leased;     /* updates before the step that is leased; UINT64_MAX: none is */
    bool stopping, finishing, over;
    Trireme__TrainLine line; /* of the step that is being committed */
    double began, step_began, turned, beaten;
    uint64_t beats;
};

static const uint64_t none = UINT64_MAX;

static uint32_t leaves(const struct coordinator *c)
{
    return c->config->train->batch / c->config->train->microbatch;
}

static void send_servers(struct coordinator *c, enum tag tag, const void *message, enum awaited what)
{
    for (int s = 1; s < c->first_worker; s++) {
        endpoint_send(c->endpoint, s, tag, message);
        watch_await(c->watch, s, what, clock_now());
    }
}

static void send_start(struct coordinator *c)
{
    Trireme__Start start = TRIREME__START__INIT;
    start.has_incarnation = 1, start.incarnation = c->run->incarnation;
    start.has_servers = 1, start.servers = (uint32_t)c->options.n_servers;
    start.run = c->run->folder;
    start.config = c->run->config;
    start.checkpoint = c->run->checkpoint;
    start.manifest = c->run->manifest;
    start.segments = c->run->segments, start.n_segments = c->run->n_segments;
    for (int r = 1; r < c->endpoint->size; r++) {
        endpoint_send(c->endpoint, r, TAG_START, &start);
        watch_await(c->watch, r, AWAIT_READY, clock_now());
    }
}

struct coordinator *coordinator_new(struct endpoint *endpoint, struct run *run,
                                    const struct coordinator_options *options, struct err *err)
{
    struct coordinator *c = mem_new(1, sizeof *c);
    c->endpoint = endpoint;
    c->run = run;
    c->options = *options;
    c->config = run->config;
    c->first_worker = 1 + options->n_servers;
    c->n_workers = (size_t)(endpoint->size - c->first_worker);
    c->active = mem_new(c->n_workers, sizeof *c->active);
    memset(c->active, 1, c->n_workers * sizeof *c->active);
    c->ranges = mem_new(c->n_workers, sizeof *c->ranges);
    c->eval_leases = mem_new(c->n_workers, sizeof *c->eval_leases);
    c->layout = layout_new(c->config->model);
    c->collect = collect_new(leaves(c), c->layout->n_blocks);
    c->watch = watch_new(endpoint->size, options->n_servers, c->config->wait->patience, clock_now());
    c->step = run->step;
    c->leased = none;
    c->began = c->turned = c->beaten = clock_now();
    c->progress = progress_new(run->folder, options->live, options->columns, run->step, c->config->train->steps);
    c->metrics = metrics_open(run->folder, run->step, err);
    if (!c->metrics) {
        coordinator_free(c);
        return NULL;
    }
    c->keeper = keeper_new(run, c->metrics, &c->muster, options->n_servers);
    send_start(c);
    return c;
}

void coordinator_free(struct coordinator *c)
{
    if (!c)
        return;
    evaluation_free(c->evaluation);
    muster_clear(&c->muster);
    keeper_free(c->keeper);
    metrics_free(c->metrics);
    progress_free(c->progress);
    watch_free(c->watch);
    collect_free(c->collect);
    layout_free(c->layout);
    free(c->eval_leases);
    free(c->ranges);
    free(c->active);
    free(c);
}

uint64_t coordinator_kept_step(const struct coordinator *c)
{
    return keeper_step(c->keeper);
}

static bool stop_asked(const struct coordinator *c)
{
    return (c->options.stop && *c->options.stop) ||
           (c->options.max_seconds > 0 && clock_now() - c->began >= c->options.max_seconds);
}

static bool is_due(uint64_t every, uint64_t step, uint64_t steps)
{
    return every && (step % every == 0 || step == steps);
}

static bool eval_due(const struct coordinator *c, uint64_t step)
{
    return c->evaluation && is_due(c->config->eval->every, step, c->config->train->steps);
}

/* Leases the step that follows `step` updates. */
static void lease_step(struct coordinator *c, uint64_t step)
{
    collect_begin(c->collect);
    c->leased = step;
    c->step_began = clock_now();
    if (c->options.plan)
        c->options.plan(c->active, c->n_workers, step);
    lease_plan(c->ranges, c->n_workers, c->active, leaves(c));
    for (size_t w = 0; w < c->n_workers; w++) {
        if (c->ranges[w].count == 0)
            continue;
        Trireme__Lease lease = TRIREME__LEASE__INIT;
        lease.has_step = 1, lease.step = step;
        lease.has_first_sample = 1;
        lease.first_sample = c->run->samples + (step - c->run->step) * c->config->train->batch;
        lease.has_first_leaf = 1, lease.first_leaf = c->ranges[w].first;
        lease.has_leaves = 1, lease.leaves = c->ranges[w].count;
        endpoint_send(c->endpoint, c->first_worker + (int)w, TAG_LEASE, &lease);
        watch_await(c->watch, c->first_worker + (int)w, AWAIT_LOSSES, clock_now());
    }
    for (int s = 1; s < c->first_worker; s++)
        watch_await(c->watch, s, AWAIT_NORMS, clock_now());
}

/* Shares each source's samples out among the workers. */
static void lease_evaluation(struct coordinator *c)
{
    evaluation_begin(c->evaluation);
    for (size_t s = 0; s < c->muster.n_sources; s++) {
        uint64_t n = evaluation_samples(c->evaluation, s), first = 0;
        for (size_t w = 0; w < c->n_workers; w++) {
            uint64_t count = n / c->n_workers + (w < n % c->n_workers);
            if (count == 0)
                continue;
            Trireme__Lease lease = TRIREME__LEASE__INIT;
            lease.has_step = 1, lease.step = c->step;
            lease.has_eval_source = 1, lease.eval_source = (uint32_t)s;
            lease.has_eval_first = 1, lease.eval_first = first;
            lease.has_eval_samples = 1, lease.eval_samples = count;
            endpoint_send(c->endpoint, c->first_worker + (int)w, TAG_LEASE, &lease);
            watch_await(c->watch, c->first_worker + (int)w, AWAIT_EVAL, clock_now());
            c->eval_leases[w]++;
            first += count;
        }
    }
}

/* After a step and its evaluation: a checkpoint if one is due, then the next step or the end. */
static int go_on(struct coordinator *c, struct err *err)
{
    bool last = c->step >= c->config->train->steps;
    c->stopping = c->stopping || (!last && c->leased == none && stop_asked(c));
    if (last || c->stopping || is_due(c->config->checkpoint->every, c->step, c->config->train->steps)) {
        uint64_t samples = c->run->samples + (c->step - c->run->step) * c->config->train->batch;
        Trireme__Save save = TRIREME__SAVE__INIT;
        save.has_step = 1, save.step = c->step;
        save.folder = (char *)keeper_begin(c->keeper, c->step, samples, err);
        if (!save.folder)
            return -1;
        send_servers(c, TAG_SAVE, &save, AWAIT_SHARD);
    }
    if (last || c->stopping)
        c->finishing = true;
    else if (c->leased == none)
        lease_step(c, c->step);
    return 0;
}

static void begin_training(struct coordinator *c)
{
    const Trireme__Manifest *manifest = c->run->manifest;
    if (manifest && manifest->fingerprint && strcmp(manifest->fingerprint, c->muster.fingerprint))
        progress_say(c->progress, "note: other kernels than before (%s; before: %s): the last bits may differ",
                     c->muster.fingerprint, manifest->fingerprint);
    if (c->n_workers > leaves(c))
        progress_say(c->progress, "note: a step has %u microbatches: %zu of %zu workers will have nothing to do",
                     leaves(c), c->n_workers - leaves(c), c->n_workers);
    for (size_t s = 0; s < c->muster.n_sources && c->config->eval->every; s++)
        if (c->muster.sources[s].samples == 0)
            progress_say(c->progress, "note: source '%s' has no validation part: it is left out of evaluation",
                         c->muster.sources[s].name);
    if (c->config->eval->every) {
        c->evaluation = evaluation_new(c->muster.sources, c->muster.n_sources, c->config->eval->samples,
                                       c->config->model->context);
        if (!evaluation_possible(c->evaluation)) {
            evaluation_free(c->evaluation);
            c->evaluation = NULL;
        }
    }
    if (c->step >= c->config->train->steps) {
        progress_say(c->progress, "nothing to do: the run has its %llu steps",
                     (unsigned long long)c->config->train->steps);
        c->over = true;
        return;
    }
    if (c->run->checkpoint)
        progress_say(c->progress, "continuing from %s", c->run->checkpoint);
    c->began = clock_now();
    lease_step(c, c->step);
}

static int on_ready(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Ready *ready = message;
    watch_identify(c->watch, from, ready->host, ready->pid);
    watch_arrived(c->watch, from, AWAIT_READY);
    progress_log(c->progress, "%s is ready", watch_name(c->watch, from));
    if (from >= c->first_worker &&
        muster_take(&c->muster, c->run->manifest, watch_name(c->watch, from), ready, err) < 0)
        return -1;
    if (!watch_awaits(c->watch, AWAIT_READY))
        begin_training(c);
    return 0;
}

/* Loss and norm of the step are known: the servers may update, and the workers begin the next step. */
static int decide(struct coordinator *c, struct err *err)
{
    double tokens = (double)c->config->train->batch * c->config->model->context;
    Trireme__Verdict verdict;
    if (verdict_decide(&verdict, &c->line, c->config, c->step, collect_loss(c->collect) / tokens,
                       collect_norm(c->collect), err) < 0) {
        struct err why = *err;
        return err_set(err, why.code, "%s; %s keeps step %llu", why.text, c->run->folder,
                       (unsigned long long)keeper_step(c->keeper));
    }
    send_servers(c, TAG_VERDICT, &verdict, AWAIT_COMMIT);
    c->line.seconds = c->step_began;
    c->leased = none;
    bool last = c->step + 1 >= c->config->train->steps;
    c->stopping = !last && stop_asked(c);
    if (!last && !c->stopping && !eval_due(c, c->step + 1))
        lease_step(c, c->step + 1);
    return 0;
}

static int try_decide(struct coordinator *c, struct err *err)
{
    return collect_complete(c->collect) ? decide(c, err) : 0;
}

static int on_losses(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Losses *losses = message;
    if (from < c->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, a server, sent losses", from);
    if (losses->eval) {
        size_t *leases = &c->eval_leases[from - c->first_worker];
        if (*leases == 0)
            return err_set(err, ERR_MACHINE, "rank %d sent losses of an evaluation, which nobody asked for", from);
        if (evaluation_take(c->evaluation, losses->eval_source, losses->eval_first, losses->sums, losses->n_sums,
                            err) < 0)
            return -1;
        if (--*leases == 0)
            watch_arrived(c->watch, from, AWAIT_EVAL);
        if (!evaluation_complete(c->evaluation))
            return 0;
        Trireme__EvalLine *line = evaluation_line(c->evaluation, c->step);
        int rc = metrics_write(c->metrics, line, err);
        progress_eval(c->progress, line);
        message_free(line);
        return rc < 0 ? -1 : go_on(c, err);
    }
    if (losses->step != c->leased)
        return err_set(err, ERR_MACHINE, "rank %d sent losses of step %llu, expected %llu", from,
                       (unsigned long long)losses->step, (unsigned long long)c->leased);
    watch_arrived(c->watch, from, AWAIT_LOSSES);
    if (collect_losses(c->collect, losses->first_leaf, losses->sums, losses->n_sums, err) < 0)
        return -1;
    return try_decide(c, err);
}

static int on_norms(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Norms *norms = message;
    if (norms->step != c->leased)
        return err_set(err, ERR_MACHINE, "rank %d sent norms of step %llu, expected %llu", from,
                       (unsigned long long)norms->step, (unsigned long long)c->leased);
    watch_arrived(c->watch, from, AWAIT_NORMS);
    if (collect_squares(c->collect, norms->first_block, norms->squares, norms->n_squares, err) < 0)
        return -1;
    return try_decide(c, err);
}

static int on_committed(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    if (((const Trireme__Committed *)message)->step != c->step + 1)
        return err_set(err, ERR_MACHINE, "rank %d committed step %llu, expected %llu", from,
                       (unsigned long long)((const Trireme__Committed *)message)->step,
                       (unsigned long long)c->step + 1);
    watch_arrived(c->watch, from, AWAIT_COMMIT);
    if (watch_awaits(c->watch, AWAIT_COMMIT))
        return 0;
    double now = clock_now();
    c->line.has_seconds = 1, c->line.seconds = now - c->line.seconds;
    c->line.has_tok_per_s = 1, c->line.tok_per_s = (double)c->line.tokens / c->line.seconds;
    c->step_began = now; // the next step's, where it is leased already
    watch_step(c->watch, c->line.seconds);
    c->step++;
    if (metrics_write(c->metrics, &c->line, err) < 0)
        return -1;
    progress_train(c->progress, &c->line);
    if (eval_due(c, c->step)) {
        lease_evaluation(c);
        return 0;
    }
    return go_on(c, err);
}

static int on_saved(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    watch_arrived(c->watch, from, AWAIT_SHARD);
    if (from >= c->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, a worker, saved a shard", from);
    if (keeper_take(c->keeper, from - 1, message, err) < 0)
        return -1;
    if (!keeper_busy(c->keeper))
        progress_log(c->progress, "checkpoint of step %llu", (unsigned long long)keeper_step(c->keeper));
    return 0;
}

static int on_fault(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Fault *fault = message;
    err_set(err, (enum err_code)fault->code, "%s", fault->text ? fault->text : "");
    if (err->code == ERR_MACHINE || err->code == ERR_TRAIN)
        err_context(err, "%s", watch_name(c->watch, from));
    return -1;
}

static int on_note(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    struct coordinator *c = role;
    progress_log(c->progress, "rank %d: %s", from, ((const Trireme__Note *)message)->text);
    return 0;
}

static int on_beat(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    watch_heard(((struct coordinator *)role)->watch, from, ((const Trireme__Beat *)message)->n, clock_now());
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_READY,     on_ready},
    {TAG_LOSSES,    on_losses},
    {TAG_NORMS,     on_norms},
    {TAG_COMMITTED, on_committed},
    {TAG_SAVED,     on_saved},
    {TAG_FAULT,     on_fault},
    {TAG_NOTE,      on_note},
    {TAG_BEAT,      on_beat},
};
// clang-format on

/* Beats to all (link_beat_seconds), and looks whether anybody has been silent for too long. */
static int keep(struct coordinator *c, struct err *err)
{
    double now = clock_now();
    if (now - c->turned > away_seconds)
        watch_forgive(c->watch, now);
    c->turned = now;
    if (now - c->beaten >= link_beat_seconds(c->config->wait->patience)) {
        Trireme__Beat beat = TRIREME__BEAT__INIT;
        beat.has_n = 1, beat.n = ++c->beats;
        for (int r = 1; r < c->endpoint->size; r++)
            endpoint_send(c->endpoint, r, TAG_BEAT, &beat);
        c->beaten = now;
    }
    return watch_check(c->watch, now, err);
}

enum turn coordinator_turn(void *role, struct err *err)
{
    struct coordinator *c = role;
    bool busy = false;
    struct parcel parcel;
    for (int i = 0; i < PARCELS_A_TURN && endpoint_poll(c->endpoint, &parcel); i++) {
        busy = true;
        if (parcel.tag != TAG_BEAT)
            watch_heard(c->watch, parcel.from, none, clock_now());
        if (endpoint_dispatch(handlers, sizeof handlers / sizeof *handlers, c, &parcel, err) < 0)
            return TURN_FAILED;
    }
    if (keep(c, err) < 0)
        return TURN_FAILED;
    if (c->over || (c->finishing && !keeper_busy(c->keeper)))
        return TURN_OVER;
    return busy ? TURN_BUSY : TURN_IDLE;
}

static void send_end(struct coordinator *c, int code)
{
    Trireme__End end = TRIREME__END__INIT;
    end.has_code = 1, end.code = (uint32_t)code;
    for (int r = 1; r < c->endpoint->size; r++)
        endpoint_send(c->endpoint, r, TAG_END, &end);
}

bool coordinator_run(struct coordinator *c, struct err *how)
{
    struct idle idle = {0};
    enum turn turn;
    *how = (struct err){0};
    while ((turn = coordinator_turn(c, how)) == TURN_IDLE || turn == TURN_BUSY) {
        if (turn == TURN_IDLE)
            idle_wait(&idle);
        else
            idle_reset(&idle);
    }
    if (turn == TURN_OVER && c->stopping)
        err_set(how, ERR_STOPPED,
                "stopped on request at step %llu, with a checkpoint: run the same line again to continue",
                (unsigned long long)c->step);
    else if (turn == TURN_OVER)
        *how = (struct err){0};
    if (turn == TURN_FAILED)
        progress_log(c->progress, "error: %s", how->text);
    send_end(c, (int)how->code);
    return turn == TURN_OVER || how->code != ERR_MACHINE;
}
