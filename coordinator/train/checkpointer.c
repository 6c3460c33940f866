#include "coordinator/train/checkpointer.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/run.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/suspended.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

struct checkpointer {
    const struct run *run;       /* borrowed */
    struct metrics *metrics;     /* borrowed */
    const struct roster *roster; /* borrowed */
    int n_servers, n_missing;
    char *folder;                /* of the checkpoint under way or of the last one */
    char *replaces;              /* the complete checkpoint that it takes the place of, or NULL */
    bool beside;                 /* it is a suspended line of training's */
    Trireme__Manifest *manifest; /* of that checkpoint, as far as it is known */
    Trireme__Shard **shards;
    uint64_t *pins;
    size_t n_pins;
    uint64_t step, complete_step;
    double began, stall_ms;
};

struct checkpointer *checkpointer_new(const struct run *run, struct metrics *metrics,
                                      const struct roster *roster, int n_servers)
{
    struct checkpointer *k = mem_new(1, sizeof *k);
    *k = (struct checkpointer){.run = run,
                               .metrics = metrics,
                               .roster = roster,
                               .n_servers = n_servers,
                               .complete_step = run->step};
    k->shards = mem_new((size_t)n_servers, sizeof *k->shards);
    return k;
}

static void forget_shards(struct checkpointer *k)
{
    for (int s = 0; s < k->n_servers; s++) {
        message_free(k->shards[s]);
        k->shards[s] = NULL;
    }
}

void checkpointer_free(struct checkpointer *k)
{
    if (!k)
        return;
    forget_shards(k);
    free(k->shards);
    free(k->pins);
    free(k->replaces);
    message_free(k->manifest);
    free(k->folder);
    free(k);
}

/* Begins with an empty folder; `folder`, its name, is taken over. A complete checkpoint of that
 * name stays until this one is. */
static const char *begin(struct checkpointer *k, const Trireme__Manifest *what, char *folder,
                         bool beside, struct err *err)
{
    char *manifest = file_join(folder, "manifest.json");
    const bool replaces = !beside && file_exists(manifest);
    free(manifest);
    free(k->folder);
    free(k->replaces);
    k->folder = replaces ? mem_format("%s.new", folder) : folder;
    k->replaces = replaces ? folder : NULL;
    k->beside = beside;
    k->step = what->step;
    message_free(k->manifest);
    k->manifest = message_copy(what);
    k->stall_ms = 0;
    k->began = clock_now();
    // what a launch that died left there is no checkpoint
    if (file_remove_tree(k->folder, ERR_TRAIN, err) < 0 ||
        file_make_dirs(k->folder, ERR_TRAIN, err) < 0)
        return NULL;
    k->n_missing = k->n_servers;
    return k->folder;
}

const char *checkpointer_begin(struct checkpointer *k, const Trireme__Manifest *what,
                               const uint64_t *pins, size_t n_pins, struct err *err)
{
    k->pins = mem_resize(k->pins, n_pins, sizeof *k->pins);
    if (n_pins)
        memcpy(k->pins, pins, n_pins * sizeof *pins);
    k->n_pins = n_pins;
    return begin(k, what, checkpoint_folder(k->run->folder, what->step), false, err);
}

const char *checkpointer_suspend(struct checkpointer *k, const Trireme__Manifest *what,
                                 const char *name, struct err *err)
{
    char *trunk = checkpoint_folder(k->run->folder, k->complete_step);
    const char *folder = begin(k, what, suspended_folder(trunk, name), true, err);
    free(trunk);
    return folder;
}

static int write_line(struct checkpointer *k, struct err *err)
{
    Trireme__CheckpointLine line = TRIREME__CHECKPOINT_LINE__INIT;
    line.has_step = 1, line.step = k->step;
    line.has_stall_ms = 1, line.stall_ms = k->stall_ms;
    line.has_bytes = 1;
    for (int s = 0; s < k->n_servers; s++)
        line.bytes += k->shards[s]->bytes;
    line.has_seconds = 1, line.seconds = clock_now() - k->began;
    return metrics_write(k->metrics, &line, err) < 0 ? -1 : metrics_sync(k->metrics, err);
}

/* The new checkpoint gets its name, for good before the old one is removed. */
static int replace(const struct checkpointer *k, struct err *err)
{
    char *above = mem_format("%s/..", k->replaces);
    int rc = file_exchange_dirs(k->replaces, k->folder, ERR_TRAIN, err);
    if (rc == 0)
        rc = file_sync_dir(above, ERR_TRAIN, err);
    free(above);
    return rc < 0 ? -1 : file_remove_tree(k->folder, ERR_TRAIN, err);
}

static int complete(struct checkpointer *k, struct err *err)
{
    Trireme__Manifest manifest = *k->manifest; // with what is borrowed from us and from others
    manifest.has_format = 1, manifest.format = 1;
    manifest.version = TRIREME_VERSION;
    manifest.has_incarnation = 1, manifest.incarnation = k->run->incarnation;
    manifest.shards = k->shards, manifest.n_shards = (size_t)k->n_servers;
    manifest.fingerprint = k->roster->fingerprint;
    manifest.data_digest = k->roster->data_digest;
    if ((k->beside ? metrics_sync(k->metrics, err) : write_line(k, err)) < 0 ||
        checkpoint_complete(k->folder, &manifest, err) < 0)
        return -1;
    forget_shards(k);
    if (k->beside)
        return 0;
    if (k->replaces && replace(k, err) < 0)
        return -1;
    k->complete_step = k->step;
    return checkpoint_prune(k->run->folder, k->step, k->run->config->checkpoint->keep, k->pins,
                            k->n_pins, err);
}

int checkpointer_add_shard(struct checkpointer *k, int server, const Trireme__Saved *saved,
                           struct err *err)
{
    if (!k->n_missing || saved->step != k->step || k->shards[server])
        return err_set(err, ERR_MACHINE, "server %d saved step %llu, which nobody asked for",
                       server, (unsigned long long)saved->step);
    k->shards[server] = message_copy(saved->shard);
    k->manifest->has_updates = 1, k->manifest->updates = saved->updates;
    k->stall_ms = saved->stall_ms > k->stall_ms ? saved->stall_ms : k->stall_ms;
    return --k->n_missing ? 0 : complete(k, err);
}

const char *checkpointer_folder(const struct checkpointer *k)
{
    return k->folder;
}

bool checkpointer_busy(const struct checkpointer *k)
{
    return k->n_missing > 0;
}

uint64_t checkpointer_step(const struct checkpointer *k)
{
    return k->complete_step;
}
