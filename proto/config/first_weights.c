#include "proto/config/first_weights.h"

#include "base/mem.h"
#include "base/warn.h"
#include "proto/file/checkpoint.h"
#include "proto/file/hugging_face.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds and verifies the checkpoint of another run. Its model must have the same tensors. */
static int find_checkpoint(char **folder, Trireme__Manifest **manifest, const char *name,
                           const struct layout *layout, struct err *err)
{
    if (checkpoint_find(folder, manifest, name, warn_stderr, NULL, err) < 0)
        return err_context(err, "init.from");
    struct layout *theirs = layout_new((*manifest)->config->model);
    bool equal = layout_equal(theirs, layout);
    layout_free(theirs);
    if (equal)
        return 0;
    message_free(*manifest);
    free(*folder);
    return err_set(err, ERR_DATA, "init.from: %s: its model has other tensors than this one", name);
}

static int read_checkpoint(const char *name, const struct layout *layout, size_t offset,
                           size_t count, float *weights, struct err *err)
{
    char *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    if (find_checkpoint(&folder, &manifest, name, layout, err) < 0)
        return -1;
    int rc = shard_files_read(folder, manifest, layout, offset, count, weights, NULL, 0, err);
    message_free(manifest);
    free(folder);
    return rc;
}

int first_weights_check(const Trireme__Config *config, const struct layout *layout, struct err *err)
{
    const char *from = config->init->from;
    char *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    if (!from[0])
        return 0;
    if (hugging_face_is(from))
        return hugging_face_check(from, config->model, layout, err) < 0
                   ? err_context(err, "init.from")
                   : 0;
    if (!strchr(from, '@'))
        return err_set(err, ERR_USAGE,
                       "init.from: found no Hugging Face directory '%s', expected it there for the "
                       "first weights: there is no checkpoint to go on from",
                       from);
    if (find_checkpoint(&folder, &manifest, from, layout, err) < 0)
        return -1;
    message_free(manifest);
    free(folder);
    return 0;
}

int first_weights_read(const Trireme__Start *start, const struct layout *layout, size_t offset,
                       size_t count, float *weights, float *const moments[], int n_moments,
                       struct err *err)
{
    const char *from = start->config->init->from;
    if (start->checkpoint)
        return shard_files_read(start->checkpoint, start->manifest, layout, offset, count, weights,
                                moments, n_moments, err);
    if (!from[0])
        return 0;
    if (hugging_face_is(from))
        return hugging_face_read(from, start->config->model, layout, offset, count, weights, err);
    return read_checkpoint(from, layout, offset, count, weights, err);
}
