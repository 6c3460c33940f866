#include "worker/worker.h"

#include "base/mem.h"
#include "math/kernels.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "worker/data/dataset.h"
#include "worker/model/model.h"
#include "worker/subtree.h"

#include "control.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { FINGERPRINT_SIZE = 256 };
static const uint64_t no_weights = UINT64_MAX;

/* Where the worker is in its lease. */
enum stage { STAGE_FREE, STAGE_PULL, STAGE_COMPUTE, STAGE_PUSH };

struct lease_queue {
    Trireme__Lease *leases;
    size_t first, n, room;
};

struct worker {
    struct link link;
    struct endpoint *endpoint; /* borrowed */
    Trireme__Start *start;     /* NULL until START */
    struct layout *layout;
    struct shard *shards; /* one a server */
    struct dataset *dataset;
    struct model *model;
    struct subtree *subtree;
    float *weights; /* n_params */
    uint64_t weights_step;
    size_t blocks_missing; /* of a pull under way */
    struct lease_queue queue;
    enum stage stage;
    Trireme__Lease lease;
    struct tree_node nodes[SUM_TREE_COVER_MAX];
    size_t n_nodes, node; /* subtrees of the lease, and the one that is computed or pushed */
    const float *sum;     /* of that subtree; borrowed from subtree */
    size_t push_block;
    double *losses;  /* one a leaf of the step, or a sample of an evaluation */
    size_t n_losses; /* room */
    struct err tick_err;
};

struct worker *worker_new(struct endpoint *endpoint)
{
    struct worker *w = mem_new(1, sizeof *w);
    w->endpoint = endpoint;
    w->weights_step = no_weights;
    link_init(&w->link, endpoint);
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    subtree_free(w->subtree);
    model_free(w->model);
    dataset_free(w->dataset);
    layout_free(w->layout);
    free(w->shards);
    free(w->weights);
    free(w->queue.leases);
    free(w->losses);
    message_free(w->start);
    free(w);
}

struct link *worker_link(struct worker *w)
{
    return &w->link;
}

static uint32_t leaves(const struct worker *w)
{
    return w->start->config->train->batch / w->start->config->train->microbatch;
}

static bool tick(void *context);

static int set_up(struct worker *w, struct err *err)
{
    const Trireme__Run *config = w->start->config;
    w->layout = layout_new(config->model);
    w->shards = mem_new(w->start->servers, sizeof *w->shards);
    if (shard_map(w->shards, w->start->servers, w->layout, err) < 0)
        return -1;
    w->dataset = dataset_open(config->data, config->model->context, config->model->vocab, config->train->seed,
                              (const Trireme__Segment *const *)w->start->segments, w->start->n_segments, err);
    if (!w->dataset)
        return -1;
    kernels_set_threads((int)config->compute->threads);
    w->model = model_new(config->model, w->layout, kernels_best(), config->train->microbatch);
    model_set_tick(w->model, tick, w);
    w->subtree = subtree_new(w->layout->n_params, leaves(w), config->train->microbatch, config->model->context);
    w->weights = mem_floats(w->layout->n_params);
    return 0;
}

static void say_ready(struct worker *w)
{
    char fingerprint[FINGERPRINT_SIZE], digest[DIGEST_HEX_SIZE];
    kernels_fingerprint(fingerprint, sizeof fingerprint, kernels_best(),
                        protobuf_c_enum_descriptor_get_value(&trireme__compute__precision__descriptor,
                                                             w->start->config->compute->precision)
                            ->name);
    dataset_digest(w->dataset, digest);
    Trireme__Ready ready = TRIREME__READY__INIT;
    ready.fingerprint = fingerprint, ready.data_digest = digest;
    size_t n = dataset_sources(w->dataset);
    Trireme__EvalSource *sources = mem_new(n, sizeof *sources);
    Trireme__EvalSource **pointers = mem_new(n, sizeof *pointers);
    for (size_t i = 0; i < n; i++) {
        trireme__eval_source__init(&sources[i]);
        sources[i].name = (char *)dataset_source_name(w->dataset, i);
        sources[i].has_samples = 1, sources[i].samples = dataset_eval_samples(w->dataset, i);
        sources[i].has_bytes_per_token = 1, sources[i].bytes_per_token = dataset_bytes_per_token(w->dataset, i);
        pointers[i] = &sources[i];
    }
    ready.n_eval = n, ready.eval = pointers;
    link_note(&w->link, "computes with %s", fingerprint);
    link_ready(&w->link, &ready);
    free(pointers);
    free(sources);
}

