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
    bool beside;                 /* it is of a suspended trial */
    bool on_hold, waits;         /* no manifest may be written yet; one could be */
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
    struct checkpointer *c = mem_new(1, sizeof *c);
    *c = (struct checkpointer){.run = run,
                               .metrics = metrics,
                               .roster = roster,
                               .n_servers = n_servers,
                               .complete_step = run->step};
    c->shards = mem_new((size_t)n_servers, sizeof *c->shards);
    return c;
}

static void forget_shards(struct checkpointer *c)
{
    for (int s = 0; s < c->n_servers; s++) {
        message_free(c->shards[s]);
        c->shards[s] = NULL;
    }
}

void checkpointer_free(struct checkpointer *c)
{
    if (!c)
        return;
    forget_shards(c);
    free(c->shards);
    free(c->pins);
    free(c->replaces);
    message_free(c->manifest);
    free(c->folder);
    free(c);
}

/* Begins with an empty folder. `folder`, its name, is taken over. A complete checkpoint of that
 * name stays until the new one is complete. */
static const char *begin(struct checkpointer *c, const Trireme__Manifest *what, char *folder,
                         bool beside, struct err *err)
{
    if (run_check(c->run, err) < 0) {
        free(folder);
        return NULL;
    }
    if (c->waits) { // this one takes its place
        forget_shards(c);
        if (file_remove_tree(c->folder, ERR_TRAIN, err) < 0) {
            free(folder);
            return NULL;
        }
    }
    char *manifest = file_join(folder, "manifest.json");
    const bool replaces = !beside && file_exists(manifest);
    free(manifest);
    free(c->folder);
    free(c->replaces);
    c->folder = replaces ? mem_format("%s.new", folder) : folder;
    c->replaces = replaces ? folder : NULL;
    c->beside = beside;
    c->step = what->step;
    message_free(c->manifest);
    c->manifest = message_copy(what);
    c->stall_ms = 0;
    c->began = clock_now();
    c->waits = false;
    // A folder that a dead launch left there is no checkpoint.
    if (file_remove_tree(c->folder, ERR_TRAIN, err) < 0 ||
        file_make_dirs(c->folder, ERR_TRAIN, err) < 0)
        return NULL;
    c->n_missing = c->n_servers;
    return c->folder;
}

const char *checkpointer_begin(struct checkpointer *c, const Trireme__Manifest *what,
                               const uint64_t *pins, size_t n_pins, struct err *err)
{
    c->pins = mem_resize(c->pins, n_pins, sizeof *c->pins);
    if (n_pins)
        memcpy(c->pins, pins, n_pins * sizeof *pins);
    c->n_pins = n_pins;
    return begin(c, what, checkpoint_folder(c->run->folder, what->step), false, err);
}

const char *checkpointer_suspend(struct checkpointer *c, const Trireme__Manifest *what,
                                 const char *name, struct err *err)
{
    char *trunk = checkpoint_folder(c->run->folder, c->complete_step);
    const char *folder = begin(c, what, suspended_folder(trunk, name), true, err);
    free(trunk);
    return folder;
}

static int write_line(struct checkpointer *c, struct err *err)
{
    Trireme__CheckpointLine line = TRIREME__CHECKPOINT_LINE__INIT;
    line.has_step = 1, line.step = c->step;
    line.has_stall_ms = 1, line.stall_ms = c->stall_ms;
    line.has_bytes = 1;
    for (int s = 0; s < c->n_servers; s++)
        line.bytes += c->shards[s]->bytes;
    line.has_seconds = 1, line.seconds = clock_now() - c->began;
    return metrics_write(c->metrics, &line, err) < 0 ? -1 : metrics_sync(c->metrics, err);
}

/* Gives the new checkpoint its name; that is durable before the old one is removed. */
static int replace(const struct checkpointer *c, struct err *err)
{
    char *above = mem_format("%s/..", c->replaces);
    int rc = file_exchange_dirs(c->replaces, c->folder, ERR_TRAIN, err);
    if (rc == 0)
        rc = file_sync_dir(above, ERR_TRAIN, err);
    free(above);
    return rc < 0 ? -1 : file_remove_tree(c->folder, ERR_TRAIN, err);
}

static int complete(struct checkpointer *c, struct err *err)
{
    Trireme__Manifest manifest = *c->manifest; // with what is borrowed from us and from others
    manifest.has_format = 1, manifest.format = 1;
    manifest.version = TRIREME_VERSION;
    manifest.has_incarnation = 1, manifest.incarnation = c->run->incarnation;
    manifest.shards = c->shards, manifest.n_shards = (size_t)c->n_servers;
    manifest.fingerprint = c->roster->fingerprint;
    manifest.data_digest = c->roster->data_digest;
    const bool told = c->beside || c->replaces; // the line of the one before stands
    if ((told ? metrics_sync(c->metrics, err) : write_line(c, err)) < 0 ||
        run_check(c->run, err) < 0 || checkpoint_complete(c->folder, &manifest, err) < 0)
        return -1;
    forget_shards(c);
    if (c->beside)
        return 0;
    if (c->replaces && replace(c, err) < 0)
        return -1;
    c->complete_step = c->step;
    if (run_check(c->run, err) < 0)
        return -1;
    return checkpoint_prune(c->run->folder, c->step, c->run->config->checkpoint->keep, c->pins,
                            c->n_pins, err);
}

int checkpointer_add_shard(struct checkpointer *c, int server, const Trireme__Saved *saved,
                           struct err *err)
{
    if (!c->n_missing || saved->step != c->step || c->shards[server])
        return err_set(err, ERR_MACHINE, "server %d saved step %llu, which nobody asked for",
                       server, (unsigned long long)saved->step);
    c->shards[server] = message_copy(saved->shard);
    c->manifest->has_updates = 1, c->manifest->updates = saved->updates;
    c->stall_ms = saved->stall_ms > c->stall_ms ? saved->stall_ms : c->stall_ms;
    c->waits = --c->n_missing == 0 && c->on_hold;
    return c->n_missing || c->waits ? 0 : complete(c, err);
}

void checkpointer_hold(struct checkpointer *c)
{
    c->on_hold = true;
}

int checkpointer_release(struct checkpointer *c, struct err *err)
{
    const bool waits = c->waits;
    c->on_hold = c->waits = false;
    return waits ? complete(c, err) : 0;
}

const char *checkpointer_folder(const struct checkpointer *c)
{
    return c->folder;
}

bool checkpointer_busy(const struct checkpointer *c)
{
    return c->n_missing > 0 || c->waits;
}

uint64_t checkpointer_step(const struct checkpointer *c)
{
    return c->complete_step;
}
