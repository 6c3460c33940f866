#include "ps/server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "proto/file/incarnation.h"
#include "proto/file/run_proof.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "ps/gather.h"
#include "ps/room.h"
#include "ps/server_trial.h"
#include "ps/snapshot.h"
#include "ps/store.h"
#include "ps/sync.h"

#include "control.pb-c.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    struct link link;
    struct endpoint *endpoint; /* borrowed */
    Trireme__Start *start;     /* NULL until START */
    size_t index, first_worker, n_workers;
    struct layout *layout; /* of every trial */
    struct shard shard;
    const struct sync_model *sync;
    struct server_trial *trials; /* the list, with dropped ones that are still being saved */
    uint64_t n_numbers;          /* all lower numbers were used: such a trial is live or over */
};

struct server *server_new(struct endpoint *endpoint)
{
    struct server *s = mem_new(1, sizeof *s);
    s->endpoint = endpoint;
    s->sync = &sync_bsp;
    link_init(&s->link, endpoint);
    return s;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    for (struct server_trial *t = s->trials, *next; t; t = next) {
        next = t->next;
        server_trial_free(t);
    }
    layout_free(s->layout);
    message_free(s->start);
    free(s);
}

struct link *server_link(struct server *s)
{
    return &s->link;
}

/* Finds the trial that a message names; NULL if it is over. A number that was never used is an
 * error. */
static int find_named(const struct server *s, struct server_trial **trial, int from,
                      uint32_t number, struct err *err)
{
    if (number >= s->n_numbers)
        return err_set(err, ERR_MACHINE, "rank %d spoke of trial %u, which was never forked here",
                       from, number);
    *trial = server_trial_find(s->trials, number);
    return 0;
}

/* The same for the coordinator's orders: it knows which trials are over, so such a trial is an
 * error. */
static int find_ordered(const struct server *s, struct server_trial **trial, uint32_t number,
                        struct err *err)
{
    if (find_named(s, trial, LINK_COORDINATOR, number, err) < 0)
        return -1;
    return *trial ? 0
                  : err_set(err, ERR_MACHINE, "an order for trial %u came, which is over", number);
}

/* Proves that this server's checkpoints will be where the coordinator's are. */
static int prove_run(const struct server *s, struct err *err)
{
    const Trireme__Start *start = s->start;
    char *name = mem_format("try-%d", s->endpoint->rank), host[256] = "";
    gethostname(host, sizeof host - 1);
    int rc = run_proof_see(start->run, start->incarnation, err);
    if (rc == 0)
        rc = run_proof_write(start->run, name, err);
    if (rc < 0)
        err_context(err, "server %zu (rank %d on %s)", s->index, s->endpoint->rank, host);
    free(name);
    return rc;
}

static int on_start(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    if (link_check_start(&s->link, message, true, err) < 0)
        return -1;
    s->start = message_copy(message);
    link_started(&s->link, s->start->config->wait->patience);
    s->index = (size_t)s->endpoint->rank - 1;
    if (prove_run(s, err) < 0)
        return -1;
    s->first_worker = 1 + s->start->servers;
    s->n_workers = (size_t)s->endpoint->size - s->first_worker;
    s->layout = layout_new(s->start->config->model);
    struct shard *shards = mem_new(s->start->servers, sizeof *shards);
    int rc = shard_map(shards, s->start->servers, s->layout, err);
    s->shard = shards[s->index];
    free(shards);
    if (rc < 0)
        return -1;
    struct server_trial *trial =
        server_trial_new(0, s->start->config, s->layout, &s->shard, s->n_workers);
    server_trial_add(&s->trials, trial);
    s->n_numbers = 1;
    if (server_trial_start(trial, s->start, err) < 0)
        return -1;
    link_note(&s->link, "holds %zu of %zu parameters, in %zu blocks", s->shard.count,
              s->layout->n_params, s->shard.n_blocks);
    Trireme__Ready ready = TRIREME__READY__INIT;
    link_ready(&s->link, &ready);
    return 0;
}

/* Returns why there is no memory for one more fork, or NULL. One of the live trials, no matter
 * which, is the trunk and does not count. */
static char *fork_refusal(const struct server *s, uint64_t bytes)
{
    // dropped trials do not count: the answer must not depend on whether one is still being saved
    uint64_t n_live = 0;
    for (const struct server_trial *t = s->trials; t; t = t->next)
        n_live += !t->dropped;
    return room_refusal(bytes, n_live ? (n_live - 1) * bytes : 0,
                        s->start->config->experiment->memory, room_available());
}

