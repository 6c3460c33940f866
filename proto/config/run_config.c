#include "proto/config/run_config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "proto/file/checkpoint.h"
#include "proto/file/earlier.h"
#include "proto/file/hugging_face_config.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"
#include "proto/tensor/model_shape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int check_gate_weights(const Trireme__Config *c, struct err *err)
{
    double sum = 0;
    if (c->gate->n_weights == 0)
        return 0;
    if (c->gate->n_weights != c->data->n_sources)
        return err_set(err, ERR_USAGE,
                       "gate.weights: found %zu, expected one for each of the %zu sources, or none",
                       c->gate->n_weights, c->data->n_sources);
    for (size_t i = 0; i < c->gate->n_weights; i++)
        sum += c->gate->weights[i];
    return sum > 0 ? 0
                   : err_set(err, ERR_USAGE, "gate.weights: all are zero, expected one above zero");
}

/* Checks rules between fields. */
static int check_together(const Trireme__Config *c, struct err *err)
{
    if (c->train->batch % c->train->microbatch)
        return err_set(err, ERR_USAGE,
                       "train.batch: found %u, expected a multiple of train.microbatch = %u",
                       c->train->batch, c->train->microbatch);
    if (c->train->context && c->model->context % c->train->context)
        return err_set(err, ERR_USAGE,
                       "train.context: found %u, expected a number that divides model.context = %u",
                       c->train->context, c->model->context);
    if (check_gate_weights(c, err) < 0)
        return -1;
    if (c->schedule->kind != TRIREME__SCHEDULE__KIND__constant &&
        c->schedule->min_lr > c->optimizer->lr)
        return err_set(err, ERR_USAGE,
                       "schedule.min_lr: found %g, expected at most optimizer.lr = %g",
                       c->schedule->min_lr, c->optimizer->lr);
    return message_check(c, "the configuration", err);
}

static int resolve(Trireme__Config *config, bool from_outside, struct err *err)
{
    const char *from = config->init->from;
    if (from_outside && from[0] && hugging_face_is(from) &&
        hugging_face_shape(config->model, from, err) < 0)
        return err_context(err, "init.from");
    if (from_outside && from[0] && !hugging_face_is(from) && !strchr(from, '@'))
        return err_set(err, ERR_USAGE,
                       "init.from: found '%s', expected a Hugging Face directory (with "
                       "config.json) or RUN@STEP",
                       from);
    if (model_shape_resolve(config->model, err) < 0)
        return -1;
    return check_together(config, err);
}

static int apply_settings(Trireme__Config *config, char *const *settings, size_t n_settings,
                          struct err *err)
{
    for (size_t i = 0; i < n_settings; i++)
        if (message_set(config, settings[i], "--set", err) < 0)
            return -1;
    return 0;
}

/* Reads the file over the defaults, with that model (copied) in the place of the default one if it
 * is not NULL. */
static Trireme__Config *read_file(const char *path, const Trireme__Model *model, struct err *err)
{
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    if (model) {
        message_free(config->model);
        config->model = message_copy(model);
    }
    size_t size = 0;
    char *text = path ? file_read(path, &size, ERR_USAGE, err) : NULL;
    int rc = !path ? 0 : text ? yaml_read(config, text, size, path, ERR_USAGE, err) : -1;
    free(text);
    if (rc < 0) {
        message_free(config);
        return NULL;
    }
    return config;
}

static Trireme__Config *read_with_settings(const char *path, const Trireme__Model *model,
                                           char *const *settings, size_t n_settings,
                                           struct err *err)
{
    Trireme__Config *config = read_file(path, model, err);
    if (config && apply_settings(config, settings, n_settings, err) < 0) {
        message_free(config);
        return NULL;
    }
    return config;
}

/* The model of a run that has no more need of the directory that it began with, and that is gone.
 * NULL: there is no such run. The caller frees it. */
static Trireme__Model *own_shape(const Trireme__Config *config, const char *run)
{
    const char *from = config->init->from;
    if (!from[0] || strchr(from, '@') || hugging_face_is(from))
        return NULL;
    struct err none;
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run, &n, &none);
    free(steps);
    Trireme__Config *there = n ? run_config_of(run, &none) : NULL;
    Trireme__Model *model =
        there && !strcmp(there->init->from, from) ? message_copy(there->model) : NULL;
    message_free(there);
    return model;
}

Trireme__Config *run_config_read_for(const char *run, const char *path, char *const *settings,
                                     size_t n_settings, struct err *err)
{
    Trireme__Config *config = read_with_settings(path, NULL, settings, n_settings, err);
    Trireme__Model *own = config && run ? own_shape(config, run) : NULL;
    if (own) {
        message_free(config);
        config = read_with_settings(path, own, settings, n_settings, err);
    }
    if (config && resolve(config, !own, err) < 0) {
        message_free(config);
        config = NULL;
    }
    message_free(own);
    return config;
}