static int on_start(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct worker *w = role;
    w->start = message_copy(message);
    link_started(&w->link, w->start->config->wait->patience);
    if (set_up(w, err) < 0)
        return -1;
    say_ready(w);
    return 0;
}

static int on_lease(void *role, int from, const void *message, struct err *err)
{
    (void)from, (void)err;
    struct lease_queue *queue = &((struct worker *)role)->queue;
    queue->leases = mem_grow(queue->leases, queue->n, &queue->room, sizeof *queue->leases);
    queue->leases[queue->n++] = *(const Trireme__Lease *)message; // a lease holds no pointers of its own
    return 0;
}

static int on_weights(void *role, int from, const void *message, struct err *err)
{
    struct worker *w = role;
    const struct frame *frame = message;
    if (frame->incarnation != w->start->incarnation || w->stage != STAGE_PULL || w->blocks_missing == 0 ||
        frame->step != w->lease.step || frame->block >= w->layout->n_blocks ||
        frame->count != w->layout->blocks[frame->block].count)
        return err_set(err, ERR_MACHINE, "rank %d sent weights of block %llu, step %llu, which nobody asked for",
                       from, (unsigned long long)frame->block, (unsigned long long)frame->step);
    memcpy(w->weights + w->layout->blocks[frame->block].offset, frame->numbers,
           frame->count * sizeof *frame->numbers);
    if (--w->blocks_missing == 0)
        w->weights_step = frame->step;
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_START,   on_start},
    {TAG_LEASE,   on_lease},
    {TAG_WEIGHTS, on_weights},
};
// clang-format on

static int read_mail(struct worker *w, struct err *err)
{
    return link_read(&w->link, handlers, sizeof handlers / sizeof *handlers, w, err);
}

/* Between layers: whether the pass is to be abandoned. */
static bool tick(void *context)
{
    struct worker *w = context;
    w->link.work++;
    return w->tick_err.code != ERR_NONE || read_mail(w, &w->tick_err) < 0 || w->link.over;
}

static void begin_pull(struct worker *w)
{
    Trireme__Pull pull = TRIREME__PULL__INIT;
    pull.has_step = 1, pull.step = w->lease.step;
    w->weights_step = no_weights;
    w->blocks_missing = w->layout->n_blocks;
    for (uint32_t s = 0; s < w->start->servers; s++)
        endpoint_send(w->endpoint, 1 + (int)s, TAG_PULL, &pull);
}

static void begin_lease(struct worker *w)
{
    w->lease = w->queue.leases[w->queue.first++];
    if (w->queue.first == w->queue.n)
        w->queue.first = w->queue.n = 0;
    w->stage = STAGE_PULL;
    if (w->weights_step != w->lease.step)
        begin_pull(w);
}

static void losses_need(struct worker *w, size_t n)
{
    if (n > w->n_losses) {
        w->losses = mem_resize(w->losses, n, sizeof *w->losses);
        w->n_losses = n;
    }
}

static void send_losses(struct worker *w, size_t first, size_t n)
{
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.has_step = 1, losses.step = w->lease.step;
    losses.has_eval = 1, losses.eval = w->lease.leaves == 0;
    losses.has_first_leaf = 1, losses.first_leaf = w->lease.first_leaf;
    losses.has_eval_source = 1, losses.eval_source = w->lease.eval_source;
    losses.has_eval_first = 1, losses.eval_first = w->lease.eval_first;
    losses.n_sums = n, losses.sums = w->losses + first;
    endpoint_send(w->endpoint, LINK_COORDINATOR, TAG_LOSSES, &losses);
    w->stage = STAGE_FREE;
}

