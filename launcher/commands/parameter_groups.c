#include "launcher/commands/parameter_groups.h"

#include "base/mem.h"
#include "math/optimizer.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/tensor_kind.h"
#include "ps/store.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Weights, two moments, the update: 4 arrays of 16 MiB. */
enum { PIECE = 1 << 22, N_ARRAYS = 2 + OPTIMIZER_MOMENTS_MAX };

struct sums {
    double weights, updates; /* of squares */
    uint64_t n, zeros;
};

struct looking {
    const Trireme__Manifest *manifest;
    const struct layout *layout;
    const struct optimizer_rule *rule;
    struct optimizer_step step;
    float *arrays[N_ARRAYS]; /* PIECE each */
    struct sums *sums;       /* [row * N_TENSOR_KINDS + kind]; row 0: of no layer, or of all */
    size_t rows;
};

static struct sums *sums_of(struct looking *l, const struct tensor *tensor)
{
    int layer = -1;
    const enum tensor_kind kind = tensor_kind_of(tensor, &layer);
    const size_t row = l->rows > 1 ? (size_t)(layer + 1) : 0;
    return &l->sums[row * N_TENSOR_KINDS + kind];
}

/* Adds n elements of a tensor that stand at `at` of the piece. */
static void add(struct looking *l, const struct tensor *tensor, size_t at, size_t n)
{
    struct sums *sums = sums_of(l, tensor);
    const float *weights = l->arrays[0] + at;
    float *delta = l->arrays[N_ARRAYS - 1],
          *moments[OPTIMIZER_MOMENTS_MAX] = {l->arrays[1] + at, l->arrays[2] + at};
    struct optimizer_step step = l->step;
    step.weight_decay = tensor->decay ? step.weight_decay : 0;
    if (step.step)
        l->rule->delta(delta, weights, moments, n, &step);
    for (size_t i = 0; i < n; i++) {
        sums->weights += (double)weights[i] * (double)weights[i];
        sums->updates += step.step ? (double)delta[i] * (double)delta[i] : 0;
        sums->zeros += l->rule->n_moments > 1 && moments[1][i] == 0;
    }
    sums->n += n;
}

static int look(struct looking *l, const char *folder, struct err *err)
{
    const struct layout *layout = l->layout;
    size_t t = 0;
    for (size_t offset = 0; offset < layout->n_params; offset += PIECE) {
        const size_t left = layout->n_params - offset, count = left < PIECE ? left : PIECE;
        if (shard_files_read(folder, l->manifest, layout, offset, count, l->arrays[0],
                             l->arrays + 1, l->rule->n_moments, err) < 0)
            return -1;
        for (size_t at = 0; at < count;) {
            const struct tensor *tensor = &layout->tensors[t];
            const size_t end = tensor->offset + tensor_count(tensor) - offset,
                         n = end < count ? end - at : count - at;
            add(l, tensor, at, n);
            at += n;
            t += at == end;
        }
    }
    return 0;
}

static void tell_group(Trireme__DiagnoseReply *reply, const struct looking *l,
                       enum tensor_kind kind, size_t row)
{
    static const Trireme__ParameterGroup__Kind kinds[N_TENSOR_KINDS] = {
        [TENSOR_EMBEDDING] = TRIREME__PARAMETER_GROUP__KIND__embedding,
        [TENSOR_ATTENTION] = TRIREME__PARAMETER_GROUP__KIND__attention,
        [TENSOR_FEED_FORWARD] = TRIREME__PARAMETER_GROUP__KIND__feed_forward,
        [TENSOR_NORM] = TRIREME__PARAMETER_GROUP__KIND__norms,
        [TENSOR_OUTPUT] = TRIREME__PARAMETER_GROUP__KIND__output,
    };
    const struct sums *sums = &l->sums[row * N_TENSOR_KINDS + kind];
    if (sums->n == 0)
        return;
    Trireme__ParameterGroup *to = message_new(&trireme__parameter_group__descriptor);
    const double n = (double)sums->n;
    to->has_kind = true, to->kind = kinds[kind];
    to->has_layer = row > 0, to->layer = row > 0 ? (uint32_t)row - 1 : 0;
    to->has_parameters = true, to->parameters = sums->n;
    to->has_weight_rms = true, to->weight_rms = sqrt(sums->weights / n);
    to->has_update_rms = l->step.step > 0, to->update_rms = sqrt(sums->updates / n);
    to->has_ratio = to->has_update_rms && to->weight_rms > 0;
    to->ratio = to->has_ratio ? to->update_rms / to->weight_rms : 0;
    to->has_zero_moments = l->rule->n_moments > 1, to->zero_moments = (double)sums->zeros / n;
    reply->groups[reply->n_groups++] = to;
}

int parameter_groups_tell(Trireme__DiagnoseReply *reply, const char *folder,
                          const Trireme__Manifest *manifest, double lr, struct err *err)
{
    const Trireme__Optimizer *optimizer = manifest->config->optimizer;
    const uint32_t layers = manifest->config->model->layers;
    struct layout *layout = layout_new(manifest->config->model);
    struct looking l = {
        .manifest = manifest,
        .layout = layout,
        .rule = store_rule(optimizer),
        .step = {.lr = lr,
                 .beta1 = optimizer->beta1,
                 .beta2 = optimizer->beta2,
                 .eps = optimizer->eps,
                 .momentum = optimizer->momentum,
                 .weight_decay = optimizer->weight_decay,
                 .step = manifest->updates ? manifest->updates : manifest->step},
        .rows = layers <= PARAMETER_GROUPS_LAYERS ? 1 + layers : 1
    };
    for (size_t i = 0; i < N_ARRAYS; i++)
        l.arrays[i] = mem_floats(layout->n_params < PIECE ? layout->n_params : PIECE);
    l.sums = mem_new(l.rows * N_TENSOR_KINDS, sizeof *l.sums);
    const int rc = look(&l, folder, err);
    if (rc == 0)
        reply->groups = mem_new(l.rows * N_TENSOR_KINDS, sizeof *reply->groups);
    for (size_t row = 0; rc == 0 && row < l.rows; row++)
        for (int kind = 0; kind < N_TENSOR_KINDS; kind++)
            tell_group(reply, &l, (enum tensor_kind)kind, row);
    for (size_t i = 0; i < N_ARRAYS; i++)
        free(l.arrays[i]);
    free(l.sums);
    layout_free(layout);
    return rc;
}
