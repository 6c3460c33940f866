/* trireme eval: the same evaluation as during training, in one process; or that of the parts which
 * judge. */
#include "base/mem.h"
#include "coordinator/train/evaluation.h"
#include "launcher/commands/command.h"
#include "launcher/commands/loaded.h"
#include "launcher/commands/looks.h"
#include "math/kernels.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"
#include "worker/model/model.h"

#include "command.pb-c.h"

#include <math.h>
#include <stdlib.h>

static struct eval_source *sources_of(const struct dataset *dataset, Trireme__Part part)
{
    size_t n = dataset_sources(dataset);
    struct eval_source *sources = mem_new(n, sizeof *sources);
    for (size_t s = 0; s < n; s++)
        sources[s] = (struct eval_source){.name = (char *)dataset_source_name(dataset, s),
                                          .samples = dataset_eval_samples(dataset, part, s)};
    return sources;
}

static int measure(struct evaluation *evaluation, const Trireme__Config *config,
                   const struct dataset *dataset, Trireme__Part part, const struct loaded *loaded,
                   struct err *err)
{
    kernels_set_threads((int)config->compute->threads);
    struct model *model = model_new(config->model, loaded->layout, kernels_best(), 1);
    int32_t *tokens = mem_new(config->model->context + 1, sizeof *tokens);
    int rc = 0;
    for (size_t s = 0; s < dataset_sources(dataset) && rc == 0; s++)
        for (uint64_t i = 0; i < evaluation_samples(evaluation, s) && rc == 0; i++) {
            double sum = 0;
            uint64_t bytes;
            rc = dataset_eval_sample(dataset, tokens, part, s, i, err);
            const bool known = rc == 0 && dataset_count_bytes(dataset, &bytes, s, tokens + 1,
                                                              config->model->context);
            if (rc == 0 && model_losses(model, &sum, loaded->weights, tokens, 1))
                rc = evaluation_add_sums(evaluation, s, i, &sum, known ? &bytes : NULL, 1, err);
        }
    free(tokens);
    model_free(model);
    return rc;
}

/* Puts the means over the sources by gate.weights in the place of those over all tokens. */
static int weigh(Trireme__EvalLine *line, const struct evaluation *evaluation,
                 const Trireme__Config *config, const struct eval_source *sources, const char *part,
                 struct err *err)
{
    double weight = 0, nats = 0, bits = 0;
    size_t row = 0; // sources without samples have none
    line->has_val_bpb = true;
    for (size_t s = 0; s < config->gate->n_weights; s++) {
        const double w = config->gate->weights[s];
        if (w > 0 && sources[s].samples == 0)
            return err_set(err, ERR_DATA,
                           "source '%s' has weight %g in gate.weights, but no %s part to evaluate",
                           sources[s].name, w, part);
        const double loss = sources[s].samples ? line->sources[row++]->val_loss : 0;
        if (w <= 0)
            continue;
        weight += w;
        nats += w * loss;
        const double bytes = evaluation_bytes_per_token(evaluation, s);
        if (bytes > 0)
            bits += w * loss / (0.693147180559945309417 * bytes);
        else
            line->has_val_bpb = false;
    }
    line->val_loss = nats / weight;
    line->val_bpb = line->has_val_bpb ? bits / weight : 0;
    return 0;
}

static int fill_reply(Trireme__EvalReply *reply, const struct evaluation *evaluation, uint64_t step,
                      const Trireme__Config *config, const struct eval_source *sources,
                      Trireme__Part part, struct err *err)
{
    Trireme__EvalLine *line = evaluation_line(evaluation, step);
    const char *name = protobuf_c_enum_descriptor_get_value(&trireme__part__descriptor, part)->name;
    if (part != TRIREME__PART__dev && config->gate->n_weights &&
        weigh(line, evaluation, config, sources, name, err) < 0) {
        message_free(line);
        return -1;
    }
    reply->has_step = 1, reply->step = step;
    reply->has_val_loss = 1, reply->val_loss = line->val_loss;
    reply->has_val_bpb = line->has_val_bpb, reply->val_bpb = line->val_bpb;
    reply->sources = line->sources, reply->n_sources = line->n_sources; // they are the reply's now
    line->sources = NULL, line->n_sources = 0;
    message_free(line);
    return 0;
}

