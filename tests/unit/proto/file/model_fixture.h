/* A small model with weights and moments, and the shards and checkpoints that servers write of
 * it. */
#pragma once
#include "tests/unit/proto/file/file_fixture.h"
#include "tests/unit/proto/tensor/shape_fixture.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/file/checkpoint.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"

#include "control.pb-c.h"

enum { SERVERS_MAX = 8 };

/* Owns all that it points to; model_fixture_free frees it. */
struct model_fixture {
    Trireme__Config *config;
    struct layout *layout;
    float *weights, *moments[2];
};

static inline struct model_fixture model_fixture_new(void)
{
    struct model_fixture f = {.config = message_new(&trireme__config__descriptor)};
    shape_fixture_set(f.config->model, TRIREME__MODEL__ARCH__gpt2);
    f.layout = layout_new(f.config->model);
    f.weights = random_floats(1, f.layout->n_params);
    f.moments[0] = random_floats(2, f.layout->n_params);
    f.moments[1] = random_floats(3, f.layout->n_params);
    return f;
}

static inline void model_fixture_free(struct model_fixture *f)
{
    message_free(f->config);
    layout_free(f->layout);
    free(f->weights);
    free(f->moments[0]);
    free(f->moments[1]);
}

/* Writes the shards of n servers. Their manifest is the caller's; it is not written yet. */
static inline Trireme__Manifest *write_shards(const struct model_fixture *f, const char *folder,
                                              size_t n, uint64_t step)
{
    struct err err;
    struct shard shards[SERVERS_MAX];
    if (file_make_dirs(folder, ERR_USAGE, &err) < 0 || shard_map(shards, n, f->layout, &err) < 0)
        fail_msg("%s", err.text);
    Trireme__Manifest *m = message_new(&trireme__manifest__descriptor);
    m->has_step = 1, m->step = step;
    message_free(m->config);
    m->config = message_copy(f->config);
    m->shards = mem_new(n, sizeof *m->shards);
    for (size_t k = 0; k < n; k++) {
        struct digest digest;
        uint64_t bytes = 0;
        float *moments[2] = {f->moments[0] + shards[k].offset, f->moments[1] + shards[k].offset};
        if (shard_file_write(folder, k, n, f->layout, &shards[k], f->weights + shards[k].offset,
                             moments, 2, &digest, &bytes, &err) < 0)
            fail_msg("%s", err.text);
        Trireme__Shard *shard = message_new(&trireme__shard__descriptor);
        char hex[DIGEST_HEX_SIZE];
        digest_hex(hex, digest);
        shard->file = shard_file_name(k, n);
        shard->digest = mem_strdup(hex);
        shard->has_bytes = 1, shard->bytes = bytes;
        m->shards[m->n_shards++] = shard;
    }
    return m;
}

/* Writes a whole checkpoint of n servers into a run's folder. */
static inline void write_checkpoint(const struct model_fixture *f, const char *run, uint64_t step,
                                    size_t n_servers)
{
    struct err err;
    char *folder = checkpoint_folder(run, step);
    Trireme__Manifest *m = write_shards(f, folder, n_servers, step);
    if (checkpoint_complete(folder, m, &err) < 0)
        fail_msg("%s", err.text);
    message_free(m);
    free(folder);
}
