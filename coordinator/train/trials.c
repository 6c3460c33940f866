#include "coordinator/train/trials.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/train/in_force.h"
#include "coordinator/train/lease_plan.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/step_result.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trials {
    struct endpoint *endpoint;   /* borrowed */
    struct liveness *liveness;   /* borrowed */
    const struct layout *layout; /* borrowed */
    int n_servers, first_worker;
    size_t n_workers;
    lease_plan_fn plan;
    struct trial *first; /* a list, the oldest first */
    uint32_t next_number;
    bool *active;   /* one a worker */
    uint32_t *load; /* leaves that it has not answered, one a worker */
    struct leaf_range *ranges;
};

struct trials *trials_new(struct endpoint *endpoint, struct liveness *liveness,
                          const struct layout *layout, int n_servers, lease_plan_fn plan)
{
    struct trials *ts = mem_new(1, sizeof *ts);
    *ts = (struct trials){.endpoint = endpoint,
                          .liveness = liveness,
                          .layout = layout,
                          .n_servers = n_servers,
                          .plan = plan};
    ts->first_worker = 1 + n_servers;
    ts->n_workers = (size_t)(endpoint->size - ts->first_worker);
    ts->active = mem_new(ts->n_workers, sizeof *ts->active);
    ts->load = mem_new(ts->n_workers, sizeof *ts->load);
    ts->ranges = mem_new(ts->n_workers, sizeof *ts->ranges);
    return ts;
}

void trials_free(struct trials *ts)
{
    if (!ts)
        return;
    while (ts->first) {
        struct trial *next = ts->first->next;
        trial_free(ts->first);
        ts->first = next;
    }
    free(ts->ranges);
    free(ts->load);
    free(ts->active);
    free(ts);
}

static struct trial *find(const struct trials *ts, uint32_t number)
{
    struct trial *t = ts->first;
    while (t && t->number != number)
        t = t->next;
    return t;
}

static void append(struct trials *ts, struct trial *trial)
{
    struct trial **at = &ts->first;
    while (*at)
        at = &(*at)->next;
    *at = trial;
    ts->next_number = trial->number + 1;
}

struct trial *trials_first(struct trials *ts, Trireme__Config *config, Trireme__Segment **segments,
                           size_t n_segments, struct position base, uint64_t step_tokens)
{
    struct trial *t = trial_new(0, "trunk", config, segments, n_segments, base, step_tokens,
                                ts->layout->n_blocks, 0);
    append(ts, t);
    return t;
}

static void send_fork(struct trials *ts, struct trial *t, const struct trial *parent,
                      const struct fork *fork)
{
    Trireme__Fork message = TRIREME__FORK__INIT;
    message.trial = t->number;
    message.parent = parent->number;
    message.step = fork->step;
    message.config = t->config;
    message.segments = t->segments, message.n_segments = t->n_segments;
    message.checkpoint = (char *)fork->checkpoint;
    message.manifest = (Trireme__Manifest *)fork->manifest;
    message.replaces = fork->replaces;
    for (int r = 1; r < ts->endpoint->size; r++)
        endpoint_send(ts->endpoint, r, TAG_FORK, &message);
    for (int r = 1; r < ts->endpoint->size; r++)
        liveness_await(ts->liveness, r, AWAIT_FORK, clock_now());
}

struct trial *trials_fork(struct trials *ts, const struct trial *parent, const struct fork *fork,
                          struct err *err)
{
    const Trireme__Manifest *m = fork->manifest;
    ASSERT(m || trial_rests(parent));
    struct position base = trial_position(parent);
    if (m)
        base = (struct position){m->step, m->samples, m->tokens};
    Trireme__Segment *const *from = m ? m->segments : parent->segments;
    size_t n = m ? m->n_segments : parent->n_segments;
    Trireme__Segment **segments = mem_new(n, sizeof *segments);
    for (size_t i = 0; i < n; i++)
        segments[i] = message_copy(from[i]);
    if (run_config_append(&segments, &n, base.samples, fork->config, m ? m->config : parent->config,
                          err) < 0) {
        for (size_t i = 0; i < n; i++)
            message_free(segments[i]);
        free(segments);
        return NULL;
    }
    base.step = fork->step;
    struct trial *t =
        trial_new(ts->next_number, fork->name, message_copy(fork->config), segments, n, base,
                  parent->step_tokens, ts->layout->n_blocks, ts->endpoint->size - 1);
    trial_plan(t, parent->planned);
    append(ts, t);
    send_fork(ts, t, parent, fork);
    return t;
}

