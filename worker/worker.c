#include "worker/worker.h"

#include "base/mem.h"
#include "math/kernels.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "worker/base_tokenizer.h"
#include "worker/data/dataset.h"
#include "worker/data/whole_files.h"
#include "worker/lease_check.h"
#include "worker/lease_queue.h"
#include "worker/model/model.h"
#include "worker/readiness.h"
#include "worker/subtree.h"
#include "worker/worker_trial.h"

#include "control.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { TRUNK = 0 };
static const uint64_t no_weights = UINT64_MAX;

/* Where the worker is in its lease. */
enum stage { STAGE_FREE, STAGE_PULL, STAGE_COMPUTE, STAGE_PUSH };

struct worker {
    struct link link;
    struct endpoint *endpoint; /* borrowed */
    Trireme__Start *start;     /* NULL until START */
    struct layout *layout;
    struct shard *shards; /* one a server */
    struct worker_trials trials;
    struct dataset *dataset;
    struct whole_files *whole_files; /* while they are read; else NULL */
    bool sends_tokenizer;            /* then, with the digests */
    uint64_t bytes_read;             /* of them, when last looked at */
    struct model *model;             /* for the largest pass so far */
    size_t rows, longest;            /* of that one: its tokens, and those of a sample */
    struct subtree *subtree;
    float *weights; /* n_params */
    uint32_t weights_trial;
    uint64_t weights_step;
    size_t blocks_missing; /* of a pull under way */
    struct lease_queue queue;
    enum stage stage;
    Trireme__Lease lease;
    struct worker_trial *trial; /* of the lease; NULL if there is none. Owned if it is over */
    bool unwanted;              /* the evaluation that it leases was abandoned */
    struct tree_node nodes[SUM_TREE_COVER_MAX];
    size_t n_nodes, node; /* subtrees of the lease; the current one */
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
    whole_files_stop(w->whole_files);
    dataset_free(w->dataset);
    layout_free(w->layout);
    free(w->shards);
    free(w->weights);
    lease_queue_clear(&w->queue);
    free(w->losses);
    if (w->trial && w->trial->over)
        worker_trial_free(w->trial);
    worker_trials_clear(&w->trials);
    message_free(w->start);
    free(w);
}

struct link *worker_link(struct worker *w)
{
    return &w->link;
}

static bool tick(void *context);

/* For passes over `batch` samples of `context` tokens. The model is made anew only where it is too
 * small. */
static void make_room(struct worker *w, size_t batch, size_t context)
{
    const size_t rows = batch * context;
    if (rows <= w->rows && context <= w->longest)
        return;
    w->rows = rows > w->rows ? rows : w->rows;
    w->longest = context > w->longest ? context : w->longest;
    model_free(w->model);
    w->model =
        model_new_sized(w->start->config->model, w->layout, kernels_best(), w->rows, w->longest);
    model_set_tick(w->model, tick, w);
}

/* For steps of a trial with that configuration, which may be longer or shorter than the trunk's. */
static void make_room_for_steps(struct worker *w, const Trireme__Config *config)
{
    subtree_reserve(w->subtree, run_config_leaves(config), config->train->microbatch,
                    run_config_context(config));
    make_room(w, config->train->microbatch, run_config_context(config));
}

/* Whether evaluations have something to read. */
static bool has_evaluations(const struct worker *w)
{
    bool has = false;
    for (size_t s = 0; s < dataset_sources(w->dataset); s++)
        has = has || dataset_eval_samples(w->dataset, TRIREME__PART__dev, s);
    return has && w->start->config->eval->every;
}

