#include "ps/server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "math/optimizer.h"
#include "proto/file/first_weights.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "ps/gather.h"
#include "ps/snapshot.h"
#include "ps/store.h"
#include "ps/sync.h"

#include "control.pb-c.h"

#include <stdlib.h>

/* What a worker asked for and has not been sent whole. */
struct pull {
    bool active;
    uint64_t step;
    size_t next_block;
};

struct server {
    struct link link;
    struct endpoint *endpoint; /* borrowed */
    Trireme__Start *start;     /* NULL until START */
    size_t index, first_worker;
    struct layout *layout;
    struct store *store;
    struct gather *gather;
    const struct sync_model *sync;
    struct pull *pulls; /* one a worker */
    bool norms_sent;
    bool verdict_waits; /* for the snapshot */
    double verdict_came;
    Trireme__Verdict verdict;
    struct snapshot *snapshot;
    uint64_t snapshot_step;
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
    if (s->snapshot) {
        Trireme__Shard shard = TRIREME__SHARD__INIT;
        struct err err;
        snapshot_end(s->snapshot, &shard, &err);
        free(shard.file);
        free(shard.digest);
    }
    gather_free(s->gather);
    store_free(s->store);
    layout_free(s->layout);
    free(s->pulls);
    message_free(s->start);
    free(s);
}

struct link *server_link(struct server *s)
{
    return &s->link;
}

static uint32_t leaves(const struct server *s)
{
    return s->start->config->train->batch / s->start->config->train->microbatch;
}

static void next_step(struct server *s)
{
    gather_begin(s->gather, leaves(s));
    s->norms_sent = false;
}

static int on_start(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    s->start = message_copy(message);
    link_started(&s->link, s->start->config->wait->patience);
    s->index = (size_t)s->endpoint->rank - 1;
    s->first_worker = 1 + s->start->servers;
    s->pulls = mem_new((size_t)s->endpoint->size - s->first_worker, sizeof *s->pulls);
    s->layout = layout_new(s->start->config->model);
    struct shard *shards = mem_new(s->start->servers, sizeof *shards);
    int rc = shard_map(shards, s->start->servers, s->layout, err);
    struct shard own = shards[s->index];
    free(shards);
    if (rc < 0)
        return -1;
    s->store = store_new(s->layout, &own, s->start->config->optimizer);
    s->gather = gather_new(s->layout, &own);
    if (first_weights_read(s->start, s->layout, own.offset, own.count, s->store->weights, s->store->moments,
                           s->store->rule->n_moments, err) < 0)
        return -1;
    if (s->start->manifest)
        s->store->step = s->start->manifest->step;
    else if (!s->start->config->init->from[0])
        store_draw(s->store, s->start->config->train->seed);
    next_step(s);
    link_note(&s->link, "holds %zu of %zu parameters, in %zu blocks", own.count, s->layout->n_params, own.n_blocks);
    Trireme__Ready ready = TRIREME__READY__INIT;
    link_ready(&s->link, &ready);
    return 0;
}

static int on_push(void *role, int from, const void *message, struct err *err)
{
    struct server *s = role;
    const struct frame *frame = message;
    if (frame->incarnation != s->start->incarnation || s->sync->on_push(s->store->step, frame->step) != SYNC_TAKE)
        return err_set(err, ERR_MACHINE,
                       "rank %d pushed a gradient of step %llu of launch %llu, expected %llu of %llu", from,
                       (unsigned long long)frame->step, (unsigned long long)frame->incarnation,
                       (unsigned long long)s->store->step, (unsigned long long)s->start->incarnation);
    struct tree_node node = {frame->node_first, frame->node_count};
    return gather_push(s->gather, frame->block, node, frame->numbers, frame->count, err);
}