bool trials_halt(struct trials *ts)
{
    bool rest = true;
    for (struct trial *t = ts->first; t; t = t->next) {
        trial_rest(t);
        rest = rest && trial_rests(t);
    }
    return rest;
}

/* Chooses the workers of a step: all; or, if there are fewer leaves than workers, those with the
 * least to do. */
static void choose_workers(struct trials *ts, const struct trial *t, uint64_t step)
{
    uint32_t n_leaves = run_config_leaves(t->config);
    for (size_t w = 0; w < ts->n_workers; w++)
        ts->active[w] = n_leaves >= ts->n_workers;
    for (uint32_t i = 0; n_leaves < ts->n_workers && i < n_leaves; i++) {
        size_t least = SIZE_MAX;
        for (size_t w = 0; w < ts->n_workers; w++)
            if (!ts->active[w] && (least == SIZE_MAX || ts->load[w] < ts->load[least]))
                least = w;
        ts->active[least] = true;
    }
    if (ts->plan)
        ts->plan(ts->active, ts->n_workers, t->number, step);
}

/* Leases the update after `step`. */
static void lease(struct trials *ts, struct trial *t, uint64_t step)
{
    trial_lease(t, clock_now());
    choose_workers(ts, t, step);
    lease_plan(ts->ranges, ts->n_workers, ts->active, run_config_leaves(t->config));
    for (size_t w = 0; w < ts->n_workers; w++) {
        if (ts->ranges[w].count == 0)
            continue;
        Trireme__Lease lease = TRIREME__LEASE__INIT;
        lease.trial = t->number;
        lease.step = step;
        lease.first_sample = trial_at(t, step).samples;
        lease.first_leaf = ts->ranges[w].first;
        lease.leaves = ts->ranges[w].count;
        endpoint_send(ts->endpoint, ts->first_worker + (int)w, TAG_LEASE, &lease);
        liveness_await(ts->liveness, ts->first_worker + (int)w, AWAIT_LOSSES, clock_now());
        ts->load[w] += ts->ranges[w].count;
    }
    for (int s = 1; s <= ts->n_servers; s++)
        liveness_await(ts->liveness, s, AWAIT_NORMS, clock_now());
}

static void drop(struct trials *ts, struct trial **at)
{
    struct trial *t = *at;
    Trireme__Drop message = TRIREME__DROP__INIT;
    message.trial = t->number;
    for (int r = 1; r < ts->endpoint->size; r++)
        endpoint_send(ts->endpoint, r, TAG_DROP, &message);
    *at = t->next;
    trial_free(t);
}

bool trials_go(struct trials *ts)
{
    bool done = false;
    for (struct trial **at = &ts->first; *at;) {
        struct trial *t = *at;
        if (t->state == TRIAL_STOPPED && !t->held && trial_rests(t)) {
            drop(ts, at);
            done = true;
            continue;
        }
        if (trial_may_lease(t)) {
            lease(ts, t, t->step + t->committing);
            done = true;
        }
        at = &t->next;
    }
    return done;
}

/* The sentence about a trunk that diverged, and which of its weights, if any, was not finite before
 * that step. */
static int say_diverged(const struct trials *ts, const struct trial *t, const struct err *why,
                        struct err *err)
{
    size_t place = 0;
    if (!step_result_not_finite(t->result, &place))
        return err_set(err, why->code, "%s", why->text);
    const struct tensor *tensor = ts->layout->tensors;
    while (place - tensor->offset >= tensor_count(tensor))
        tensor++;
    const size_t i = place - tensor->offset;
    char index[48];
    if (tensor->n_dims == 1)
        snprintf(index, sizeof index, "%zu", i);
    else
        snprintf(index, sizeof index, "%zu, %zu", i / tensor->columns, i % tensor->columns);
    return err_set(err, why->code, "%s: the first weight that is not finite is %s[%s]", why->text,
                   tensor->name, index);
}

/* Loss and norm of the step are known: sends the decision to the servers, and leases the next step.
 */