static int set_up(struct worker *w, struct err *err)
{
    const Trireme__Config *config = w->start->config;
    if (worker_trials_add(&w->trials, TRUNK, config,
                          (const Trireme__Segment *const *)w->start->segments, w->start->n_segments,
                          NULL, err) < 0)
        return -1;
    w->layout = layout_new(config->model);
    w->shards = mem_new(w->start->servers, sizeof *w->shards);
    if (shard_map(w->shards, w->start->servers, w->layout, err) < 0)
        return -1;
    w->dataset = dataset_open(config->data, config->model->context, config->model->vocab,
                              config->train->seed, err);
    if (!w->dataset)
        return -1;
    kernels_set_threads((int)config->compute->threads);
    w->subtree = subtree_new(w->layout->n_params);
    make_room_for_steps(w, config);
    if (has_evaluations(w)) // too little memory shows at the start
        make_room(w, 1, config->model->context);
    w->weights = mem_floats(w->layout->n_params);
    return 0;
}

static int on_start(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct worker *w = role;
    if (link_check_start(&w->link, message, false, err) < 0)
        return -1;
    w->start = message_copy(message);
    const Trireme__Config *config = w->start->config;
    link_started(&w->link, config->wait->patience);
    if (set_up(w, err) < 0)
        return -1;
    const bool is_first = w->endpoint->rank == 1 + (int)w->start->servers;
    char *note = is_first ? base_tokenizer_note(w->start, w->dataset) : NULL;
    readiness_say(&w->link, w->dataset, config->compute, note);
    free(note);
    return 0;
}

static int on_fork(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct worker *w = role;
    const Trireme__Fork *fork = message;
    if (worker_trials_add(&w->trials, fork->trial, fork->config,
                          (const Trireme__Segment *const *)fork->segments, fork->n_segments,
                          w->start->config, err) < 0)
        return -1;
    Trireme__Forked forked = TRIREME__FORKED__INIT;
    Trireme__InForce in_force = TRIREME__IN_FORCE__INIT;
    forked.trial = fork->trial;
    forked.in_force = &in_force;
    worker_trial_tell(worker_trials_find(&w->trials, fork->trial), &in_force);
    endpoint_send(w->endpoint, LINK_COORDINATOR, TAG_FORKED, &forked);
    return 0;
}

static int on_drop(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct worker *w = role;
    const uint32_t number = ((const Trireme__Drop *)message)->trial;
    struct worker_trial *trial = worker_trials_take(&w->trials, number);
    if (!trial)
        return err_set(err, ERR_MACHINE, "trial %u is to be dropped, but is not there", number);
    lease_queue_drop(&w->queue, number);
    if (trial == w->trial)
        trial->over = true; // a pass may be reading it
    else
        worker_trial_free(trial);
    return 0;
}

static int on_lease(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    struct worker *w = role;
    const Trireme__Lease *lease = message;
    if (lease_check(lease, worker_trials_find(&w->trials, lease->trial), w->dataset, err) < 0)
        return -1;
    lease_queue_put(&w->queue, lease);
    return 0;
}

static int on_read_whole(void *role, int from, const void *message, struct err *err)
{
    struct worker *w = role;
    w->sends_tokenizer = ((const Trireme__ReadWhole *)message)->with_tokenizer;
    if (w->whole_files)
        return err_set(err, ERR_MACHINE, "rank %d asked for the token files twice", from);
    w->whole_files = whole_files_begin(w->dataset);
    return 0;
}

static int on_abandon(void *role, int from, const void *message, struct err *err)
{
    (void)from;
    (void)message;
    (void)err;
    struct worker *w = role;
    lease_queue_drop_evaluations(&w->queue);
    w->unwanted = w->trial && w->lease.leaves == 0;
    return 0;
}

static int on_weights(void *role, int from, const void *message, struct err *err)
{
    struct worker *w = role;
    const struct frame *frame = message;
    if (frame->incarnation == w->start->incarnation && frame->trial < w->trials.next &&
        !worker_trials_find(&w->trials, frame->trial))
        return 0; // the server sent it before DROP arrived there
    if (frame->incarnation != w->start->incarnation || w->stage != STAGE_PULL ||
        w->blocks_missing == 0 || frame->trial != w->lease.trial || frame->step != w->lease.step ||
        frame->block >= w->layout->n_blocks ||
        frame->count != w->layout->blocks[frame->block].count)
        return err_set(
            err, ERR_MACHINE,
            "rank %d sent weights of block %llu, trial %u, step %llu, which nobody asked for", from,
            (unsigned long long)frame->block, frame->trial, (unsigned long long)frame->step);
    memcpy(w->weights + w->layout->blocks[frame->block].offset, frame->numbers,
           frame->count * sizeof *frame->numbers);
    if (--w->blocks_missing == 0) {
        w->weights_trial = frame->trial;
        w->weights_step = frame->step;
    }
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_START,      on_start},
    {TAG_READ_WHOLE, on_read_whole},
    {TAG_FORK,       on_fork},
    {TAG_DROP,       on_drop},
    {TAG_LEASE,      on_lease},
    {TAG_WEIGHTS,    on_weights},
    {TAG_ABANDON,    on_abandon},
};
// clang-format on