/* Standard error of val_loss, as if windows were independent, and their number. */
static double error_of(size_t *windows, const struct evaluation *evaluation,
                       const Trireme__Config *config, size_t n)
{
    const double tokens = config->model->context;
    double weight = 0, variance = 0;
    *windows = 0;
    for (size_t s = 0; s < n; s++) {
        const uint64_t samples = evaluation_samples(evaluation, s);
        const double *sums = evaluation_sums(evaluation, s), count = (double)samples;
        const double w = config->gate->n_weights ? config->gate->weights[s] : count;
        double mean = 0, square = 0;
        if (samples < 2 || w <= 0)
            continue;
        for (uint64_t i = 0; i < samples; i++)
            mean += sums[i] / tokens / count;
        for (uint64_t i = 0; i < samples; i++)
            square += (sums[i] / tokens - mean) * (sums[i] / tokens - mean);
        weight += w;
        variance += w * w * square / (count - 1) / count;
        *windows += samples;
    }
    return weight > 0 ? sqrt(variance) / weight : 0;
}

/* error, windows: error_of. */
static int eval(const void *request, void *reply, double *error, size_t *windows, struct err *err)
{
    const Trireme__EvalRequest *r = request;
    struct loaded loaded = {0};
    struct dataset *dataset = NULL;
    struct eval_source *sources = NULL;
    struct evaluation *evaluation = NULL;
    int rc = -1;
    if (loaded_open(&loaded, r->checkpoint, false, err) < 0)
        return -1;
    Trireme__Config *config = run_config_change(loaded.manifest->config, r->set, r->n_set, err);
    if (!config)
        goto out;
    dataset = dataset_open(config->data, config->model->context, config->model->vocab,
                           config->train->seed, err);
    if (!dataset)
        goto out;
    sources = sources_of(dataset, r->part);
    evaluation = evaluation_new(sources, dataset_sources(dataset),
                                r->part == TRIREME__PART__dev ? config->eval->samples : UINT64_MAX,
                                config->model->context);
    if (!evaluation_possible(evaluation)) {
        err_set(err, ERR_DATA, "%s: none of its sources has a %s part to evaluate", r->checkpoint,
                protobuf_c_enum_descriptor_get_value(&trireme__part__descriptor, r->part)->name);
        goto out;
    }
    rc = measure(evaluation, config, dataset, r->part, &loaded, err);
    if (rc == 0)
        rc = fill_reply(reply, evaluation, loaded.manifest->step, config, sources, r->part, err);
    if (rc == 0)
        *error = error_of(windows, evaluation, config, dataset_sources(dataset));
out:
    evaluation_free(evaluation);
    free(sources);
    dataset_free(dataset);
    message_free(config);
    loaded_close(&loaded);
    return rc;
}

int command_eval_uncounted(const void *request, void *reply, struct err *err)
{
    double error;
    size_t windows;
    return eval(request, reply, &error, &windows, err);
}

int command_eval(const void *request, void *reply, struct err *err)
{
    const Trireme__EvalRequest *r = request;
    Trireme__EvalReply *out = reply;
    char *run = NULL;
    bool has_step;
    uint64_t step;
    double error = 0;
    size_t windows = 0;
    if (eval(request, reply, &error, &windows, err) < 0)
        return -1;
    if (r->part != TRIREME__PART__sealed)
        return 0;
    Trireme__Look *look = message_new(&trireme__look__descriptor);
    int rc = checkpoint_name(&run, &has_step, &step, r->checkpoint, err);
    look->has_step = look->has_val_loss = 1;
    look->step = out->step, look->val_loss = out->val_loss;
    if (rc == 0)
        rc = looks_add(look, run, error, windows, err);
    if (rc == 0) {
        out->has_look = 1, out->look = look->look;
        out->has_half_width = look->has_half_width, out->half_width = look->half_width;
        out->has_level = 1, out->level = look->level;
    }
    message_free(look);
    free(run);
    return rc;
}
