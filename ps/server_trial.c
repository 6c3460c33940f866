#include "ps/server_trial.h"

#include "base/mem.h"
#include "math/optimizer.h"
#include "proto/config/first_weights.h"
#include "proto/config/run_config.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "ps/gather.h"
#include "ps/snapshot.h"
#include "ps/store.h"

#include <stdlib.h>

struct server_trial *server_trial_new(uint32_t number, const Trireme__Config *config,
                                      const struct layout *layout, const struct shard *shard,
                                      size_t n_workers)
{
    struct server_trial *t = mem_new(1, sizeof *t);
    t->number = number;
    t->config = message_copy(config);
    t->store = store_new(layout, shard, config->optimizer);
    t->gather = gather_new(layout, shard);
    t->pulls = mem_new(n_workers, sizeof *t->pulls);
    server_trial_next_step(t);
    return t;
}

void server_trial_free(struct server_trial *t)
{
    if (!t)
        return;
    if (t->snapshot) {
        Trireme__Shard shard = TRIREME__SHARD__INIT;
        struct err err;
        snapshot_end(t->snapshot, &shard, &err);
        free(shard.file);
        free(shard.digest);
    }
    gather_free(t->gather);
    store_free(t->store);
    free(t->pulls);
    message_free(t->config);
    free(t);
}

static void count_from(struct store *store, const Trireme__Manifest *manifest)
{
    store->step = manifest->step;
    store->updates = manifest->updates ? manifest->updates : manifest->step;
}

int server_trial_start(struct server_trial *t, const Trireme__Start *start, struct err *err)
{
    struct store *store = t->store;
    if (first_weights_read(start, store->layout, store->shard.offset, store->shard.count,
                           store->weights, store->moments, store->rule->n_moments, err) < 0)
        return -1;
    if (start->checkpoint)
        count_from(store, start->manifest);
    else if (!t->config->init->from[0])
        store_draw(store, t->config->train->seed);
    return 0;
}

int server_trial_fork(struct server_trial *t, const struct server_trial *parent,
                      const Trireme__Fork *fork, struct err *err)
{
    struct store *store = t->store;
    const Trireme__Config *origin = fork->checkpoint ? fork->manifest->config : parent->config;
    if (t->config->optimizer->name != origin->optimizer->name)
        return err_set(err, ERR_MACHINE,
                       "trial %u is to go on with moments of another optimizer than its own, %s",
                       t->number, store->rule->name);
    if (fork->checkpoint) {
        if (shard_files_read(fork->checkpoint, fork->manifest, store->layout, store->shard.offset,
                             store->shard.count, store->weights, store->moments,
                             store->rule->n_moments, err) < 0)
            return -1;
        count_from(store, fork->manifest);
    } else {
        store_copy(store, parent->store);
    }
    store->step = fork->step; // the coordinator's label, not the origin's
    return 0;
}

struct server_trial *server_trial_find(struct server_trial *list, uint32_t number)
{
    for (struct server_trial *t = list; t; t = t->next)
        if (t->number == number && !t->dropped)
            return t;
    return NULL;
}

void server_trial_add(struct server_trial **list, struct server_trial *trial)
{
    trial->next = *list;
    *list = trial;
}

void server_trial_sweep(struct server_trial **list)
{
    while (*list) {
        struct server_trial *trial = *list;
        if (!trial->dropped || trial->snapshot) {
            list = &trial->next;
            continue;
        }
        *list = trial->next;
        server_trial_free(trial);
    }
}

void server_trial_next_step(struct server_trial *t)
{
    gather_begin(t->gather, run_config_leaves(t->config));
    t->norms_sent = false;
}

uint64_t server_trial_bytes(const struct shard *shard, const Trireme__Config *config)
{
    return (uint64_t)(1 + store_rule(config->optimizer)->n_moments + 1) * shard->count *
           sizeof(float);
}