Trireme__Config *run_config_read(const char *path, char *const *settings, size_t n_settings,
                                 struct err *err)
{
    return run_config_read_for(NULL, path, settings, n_settings, err);
}

int run_config_exists(const char *run, struct err *err)
{
    char *path = file_join(run, "config.yaml");
    bool there = file_exists(path);
    free(path);
    return there ? 0
                 : err_set(err, ERR_USAGE, "%s: found no run there (it has no config.yaml)", run);
}

/* Reads RUN/config.yaml as a tree, as this version would have written it. *amended: what is another
 * way in the file, fresh, or NULL. */
static struct node *read_own(char **amended, const char *path, struct err *err)
{
    size_t size = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    struct node *root = text ? yaml_node_read(text, size, path, true, ERR_USAGE, err) : NULL;
    *amended = earlier_config(root);
    free(text);
    return root;
}

Trireme__Config *run_config_of(const char *run, struct err *err)
{
    if (run_config_exists(run, err) < 0)
        return NULL;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    char *path = file_join(run, "config.yaml"), *amended = NULL;
    int rc = node_read(config, read_own(&amended, path, err), path, ERR_USAGE, err);
    free(amended);
    free(path);
    if (rc == 0 && resolve(config, false, err) == 0)
        return config;
    message_free(config);
    return NULL;
}

char *run_config_amended(const char *run)
{
    struct err none;
    char *path = file_join(run, "config.yaml"), *amended = NULL;
    node_free(read_own(&amended, path, &none));
    free(path);
    return amended;
}

Trireme__Config *run_config_change(const Trireme__Config *config, char *const *settings,
                                   size_t n_settings, struct err *err)
{
    Trireme__Config *changed = message_copy(config);
    if (apply_settings(changed, settings, n_settings, err) < 0 ||
        resolve(changed, false, err) < 0) {
        message_free(changed);
        return NULL;
    }
    return changed;
}

int run_config_write(const char *run, const Trireme__Config *config, struct err *err)
{
    char *yaml = yaml_write(config, false), *path = file_join(run, "config.yaml");
    char *text =
        mem_format("# resolved configuration, written by trireme " TRIREME_VERSION "\n%s", yaml);
    int rc = file_write_atomic(path, text, strlen(text), ERR_USAGE, err);
    free(text);
    free(path);
    free(yaml);
    return rc;
}

double *run_config_weights(const Trireme__Config *config)
{
    double *weights = mem_new(config->data->n_sources, sizeof *weights);
    for (size_t i = 0; i < config->data->n_sources; i++)
        weights[i] = config->data->sources[i]->weight;
    return weights;
}

uint32_t run_config_context(const Trireme__Config *config)
{
    return config->train->context ? config->train->context : config->model->context;
}

uint32_t run_config_parts(const Trireme__Config *config)
{
    return config->model->context / run_config_context(config);
}

uint32_t run_config_leaves(const Trireme__Config *config)
{
    return config->train->batch / config->train->microbatch;
}

double run_config_launch_seconds(const Trireme__Config *config)
{
    static const double least = 30;
    const Trireme__Wait *wait = config->wait;
    const double twice = 2 * wait->patience;
    return wait->launch > 0 ? wait->launch : twice > least ? twice : least;
}

uint64_t run_config_step_tokens(const Trireme__Config *config)
{
    return (uint64_t)config->train->batch * run_config_context(config);
}

Trireme__Segment *run_config_first_segment(const Trireme__Config *config, struct err *err)
{
    double *weights = run_config_weights(config);
    Trireme__Segment *segment =
        order_first_segment(&(struct order_change){.weights = weights,
                                                   .n_sources = config->data->n_sources,
                                                   .skip = config->data->skip,
                                                   .parts = run_config_parts(config)},
                            err);
    free(weights);
    return segment;
}

int run_config_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                      const Trireme__Config *config, const Trireme__Config *before, struct err *err)
{
    if (config->data->skip < before->data->skip)
        return err_set(err, ERR_USAGE,
                       "data.skip: found %" PRIu64 ", expected at least %" PRIu64
                       ": what was passed over does not come back",
                       config->data->skip, before->data->skip);
    double *weights = run_config_weights(config);
    int rc = order_append(segments, n_segments, sample,
                          &(struct order_change){.weights = weights,
                                                 .n_sources = config->data->n_sources,
                                                 .skip = config->data->skip - before->data->skip,
                                                 .parts = run_config_parts(config)},
                          err);
    free(weights);
    return rc;
}