/* Sends the digests of the token files once they are there. */
static int look_at_files(struct worker *w, struct err *err)
{
    const uint64_t bytes = whole_files_bytes(w->whole_files);
    w->link.work += bytes != w->bytes_read;
    w->bytes_read = bytes;
    if (!whole_files_done(w->whole_files))
        return 0;
    Trireme__RunData *data = whole_files_end(w->whole_files, err);
    w->whole_files = NULL;
    if (!data)
        return -1;
    Trireme__WasRead *was_read = message_new(&trireme__was_read__descriptor);
    int rc = w->sends_tokenizer ? readiness_add_tokenizer(was_read, w->dataset, err) : 0;
    was_read->n_files = data->n_files, was_read->files = data->files; // lent
    message_free(was_read->vocabulary);
    was_read->vocabulary = data->vocabulary;
    if (rc == 0)
        endpoint_send(w->endpoint, LINK_COORDINATOR, TAG_WAS_READ, was_read);
    was_read->n_files = 0, was_read->files = NULL, was_read->vocabulary = NULL;
    message_free(was_read);
    message_free(data);
    return rc;
}

static int read_mail(struct worker *w, struct err *err)
{
    if (w->whole_files && look_at_files(w, err) < 0)
        return -1;
    return link_read(&w->link, handlers, sizeof handlers / sizeof *handlers, w, err);
}

/* Called between layers. Returns whether the pass is to be abandoned. */
static bool tick(void *context)
{
    struct worker *w = context;
    w->link.work++;
    return w->tick_err.code != ERR_NONE || read_mail(w, &w->tick_err) < 0 || w->link.over ||
           w->trial->over || w->unwanted;
}

static void begin_pull(struct worker *w)
{
    Trireme__Pull pull = TRIREME__PULL__INIT;
    pull.trial = w->lease.trial;
    pull.step = w->lease.step;
    w->weights_step = no_weights;
    w->blocks_missing = w->layout->n_blocks;
    for (uint32_t s = 0; s < w->start->servers; s++)
        endpoint_send(w->endpoint, 1 + (int)s, TAG_PULL, &pull);
}

static bool has_weights(const struct worker *w)
{
    return w->weights_step == w->lease.step && w->weights_trial == w->lease.trial;
}

static void begin_lease(struct worker *w)
{
    lease_queue_take(&w->queue, &w->lease);
    // never NULL: on_drop removed the leases of dropped trials
    w->trial = worker_trials_find(&w->trials, w->lease.trial);
    w->stage = STAGE_PULL;
    if (w->lease.leaves)
        make_room_for_steps(w, w->trial->config);
    else
        make_room(w, 1, w->start->config->model->context);
    if (!has_weights(w))
        begin_pull(w);
}

static void end_lease(struct worker *w)
{
    if (w->trial->over)
        worker_trial_free(w->trial);
    w->trial = NULL;
    w->unwanted = false;
    w->stage = STAGE_FREE;
}

static void losses_need(struct worker *w, size_t n)
{
    if (n > w->n_losses) {
        w->losses = mem_resize(w->losses, n, sizeof *w->losses);
        w->n_losses = n;
    }
}

