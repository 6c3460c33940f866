#include "proto/file/checkpoint.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"
#include "math/optimizer.h"
#include "proto/file/earlier.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"
#include "proto/tensor/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1 };

char *checkpoint_folder(const char *run, uint64_t step)
{
    return mem_format("%s/checkpoints/step-%08" PRIu64, run, step);
}

/* Reads the step from a name like step-00000100. False for other names, also for another spelling
 * of the same number. */
static bool parse_name(const char *name, uint64_t *step)
{
    char written[32];
    if (strncmp(name, "step-", 5))
        return false;
    *step = strtoull(name + 5, NULL, 10);
    snprintf(written, sizeof written, "step-%08" PRIu64, *step);
    return !strcmp(name, written);
}

static int compare_steps(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Returns the steps of the folders in RUN/checkpoints that have a manifest, or of those that have
 * none. */
static uint64_t *list(const char *run, bool complete, size_t *n, struct err *err)
{
    char *folder = file_join(run, "checkpoints");
    uint64_t *steps = mem_new(1, sizeof *steps), step = 0;
    size_t n_names = 0, room = 1;
    bool there = false;
    *n = 0;
    int rc = file_sure_there(&there, folder, err);
    char **names = there ? file_names(folder, &n_names, ERR_MACHINE, err) : NULL;
    if (there && !names)
        rc = -1;
    for (size_t i = 0; rc == 0 && i < n_names; i++) {
        char *manifest = mem_format("%s/%s/manifest.json", folder, names[i]);
        if (parse_name(names[i], &step) && (rc = file_sure_there(&there, manifest, err)) == 0 &&
            there == complete) {
            steps = mem_grow(steps, *n, &room, sizeof *steps);
            steps[(*n)++] = step;
        }
        free(manifest);
    }
    // names sort like their numbers up to 10^8 only
    qsort(steps, *n, sizeof *steps, compare_steps);
    file_names_free(names);
    free(folder);
    if (rc == 0)
        return steps;
    free(steps);
    return NULL;
}

uint64_t *checkpoint_steps(const char *run, size_t *n, struct err *err)
{
    return list(run, true, n, err);
}

/* Finds the digest in a manifest's text; it is the last one there. NULL if there is none. */
static char *find_digest(char *text)
{
    static const char key[] = "\"digest\": \"";
    char *found = NULL;
    for (char *at = text; (at = strstr(at, key)); at += sizeof key - 1)
        found = at + sizeof key - 1;
    return found && strlen(found) >= DIGEST_HEX_SIZE ? found : NULL;
}

/* Reads a manifest's text, also one of an earlier version. */
static int read_text(Trireme__Manifest *manifest, const char *text, size_t size, const char *path,
                     struct err *err)
{
    struct node *root = json_node_read(text, size, path, ERR_DATA, err);
    earlier_manifest(root);
    return node_read(manifest, root, path, ERR_DATA, err);
}

/* Computes the digest of a manifest's text, with zeros in place of its own digest. */
static void digest_text(char hex[DIGEST_HEX_SIZE], char *text, size_t size, char *own)
{
    char written[DIGEST_HEX_SIZE];
    memcpy(written, own, DIGEST_HEX_SIZE - 1);
    memset(own, '0', DIGEST_HEX_SIZE - 1);
    digest_hex(hex, digest_of(text, size));
    memcpy(own, written, DIGEST_HEX_SIZE - 1);
}

static int check_digest(char *text, size_t size, const char *path, struct err *err)
{
    char hex[DIGEST_HEX_SIZE], *own = find_digest(text);
    if (!own)
        return err_set(err, ERR_DATA, "%s: found no digest of its own", path);
    digest_text(hex, text, size, own);
    if (memcmp(hex, own, DIGEST_HEX_SIZE - 1))
        return err_set(err, ERR_DATA, "%s: found digest %.32s, expected %s: the file is damaged",
                       path, own, hex);
    return 0;
}

Trireme__Manifest *checkpoint_manifest(const char *folder, struct err *err)
{
    char *path = file_join(folder, "manifest.json");
    size_t size = 0;
    char *text = file_sure_read(path, &size, err);
    Trireme__Manifest *manifest = message_new(&trireme__manifest__descriptor);
    int rc = text ? read_text(manifest, text, size, path, err) : -1;
    if (rc == 0)
        rc = check_digest(text, size, path, err);
    if (rc == 0 && manifest->format != FORMAT)
        rc = err_set(err, ERR_DATA, "%s: found format %u, expected %d", path, manifest->format,
                     FORMAT);
    if (rc == 0 && manifest->n_shards == 0)
        rc = err_set(err, ERR_DATA, "%s: found no shards", path);
    uint64_t step = 0;
    const char *slash = strrchr(folder, '/');
    if (rc == 0 && parse_name(slash ? slash + 1 : folder, &step) && manifest->step != step)
        rc = err_set(err, ERR_DATA, "%s: found step %" PRIu64 ", expected that of its folder", path,
                     manifest->step);
    for (size_t i = 0; rc == 0 && i < manifest->n_shards; i++)
        if (!manifest->shards[i]->file || strchr(manifest->shards[i]->file, '/') ||
            !manifest->shards[i]->digest)
            rc = err_set(err, ERR_DATA, "%s: shard %zu has no name or no digest", path, i);
    if (rc < 0) {
        message_free(manifest);
        manifest = NULL;
    }
    free(text);
    free(path);
    return manifest;
}

int checkpoint_complete(const char *folder, const Trireme__Manifest *manifest, struct err *err)
{
    static char zeros[] = "00000000000000000000000000000000";
    char hex[DIGEST_HEX_SIZE];
    Trireme__Manifest digested = *manifest;
    digested.digest = zeros;
    char *json = json_write_pretty(&digested), *path = file_join(folder, "manifest.json"),
         *own = find_digest(json);
    digest_text(hex, json, strlen(json), own);
    memcpy(own, hex, DIGEST_HEX_SIZE - 1);
    char *above = mem_format("%s/..", folder); // holds the folder's own name
    int rc = file_sync_dir(above, ERR_TRAIN, err);
    if (rc == 0)
        rc = file_write_atomic(path, json, strlen(json), ERR_TRAIN, err);
    free(above);
    free(path);
    free(json);
    return rc;
}

/* What is computed of a file while it is read. */
struct sum {
    struct digest_stream *stream;
    uint64_t bytes;
    const volatile sig_atomic_t *stop;
};

static bool is_asked(const volatile sig_atomic_t *stop)
{
    return stop && *stop;
}

static bool add_to_sum(void *context, const void *bytes, size_t size)
{
    struct sum *sum = context;
    digest_stream_add(sum->stream, bytes, size);
    sum->bytes += size;
    return !is_asked(sum->stop);
}

static int verify_shard(const char *folder, const Trireme__Shard *shard,
                        const volatile sig_atomic_t *stop, struct err *err)
{
    char *path = file_join(folder, shard->file), hex[DIGEST_HEX_SIZE];
    struct sum sum = {.stream = digest_stream_new(), .stop = stop};
    int rc = file_sure_each(path, add_to_sum, &sum, err);
    digest_hex(hex, digest_stream_end(sum.stream));
    if (rc == 0 && is_asked(stop))
        rc = err_set(err, ERR_STOPPED, "%s: its verification was left on request", path);
    if (rc == 0 && sum.bytes != shard->bytes)
        rc = err_set(err, ERR_DATA, "%s: found %" PRIu64 " bytes, expected %" PRIu64, path,
                     sum.bytes, shard->bytes);
    if (rc == 0 && strcmp(hex, shard->digest))
        rc = err_set(err, ERR_DATA, "%s: found digest %s, expected %s: the file is damaged", path,
                     hex, shard->digest);
    free(path);
    return rc;
}

static int verify(const char *folder, const Trireme__Manifest *manifest,
                  const volatile sig_atomic_t *stop, struct err *err)
{
    for (size_t i = 0; i < manifest->n_shards; i++)
        if (verify_shard(folder, manifest->shards[i], stop, err) < 0)
            return -1;
    return 0;
}

int checkpoint_verify(const char *folder, const Trireme__Manifest *manifest, struct err *err)
{
    return verify(folder, manifest, NULL, err);
}

/* Returns the manifest of a checkpoint whose shards all verify. NULL if it is damaged. */
static Trireme__Manifest *open_verified(const char *folder, const volatile sig_atomic_t *stop,
                                        struct err *err)
{
    Trireme__Manifest *manifest = checkpoint_manifest(folder, err);
    if (manifest && verify(folder, manifest, stop, err) < 0) {
        message_free(manifest);
        manifest = NULL;
    }
    return manifest;
}

int checkpoint_newest(char **folder, Trireme__Manifest **manifest, const char *run, warn_fn warn,
                      void *context, const volatile sig_atomic_t *stop, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    if (!steps)
        return -1;
    char *found = NULL;
    Trireme__Manifest *good = NULL;
    int rc = 0;
    for (size_t i = n; i > 0 && !good && rc == 0; i--) {
        free(found);
        found = checkpoint_folder(run, steps[i - 1]);
        good = open_verified(found, stop, err);
        if (!good && err->code == ERR_DATA) {
            char *sentence =
                mem_format("WARNING: a checkpoint is damaged and passed over: %s", err->text);
            warn(context, sentence);
            free(sentence);
        } else if (!good) { // whether it is damaged is not known
            rc = -1;
        }
    }
    free(steps);
    if (rc < 0 || (n && !good)) {
        free(found);
        if (rc < 0)
            return -1;
        return err_set(
            err, ERR_DATA,
            "%s/checkpoints: found %zu, and all are damaged: not starting from step 0 over them",
            run, n);
    }
    *folder = found;
    *manifest = good;
    return 0;
}

int checkpoint_name(char **run, bool *has_step, uint64_t *step, const char *name, struct err *err)
{
    const char *at = strrchr(name, '@');
    char *end = NULL;
    if (!at || file_is_dir(name)) {
        *run = mem_strdup(name);
        *has_step = false;
        return 0;
    }
    uint64_t number = strtoull(at + 1, &end, 10);
    if (at[1] < '0' || at[1] > '9' || *end)
        return err_set(err, ERR_USAGE, "%s: found '%s' behind the @, expected a step", name,
                       at + 1);
    *run = mem_format("%.*s", (int)(at - name), name);
    *has_step = true;
    *step = number;
    return 0;
}

int checkpoint_of_step(char **folder, Trireme__Manifest **manifest, const char *run, uint64_t step,
                       const volatile sig_atomic_t *stop, struct err *err)
{
    char *found = checkpoint_folder(run, step);
    Trireme__Manifest *good = NULL;
    bool there = false;
    if (file_sure_there(&there, found, err) == 0 && !there)
        err_set(err, ERR_DATA, "%s: there is no checkpoint of step %" PRIu64, run, step);
    else if (there)
        good = open_verified(found, stop, err);
    if (!good) {
        free(found);
        return -1;
    }
    *folder = found;
    *manifest = good;
    return 0;
}

int checkpoint_find(char **folder, Trireme__Manifest **manifest, const char *name, warn_fn warn,
                    void *context, struct err *err)
{
    char *run = NULL;
    bool has_step = false;
    uint64_t step = 0;
    if (checkpoint_name(&run, &has_step, &step, name, err) < 0)
        return -1;
    int rc = -1;
    if (has_step)
        rc = checkpoint_of_step(folder, manifest, run, step, NULL, err);
    else if (!file_is_dir(run))
        err_set(err, ERR_USAGE, "%s: there is no such run", run);
    else if ((rc = checkpoint_newest(folder, manifest, run, warn, context, NULL, err)) == 0 &&
             !*folder)
        rc = err_set(err, ERR_DATA, "%s: found no checkpoint", run);
    free(run);
    return rc;
}

/* Removes the manifest first, so that what is left after a crash is no checkpoint. */
static int remove_checkpoint(const char *run, uint64_t step, struct err *err)
{
    char *folder = checkpoint_folder(run, step), *manifest = file_join(folder, "manifest.json");
    int rc = 0;
    if (unlink(manifest) < 0 && errno != ENOENT)
        rc = err_set(err, ERR_TRAIN, "%s: cannot remove: %s", manifest, strerror(errno));
    if (rc == 0)
        rc = file_remove_tree(folder, ERR_TRAIN, err);
    free(manifest);
    free(folder);
    return rc;
}

/* Renames a damaged checkpoint to a name that no checkpoint has. Its bytes are kept. */
static int set_aside(const char *run, uint64_t step, struct err *err)
{
    char *folder = checkpoint_folder(run, step), *aside = mem_format("%s.damaged", folder);
    int rc = file_remove_tree(aside, ERR_TRAIN, err);
    if (rc == 0 && rename(folder, aside) < 0)
        rc = err_set(err, ERR_TRAIN, "%s: cannot rename: %s", folder, strerror(errno));
    free(aside);
    free(folder);
    return rc;
}

static bool is_pinned(uint64_t step, const uint64_t *pins, size_t n_pins)
{
    for (size_t i = 0; i < n_pins; i++)
        if (pins[i] == step)
            return true;
    return false;
}

/* Calls a function with each folder step-*.new (written to replace a checkpoint) and step-*.aside
 * (the one replaced) of RUN/checkpoints. */
static int each_new(const char *run, int (*call)(const char *path, struct err *err),
                    struct err *err)
{
    char *folder = file_join(run, "checkpoints");
    size_t n = 0;
    char **names = file_is_dir(folder) ? file_names(folder, &n, ERR_TRAIN, err) : NULL;
    int rc = names || !file_is_dir(folder) ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *path = file_join(folder, names[i]);
        if (!strncmp(names[i], "step-", 5) &&
            (file_name_ends(names[i], ".new") || file_name_ends(names[i], ".aside")))
            rc = call(path, err);
        free(path);
    }
    if (names)
        file_names_free(names);
    free(folder);
    return rc;
}