static int on_pull(void *role, int from, const void *message, struct err *err)
{
    struct server *s = role;
    const Trireme__Pull *pull = message;
    if ((size_t)from < s->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, which is no worker, asked for weights", from);
    if (s->sync->on_pull(s->store->step, pull->step) == SYNC_REFUSE)
        return err_set(err, ERR_MACHINE, "rank %d asked for the weights of step %llu, but %llu are committed", from,
                       (unsigned long long)pull->step, (unsigned long long)s->store->step);
    s->pulls[(size_t)from - s->first_worker] =
        (struct pull){.active = true, .step = pull->step, .next_block = s->store->shard.first_block};
    return 0;
}

static int on_verdict(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    s->verdict = *(const Trireme__Verdict *)message;
    if (s->verdict.step != s->store->step || !gather_complete(s->gather))
        return err_set(err, ERR_MACHINE, "a verdict on step %llu came while step %llu was being summed",
                       (unsigned long long)s->verdict.step, (unsigned long long)s->store->step);
    s->verdict_waits = true;
    s->verdict_came = clock_now();
    return 0;
}

static int on_save(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct server *s = role;
    const Trireme__Save *save = message;
    if (s->snapshot || save->step != s->store->step)
        return err_set(err, ERR_MACHINE, "an order to save step %llu came at step %llu",
                       (unsigned long long)save->step, (unsigned long long)s->store->step);
    s->snapshot_step = save->step;
    s->snapshot = snapshot_begin(s->store, save->folder, s->index, s->start->servers);
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_START,   on_start},
    {TAG_PUSH,    on_push},
    {TAG_PULL,    on_pull},
    {TAG_VERDICT, on_verdict},
    {TAG_SAVE,    on_save},
};
// clang-format on

static void send_norms(struct server *s)
{
    Trireme__Norms norms = TRIREME__NORMS__INIT;
    norms.has_step = 1, norms.step = s->store->step;
    norms.has_first_block = 1, norms.first_block = s->store->shard.first_block;
    norms.n_squares = s->store->shard.n_blocks;
    norms.squares = (double *)gather_squares(s->gather);
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_NORMS, &norms);
    s->norms_sent = true;
}

static void commit(struct server *s)
{
    store_update(s->store, s->gather, s->start->config->optimizer, s->verdict.lr, s->verdict.scale);
    s->verdict_waits = false;
    next_step(s);
    Trireme__Committed committed = TRIREME__COMMITTED__INIT;
    committed.has_step = 1, committed.step = s->store->step;
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_COMMITTED, &committed);
}

/* Sends blocks to one worker as far as there is room. Returns whether any was sent. */
static bool serve_pull(struct server *s, size_t worker)
{
    struct pull *pull = &s->pulls[worker];
    if (!pull->active || s->sync->on_pull(s->store->step, pull->step) != SYNC_TAKE)
        return false;
    int to = (int)(s->first_worker + worker);
    size_t end = s->store->shard.first_block + s->store->shard.n_blocks;
    bool sent = false;
    while (pull->next_block < end && endpoint_room(s->endpoint, to)) {
        const struct block *block = &s->layout->blocks[pull->next_block];
        struct frame header = {.magic = FRAME_MAGIC,
                               .dtype = FRAME_FP32,
                               .incarnation = s->start->incarnation,
                               .step = s->store->step,
                               .block = pull->next_block,
                               .count = block->count};
        endpoint_send_frame(s->endpoint, to, TAG_WEIGHTS, &header,
                            s->store->weights + (block->offset - s->store->shard.offset));
        pull->next_block++;
        sent = true;
    }
    pull->active = pull->next_block < end;
    return sent;
}

static int finish_snapshot(struct server *s, struct err *err)
{
    Trireme__Shard shard = TRIREME__SHARD__INIT;
    int rc = snapshot_end(s->snapshot, &shard, err);
    s->snapshot = NULL;
    if (rc < 0)
        return -1;
    Trireme__Saved saved = TRIREME__SAVED__INIT;
    saved.has_step = 1, saved.step = s->snapshot_step;
    saved.has_stall_ms = 1;
    saved.stall_ms = s->verdict_waits ? 1e3 * (clock_now() - s->verdict_came) : 0;
    saved.shard = &shard;
    endpoint_send(s->endpoint, LINK_COORDINATOR, TAG_SAVED, &saved);
    free(shard.file);
    free(shard.digest);
    return 0;
}

/* Everything that can be done without a message. Returns 1 if something was done, 0 if not. */
static int act(struct server *s, struct err *err)
{
    int done = 0;
    if (s->snapshot && snapshot_done(s->snapshot)) {
        if (finish_snapshot(s, err) < 0)
            return -1;
        done = 1;
    }
    if (!s->norms_sent && gather_complete(s->gather)) {
        send_norms(s);
        done = 1;
    }
    if (s->verdict_waits && !s->snapshot) {
        commit(s);
        done = 1;
    }
    for (size_t w = 0; w < (size_t)s->endpoint->size - s->first_worker; w++)
        done |= serve_pull(s, w);
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