/* The tick's sentence, if it has one, counts before ours. Returns -1 on error, 1 where the run is over. */
static int abandoned(struct worker *w, struct err *err)
{
    if (w->tick_err.code != ERR_NONE)
        *err = w->tick_err;
    return err->code != ERR_NONE ? -1 : 1;
}

static int evaluate(struct worker *w, struct err *err)
{
    const size_t n = w->lease.eval_samples, T = w->start->config->model->context;
    losses_need(w, n);
    int32_t *tokens = mem_new(T + 1, sizeof *tokens);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = dataset_eval_sample(w->dataset, tokens, w->lease.eval_source, w->lease.eval_first + i, err);
        if (rc == 0 && !model_losses(w->model, &w->losses[i], w->weights, tokens, 1)) {
            err->code = ERR_NONE;
            rc = abandoned(w, err);
        }
    }
    free(tokens);
    if (rc == 0)
        send_losses(w, 0, n);
    return rc < 0 ? -1 : 1;
}

static int compute(struct worker *w, struct err *err)
{
    const Trireme__Run *config = w->start->config;
    double tokens = (double)config->train->batch * config->model->context;
    struct subtree_job job = {.model = w->model,
                              .dataset = w->dataset,
                              .weights = w->weights,
                              .first_sample = w->lease.first_sample,
                              .microbatch = config->train->microbatch,
                              .context = config->model->context,
                              .scale = (float)(1 / tokens),
                              .losses = w->losses};
    w->sum = subtree_gradient(w->subtree, &job, w->nodes[w->node], err);
    if (!w->sum)
        return abandoned(w, err);
    w->push_block = 0;
    w->stage = STAGE_PUSH;
    return 1;
}

static int server_of(const struct worker *w, size_t block)
{
    uint32_t s = 0;
    while (block >= w->shards[s].first_block + w->shards[s].n_blocks)
        s++;
    return 1 + (int)s;
}

/* Sends blocks of the subtree's sum as far as there is room, and goes on to the next subtree or ends the lease. */
static int push(struct worker *w)
{
    int done = 0;
    while (w->push_block < w->layout->n_blocks) {
        const struct block *block = &w->layout->blocks[w->push_block];
        int to = server_of(w, w->push_block);
        if (!endpoint_room(w->endpoint, to))
            return done;
        struct frame header = {.magic = FRAME_MAGIC,
                               .dtype = FRAME_FP32,
                               .incarnation = w->start->incarnation,
                               .step = w->lease.step,
                               .block = w->push_block,
                               .node_first = w->nodes[w->node].first,
                               .node_count = w->nodes[w->node].count,
                               .count = block->count};
        endpoint_send_frame(w->endpoint, to, TAG_PUSH, &header, w->sum + block->offset);
        w->push_block++;
        done = 1;
    }
    if (++w->node < w->n_nodes)
        w->stage = STAGE_COMPUTE;
    else
        send_losses(w, w->lease.first_leaf, w->lease.leaves);
    return 1;
}

/* Goes on with the lease. Returns 1 if something was done, 0 if not, -1 on error. */
static int act(struct worker *w, struct err *err)
{
    switch (w->stage) {
    case STAGE_FREE:
        if (w->queue.first == w->queue.n)
            return 0;
        begin_lease(w);
        return 1;
    case STAGE_PULL:
        if (w->weights_step != w->lease.step)
            return 0;
        if (w->lease.leaves == 0)
            return evaluate(w, err);
        losses_need(w, leaves(w));
        w->n_nodes = sum_tree_cover(w->nodes, leaves(w), w->lease.first_leaf, w->lease.leaves);
        w->node = 0;
        w->stage = STAGE_COMPUTE;
        return 1;
    case STAGE_COMPUTE:
        return compute(w, err);
    case STAGE_PUSH:
        return push(w);
    }
    return 0;
}

enum turn worker_turn(void *role, struct err *err)
{
    struct worker *w = role;
    int mail = read_mail(w, err);
    if (mail < 0)
        return TURN_FAILED;
    if (w->link.over)
        return TURN_OVER;
    int done = act(w, err);
    if (done < 0)
        return TURN_FAILED;
    if (w->link.over)
        return TURN_OVER;
    return mail || done ? TURN_BUSY : TURN_IDLE;
}