static int remove_new(const char *path, struct err *err)
{
    return file_remove_tree(path, ERR_TRAIN, err);
}

static int recover_new(const char *path, struct err *err)
{
    if (!file_name_ends(path, ".new"))
        return 0;
    char *manifest = file_join(path, "manifest.json"),
         *name = mem_format("%.*s", (int)(strlen(path) - 4), path);
    bool complete = false, taken = false;
    int rc = file_sure_there(&complete, manifest, err);
    if (rc == 0)
        rc = file_sure_there(&taken, name, err);
    if (rc == 0 && complete && !taken && rename(path, name) < 0)
        rc = err_set(err, ERR_TRAIN, "%s: cannot rename: %s", path, strerror(errno));
    free(name);
    free(manifest);
    return rc;
}

int checkpoint_recover(const char *run, struct err *err)
{
    return each_new(run, recover_new, err);
}

/* Suspended forks are of use only to a launch that continues from that same checkpoint: in older
 * checkpoints they only take space. */
static int remove_suspended(const char *run, uint64_t step, struct err *err)
{
    char *folder = checkpoint_folder(run, step), *suspended = file_join(folder, "suspended");
    int rc = file_remove_tree(suspended, ERR_TRAIN, err);
    free(suspended);
    free(folder);
    return rc;
}

