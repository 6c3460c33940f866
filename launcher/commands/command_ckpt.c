/* trireme ckpt ls, verify, hash. */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/warn.h"
#include "launcher/commands/command.h"
#include "launcher/commands/loaded.h"
#include "launcher/commands/print_text.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t shard_bytes(const Trireme__Manifest *manifest)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest->n_shards; i++)
        bytes += manifest->shards[i]->bytes;
    return bytes;
}

int command_ckpt_ls(const void *request, void *reply, struct err *err)
{
    const Trireme__CkptLsRequest *r = request;
    Trireme__CkptLsReply *out = reply;
    if (!file_is_dir(r->run))
        return err_set(err, ERR_USAGE, "%s: there is no such run", r->run);
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(r->run, &n, err);
    if (!steps)
        return -1;
    out->checkpoints = mem_new(n, sizeof *out->checkpoints);
    for (size_t i = 0; i < n; i++) {
        char *folder = checkpoint_folder(r->run, steps[i]);
        struct err why;
        Trireme__Manifest *manifest = checkpoint_manifest(folder, &why);
        Trireme__CkptRow *row = out->checkpoints[out->n_checkpoints++] =
            message_new(&trireme__ckpt_row__descriptor);
        row->has_step = 1, row->step = steps[i];
        if (manifest) {
            row->has_samples = 1, row->samples = manifest->samples;
            row->has_shards = 1, row->shards = (uint32_t)manifest->n_shards;
            row->has_bytes = 1, row->bytes = shard_bytes(manifest);
        } else {
            row->problem = mem_strdup(why.text);
        }
        message_free(manifest);
        free(folder);
    }
    free(steps);
    return 0;
}

int command_ckpt_verify(const void *request, void *reply, struct err *err)
{
    const Trireme__CkptVerifyRequest *r = request;
    Trireme__CkptVerifyReply *out = reply;
    char *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    if (checkpoint_find(&folder, &manifest, r->checkpoint, warn_stderr, NULL, err) < 0)
        return -1;
    out->has_step = 1, out->step = manifest->step;
    out->has_shards = 1, out->shards = (uint32_t)manifest->n_shards;
    out->has_bytes = 1, out->bytes = shard_bytes(manifest);
    message_free(manifest);
    free(folder);
    return 0;
}

int command_ckpt_hash(const void *request, void *reply, struct err *err)
{
    const Trireme__CkptHashRequest *r = request;
    struct loaded l;
    if (loaded_open(&l, r->checkpoint, true, err) < 0)
        return -1;
    struct digest_stream *stream = digest_stream_new();
    digest_stream_add(stream, &l.manifest->step, sizeof l.manifest->step);
    digest_stream_add(stream, l.weights, l.layout->n_params * sizeof *l.weights);
    for (int m = 0; m < l.n_moments; m++)
        digest_stream_add(stream, l.moments[m], l.layout->n_params * sizeof *l.weights);
    char hex[DIGEST_HEX_SIZE];
    digest_hex(hex, digest_stream_end(stream));
    ((Trireme__CkptHashReply *)reply)->hash = mem_strdup(hex);
    loaded_close(&l);
    return 0;
}

void print_ckpt_ls(const void *reply)
{
    const Trireme__CkptLsReply *r = reply;
    if (r->n_checkpoints)
        printf("%10s %14s %7s %14s\n", "step", "samples", "shards", "bytes");
    for (size_t i = 0; i < r->n_checkpoints; i++) {
        const Trireme__CkptRow *row = r->checkpoints[i];
        if (row->problem) {
            printf("%10" PRIu64 "  ", row->step);
            print_text(row->problem, SIZE_MAX);
            printf("\n");
        } else {
            printf("%10" PRIu64 " %14" PRIu64 " %7u %14" PRIu64 "\n", row->step, row->samples,
                   row->shards, row->bytes);
        }
    }
}

void print_ckpt_verify(const void *reply)
{
    const Trireme__CkptVerifyReply *r = reply;
    printf("step %" PRIu64 ": %u shards, %" PRIu64 " bytes: all digests agree\n", r->step,
           r->shards, r->bytes);
}

void print_ckpt_hash(const void *reply)
{
    printf("%s\n", ((const Trireme__CkptHashReply *)reply)->hash);
}