/* bytes: of each evaluated sample's targets; NULL: they are leaves, or that is not known. */
static void send_losses(struct worker *w, size_t first, size_t n, uint64_t *bytes)
{
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.trial = w->lease.trial;
    losses.step = w->lease.step;
    losses.eval = w->lease.leaves == 0;
    losses.first_leaf = w->lease.first_leaf;
    losses.eval_source = w->lease.eval_source;
    losses.eval_first = w->lease.eval_first;
    losses.part = w->lease.part;
    losses.n_sums = n, losses.sums = w->losses + first;
    losses.n_bytes = bytes ? n : 0, losses.bytes = bytes;
    endpoint_send(w->endpoint, LINK_COORDINATOR, TAG_LOSSES, &losses);
    end_lease(w);
}

/* Why a pass was abandoned. The tick's error, if there is one, replaces err. Returns -1 on error, 1
 * if the run or the trial is over. */
static int abandoned(struct worker *w, struct err *err)
{
    if (w->tick_err.code != ERR_NONE)
        *err = w->tick_err;
    return err->code != ERR_NONE ? -1 : 1;
}

static int read_evaluated(const struct worker *w, int32_t *tokens, uint64_t k, struct err *err)
{
    const Trireme__Lease *l = &w->lease;
    const uint64_t sample =
        l->eval_key ? dataset_eval_drawn(w->dataset, l->part, l->eval_source, l->eval_key, k) : k;
    return dataset_eval_sample(w->dataset, tokens, l->part, l->eval_source, sample, err);
}

static int evaluate(struct worker *w, struct err *err)
{
    const size_t n = w->lease.eval_samples;
    losses_need(w, n);
    const size_t context = w->start->config->model->context;
    int32_t *tokens = mem_new(context + 1, sizeof *tokens);
    uint64_t *bytes = mem_new(n, sizeof *bytes);
    bool known = true;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = read_evaluated(w, tokens, w->lease.eval_first + i, err);
        known =
            known && rc == 0 &&
            dataset_count_bytes(w->dataset, &bytes[i], w->lease.eval_source, tokens + 1, context);
        if (rc == 0 && !model_losses(w->model, &w->losses[i], w->weights, tokens, 1)) {
            err->code = ERR_NONE;
            rc = abandoned(w, err);
        }
    }
    free(tokens);
    if (rc == 0)
        send_losses(w, 0, n, known ? bytes : NULL);
    free(bytes);
    return rc < 0 ? -1 : 1;
}

static int compute(struct worker *w, struct err *err)
{
    const Trireme__Config *config = w->trial->config;
    const size_t context = run_config_context(config);
    struct subtree_job job = {.model = w->model,
                              .dataset = w->dataset,
                              .order = w->trial->order,
                              .weights = w->weights,
                              .first_sample = w->lease.first_sample,
                              .microbatch = config->train->microbatch,
                              .context = context,
                              .scale = (float)(1 / (double)run_config_step_tokens(config)),
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

/* Sends blocks of the subtree's sum while there is room, then goes on to the next subtree or ends
 * the lease. Returns 1 if something was done, 0 if not. */
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
                               .trial = w->lease.trial,
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
        send_losses(w, w->lease.first_leaf, w->lease.leaves, NULL);
    return 1;
}

/* Continues the lease. Returns 1 if something was done, 0 if not, -1 on error. */
static int act(struct worker *w, struct err *err)
{
    // servers have dropped the trial too, and ignore its frames
    if (w->trial && w->trial->over) {
        end_lease(w);
        return 1;
    }
    if (w->unwanted && has_weights(w)) { // a pull that has begun is answered whole
        end_lease(w);
        return 1;
    }
    switch (w->stage) {
    case STAGE_FREE:
        if (lease_queue_empty(&w->queue))
            return 0;
        begin_lease(w);
        return 1;
    case STAGE_PULL:
        if (!has_weights(w))
            return 0;
        if (w->lease.leaves == 0)
            return evaluate(w, err);
        losses_need(w, worker_trial_leaves(w->trial));
        w->n_nodes = sum_tree_cover(w->nodes, worker_trial_leaves(w->trial), w->lease.first_leaf,
                                    w->lease.leaves);
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