int checkpoint_prune(const char *run, uint64_t step, size_t keep, const uint64_t *pins,
                     size_t n_pins, struct err *err)
{
    size_t n = 0, n_unfinished = 0, n_here = 0;
    uint64_t *steps = list(run, true, &n, err), *unfinished = list(run, false, &n_unfinished, err);
    int rc = steps && unfinished ? 0 : -1;
    while (rc == 0 && n_here < n && steps[n_here] <= step)
        n_here++;
    for (size_t i = n_here; rc == 0 && i < n; i++)
        rc = set_aside(run, steps[i], err);
    for (size_t i = 0; rc == 0 && i + keep < n_here; i++)
        rc = is_pinned(steps[i], pins, n_pins) ? 0 : remove_checkpoint(run, steps[i], err);
    for (size_t i = 0; rc == 0 && i < n_unfinished; i++)
        if (unfinished[i] < step)
            rc = remove_checkpoint(run, unfinished[i], err);
    for (size_t i = 0; rc == 0 && i + 1 < n_here; i++)
        rc = remove_suspended(run, steps[i], err);
    rc = rc < 0 ? -1 : each_new(run, remove_new, err);
    free(steps);
    free(unfinished);
    return rc;
}

int checkpoint_read(const char *folder, const Trireme__Manifest *manifest,
                    const struct layout *layout, float **weights, float *moments[2], int *n_moments,
                    struct err *err)
{
    const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(
        &trireme__optimizer__name__descriptor, manifest->config->optimizer->name);
    int n = moments ? optimizer_rule(name->name)->n_moments : 0;
    float *w = mem_floats(layout->n_params), *m[OPTIMIZER_MOMENTS_MAX] = {0};
    for (int i = 0; i < n; i++)
        m[i] = mem_floats(layout->n_params);
    if (shard_files_read(folder, manifest, layout, 0, layout->n_params, w, m, n, err) < 0) {
        free(w);
        free(m[0]);
        free(m[1]);
        return -1;
    }
    *weights = w;
    if (moments) {
        moments[0] = m[0], moments[1] = m[1];
        *n_moments = n;
    }
    return 0;
}