static int on_fork(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    const Trireme__Fork *fork = message;
    struct server_trial *parent = NULL;
    if (fork->trial < s->n_numbers)
        return err_set(err, ERR_MACHINE,
                       "trial %u is to be forked, but numbers below %llu are taken", fork->trial,
                       (unsigned long long)s->n_numbers);
    if (!fork->checkpoint && find_ordered(s, &parent, fork->parent, err) < 0)
        return -1;
    // a refused number counts as used: the coordinator may drop it, as on other servers
    s->n_numbers = (uint64_t)fork->trial + 1;
    Trireme__Forked forked = TRIREME__FORKED__INIT;
    Trireme__InForce in_force = TRIREME__IN_FORCE__INIT;
    forked.trial = fork->trial;
    const uint64_t bytes = server_trial_bytes(&s->shard, fork->config);
    forked.refused = fork->replaces ? NULL : fork_refusal(s, bytes);
    forked.bytes = forked.refused ? 0 : bytes;
    if (!forked.refused) {
        struct server_trial *trial =
            server_trial_new(fork->trial, fork->config, s->layout, &s->shard, s->n_workers);
        server_trial_add(&s->trials, trial);
        if (server_trial_fork(trial, parent, fork, err) < 0)
            return -1;
        in_force.optimizer = trial->config->optimizer; // that commit() gives to the update
        forked.in_force = &in_force;
    }
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_FORKED, &forked);
    free(forked.refused);
    return 0;
}

static int on_drop(void *role, int from, const void *message, struct err *err)
{
    struct server *s = role;
    const Trireme__Drop *drop = message;
    struct server_trial *trial = NULL;
    if (find_named(s, &trial, from, drop->trial, err) < 0)
        return -1;
    if (trial)
        trial->dropped = true;
    server_trial_sweep(&s->trials);
    return 0;
}

static int on_push(void *role, int from, const void *message, struct err *err)
{
    struct server *s = role;
    const struct frame *frame = message;
    struct server_trial *t = NULL;
    if (find_named(s, &t, from, frame->trial, err) < 0)
        return -1;
    if (!t)
        return 0;
    if (frame->incarnation != s->start->incarnation ||
        s->sync->on_push(t->store->step, frame->step) != SYNC_TAKE)
        return err_set(err, ERR_MACHINE,
                       "rank %d pushed a gradient of step %llu of launch %llu, expected %llu of "
                       "%llu, to trial %u",
                       from, (unsigned long long)frame->step,
                       (unsigned long long)frame->incarnation, (unsigned long long)t->store->step,
                       (unsigned long long)s->start->incarnation, t->number);
    struct tree_node node = {frame->node_first, frame->node_count};
    return gather_push(t->gather, frame->block, node, frame->numbers, frame->count, err);
}

static int on_pull(void *role, int from, const void *message, struct err *err)
{
    struct server *s = role;
    const Trireme__Pull *pull = message;
    struct server_trial *t = NULL;
    if ((size_t)from < s->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, which is no worker, asked for weights", from);
    if (find_named(s, &t, from, pull->trial, err) < 0)
        return -1;
    if (!t)
        return 0;
    if (s->sync->on_pull(t->store->step, pull->step) == SYNC_REFUSE)
        return err_set(
            err, ERR_MACHINE,
            "rank %d asked for the weights of step %llu, but %llu are committed in trial %u", from,
            (unsigned long long)pull->step, (unsigned long long)t->store->step, t->number);
    t->pulls[(size_t)from - s->first_worker] =
        (struct pull){.active = true, .step = pull->step, .next_block = s->shard.first_block};
    return 0;
}

static int on_step_decision(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    const Trireme__StepDecision *decision = message;
    struct server_trial *t = NULL;
    if (find_ordered(role, &t, decision->trial, err) < 0)
        return -1;
    if (decision->step != t->store->step || !gather_complete(t->gather))
        return err_set(err, ERR_MACHINE,
                       "a decision on step %llu came while step %llu of trial %u was being summed",
                       (unsigned long long)decision->step, (unsigned long long)t->store->step,
                       t->number);
    t->decision = *decision;
    t->decision_waits = true;
    t->decision_came = clock_now();
    return 0;
}

static int on_save(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    const Trireme__Save *save = message;
    struct server_trial *t = NULL;
    if (find_ordered(s, &t, save->trial, err) < 0)
        return -1;
    for (const struct server_trial *other = s->trials; other; other = other->next)
        if (other->snapshot) // SAVED does not say of which trial it is
            return err_set(err, ERR_MACHINE,
                           "an order to save trial %u came while trial %u is being saved",
                           t->number, other->number);
    if (save->step != t->store->step)
        return err_set(err, ERR_MACHINE, "an order to save step %llu came at step %llu of trial %u",
                       (unsigned long long)save->step, (unsigned long long)t->store->step,
                       t->number);
    // the folder may be another launch's by now
    if (incarnation_check(s->start->run, s->start->incarnation, err) < 0)
        return -1;
    t->snapshot_step = save->step;
    t->snapshot = snapshot_begin(t->store, save->folder, s->index, s->start->servers);
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_START,         on_start},
    {TAG_FORK,          on_fork},
    {TAG_DROP,          on_drop},
    {TAG_PUSH,          on_push},
    {TAG_PULL,          on_pull},
    {TAG_STEP_DECISION, on_step_decision},
    {TAG_SAVE,          on_save},
};
// clang-format on