static int decide(struct trials *ts, struct trial *t, const struct trial *trunk, struct err *err)
{
    Trireme__StepDecision decision;
    struct err why = {0};
    if (trial_decide(t, &decision, ts->n_servers, &why) < 0) {
        if (t == trunk)
            return say_diverged(ts, t, &why, err);
        trial_diverge(t);
        return 0;
    }
    for (int s = 1; s <= ts->n_servers; s++) {
        endpoint_send(ts->endpoint, s, TAG_STEP_DECISION, &decision);
        liveness_await(ts->liveness, s, AWAIT_COMMIT, clock_now());
    }
    if (trial_may_lease(t))
        lease(ts, t, t->step + 1);
    return 0;
}

/* Returns the trial of a rank's answer about a step; NULL with ERR_MACHINE if nobody asked for it.
 */
static struct trial *expected(const struct trials *ts, int from, uint32_t number, uint64_t step,
                              const char *what, struct err *err)
{
    struct trial *t = find(ts, number);
    if (t && t->leased && step == t->step + t->committing)
        return t;
    err_set(err, ERR_MACHINE, "rank %d sent %s of step %llu of trial %u, which nobody asked for",
            from, what, (unsigned long long)step, number);
    return NULL;
}

static int try_decide(struct trials *ts, struct trial *t, const struct trial *trunk,
                      struct err *err)
{
    return !t->committing && step_result_is_complete(t->result) ? decide(ts, t, trunk, err) : 0;
}

int trials_losses(struct trials *ts, int from, const Trireme__Losses *losses,
                  const struct trial *trunk, struct err *err)
{
    struct trial *t = expected(ts, from, losses->trial, losses->step, "losses", err);
    if (!t || step_result_add_losses(t->result, losses->first_leaf, losses->sums, losses->n_sums,
                                     err) < 0)
        return -1;
    liveness_arrived(ts->liveness, from, AWAIT_LOSSES);
    ts->load[from - ts->first_worker] -= (uint32_t)losses->n_sums;
    return try_decide(ts, t, trunk, err);
}

int trials_norms(struct trials *ts, int from, const Trireme__Norms *norms,
                 const struct trial *trunk, struct err *err)
{
    struct trial *t = expected(ts, from, norms->trial, norms->step, "norms", err);
    if (!t || step_result_add_squares(t->result, norms->first_block, norms->squares,
                                      norms->n_squares, err) < 0)
        return -1;
    if (norms->has_not_finite && norms->not_finite < ts->layout->n_params)
        step_result_note_not_finite(t->result, norms->not_finite);
    liveness_arrived(ts->liveness, from, AWAIT_NORMS);
    return try_decide(ts, t, trunk, err);
}

int trials_committed(struct trials *ts, int from, const Trireme__Committed *message,
                     struct trial **committed, struct err *err)
{
    struct trial *t = find(ts, message->trial);
    *committed = NULL;
    if (!t || !t->committing || message->step != t->step + 1)
        return err_set(err, ERR_MACHINE,
                       "rank %d committed step %llu of trial %u, which nobody decided", from,
                       (unsigned long long)message->step, message->trial);
    liveness_arrived(ts->liveness, from, AWAIT_COMMIT);
    if (!trial_committed(t, clock_now()))
        return 0;
    liveness_step(ts->liveness, t->line.seconds);
    *committed = t;
    return 0;
}

int trials_forked(struct trials *ts, int from, const Trireme__Forked *forked, struct err *err)
{
    struct trial *t = find(ts, forked->trial);
    if (!t || t->n_forking == 0)
        return err_set(err, ERR_MACHINE, "rank %d forked trial %u, which nobody asked for", from,
                       forked->trial);
    liveness_arrived(ts->liveness, from, AWAIT_FORK);
    struct err why = {0};
    const bool differs =
        !forked->refused && in_force_check(forked->in_force, t->config, from <= ts->n_servers,
                                           liveness_rank_name(ts->liveness, from), &why) < 0;
    trial_forked(t, forked->bytes, differs ? why.text : forked->refused, differs);
    return 0;
}

size_t trials_forks(const struct trials *ts)
{
    size_t n = 0;
    for (const struct trial *t = ts->first; t; t = t->next)
        n++;
    return n ? n - 1 : 0;
}