static void send_norms(struct server *s, struct server_trial *t)
{
    Trireme__Norms norms = TRIREME__NORMS__INIT;
    norms.trial = t->number;
    norms.step = t->store->step;
    norms.first_block = s->shard.first_block;
    norms.n_squares = s->shard.n_blocks;
    norms.squares = (double *)gather_squares(t->gather);
    size_t place = 0;
    for (size_t b = 0; b < s->shard.n_blocks; b++)
        if (!isfinite(norms.squares[b])) {
            // is it the gradient alone, or were the weights so before?
            norms.has_not_finite = store_not_finite(t->store, &place);
            break;
        }
    norms.not_finite = place;
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_NORMS, &norms);
    t->norms_sent = true;
}

static void commit(struct server *s, struct server_trial *t)
{
    store_update(t->store, t->gather, t->config->optimizer, t->decision.lr, t->decision.scale);
    t->decision_waits = false;
    server_trial_next_step(t);
    Trireme__Committed committed = TRIREME__COMMITTED__INIT;
    committed.trial = t->number;
    committed.step = t->store->step;
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_COMMITTED, &committed);
}

/* Sends blocks to one worker while there is room. Returns whether any was sent. */
static bool serve_pull(struct server *s, struct server_trial *t, size_t worker)
{
    struct pull *pull = &t->pulls[worker];
    if (!pull->active || s->sync->on_pull(t->store->step, pull->step) != SYNC_TAKE)
        return false;
    int to = (int)(s->first_worker + worker);
    size_t end = s->shard.first_block + s->shard.n_blocks;
    bool sent = false;
    while (pull->next_block < end && endpoint_room(s->endpoint, to)) {
        const struct block *block = &s->layout->blocks[pull->next_block];
        struct frame header = {.magic = FRAME_MAGIC,
                               .dtype = FRAME_FP32,
                               .incarnation = s->start->incarnation,
                               .step = t->store->step,
                               .block = pull->next_block,
                               .trial = t->number,
                               .count = block->count};
        endpoint_send_frame(s->endpoint, to, TAG_WEIGHTS, &header,
                            t->store->weights + (block->offset - s->shard.offset));
        pull->next_block++;
        sent = true;
    }
    pull->active = pull->next_block < end;
    return sent;
}

static int finish_snapshot(struct server *s, struct server_trial *t, struct err *err)
{
    Trireme__Shard shard = TRIREME__SHARD__INIT;
    int rc = snapshot_end(t->snapshot, &shard, err);
    t->snapshot = NULL;
    if (rc < 0)
        return -1;
    Trireme__Saved saved = TRIREME__SAVED__INIT;
    saved.step = t->snapshot_step;
    saved.updates = t->store->updates;
    saved.stall_ms = t->decision_waits ? 1e3 * (clock_now() - t->decision_came) : 0;
    saved.shard = &shard;
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_SAVED, &saved);
    free(shard.file);
    free(shard.digest);
    return 0;
}

/* Does what one trial can do without a message. Returns 1 if something was done, 0 if not, -1 on
 * error. */
static int act_trial(struct server *s, struct server_trial *t, struct err *err)
{
    int done = 0;
    if (t->snapshot && snapshot_done(t->snapshot)) {
        if (finish_snapshot(s, t, err) < 0)
            return -1;
        done = 1;
    }
    if (t->dropped)
        return done;
    if (!t->norms_sent && gather_complete(t->gather)) {
        send_norms(s, t);
        done = 1;
    }
    if (t->decision_waits && !t->snapshot) {
        commit(s, t);
        done = 1;
    }
    return done;
}

/* Does everything that can be done without a message. Returns 1 if something was done, 0 if not, -1
 * on error. */
static int act(struct server *s, struct err *err)
{
    int done = 0;
    for (struct server_trial *t = s->trials; t; t = t->next) {
        int rc = act_trial(s, t, err);
        if (rc < 0)
            return -1;
        done |= rc;
    }
    server_trial_sweep(&s->trials);
    // workers in the outer loop, so that no trial is served before the others
    for (size_t w = 0; w < s->n_workers; w++)
        for (struct server_trial *t = s->trials; t; t = t->next)
            if (!t->dropped)
                done |= serve_pull(s, t, w);
    return done;
}

enum turn server_turn(void *role, struct err *err)
{
    struct server *s = role;
    int mail = link_read(&s->link, handlers, sizeof handlers / sizeof *handlers, s, err);
    if (mail < 0)
        return TURN_FAILED;
    if (s->link.over)
        return TURN_OVER;
    int done = s->start ? act(s, err) : 0;
    if (done < 0)
        return TURN_FAILED;
    return mail || done ? TURN_BUSY : TURN_IDLE;
}
