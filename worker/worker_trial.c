#include "worker/worker_trial.h"

#include "base/mem.h"
#include "proto/config/run_config.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

static bool same_sources(const Trireme__Data *a, const Trireme__Data *b)
{
    if (a->order != b->order || a->n_sources != b->n_sources)
        return false;
    for (size_t i = 0; i < a->n_sources; i++) {
        const Trireme__Source *x = a->sources[i], *y = b->sources[i];
        if (strcmp(x->name, y->name) || strcmp(x->path, y->path) || x->format != y->format)
            return false;
    }
    return true;
}

/* Checks what all trials of a run must have in common. */
static int check_like(uint32_t number, const Trireme__Config *config, const Trireme__Config *like,
                      struct err *err)
{
    const char *other = !message_equal(config->model, like->model)       ? "model"
                        : !message_equal(config->compute, like->compute) ? "compute"
                        : !same_sources(config->data, like->data)        ? "data.sources"
                        : config->train->seed != like->train->seed       ? "train.seed"
                                                                         : NULL;
    return other ? err_set(err, ERR_MACHINE,
                           "trial %u differs from the run in %s, expected all trials to share it",
                           number, other)
                 : 0;
}

int worker_trials_add(struct worker_trials *trials, uint32_t number, const Trireme__Config *config,
                      const Trireme__Segment *const *segments, size_t n_segments,
                      const Trireme__Config *like, struct err *err)
{
    if (number < trials->next)
        return err_set(err, ERR_MACHINE, "a fork has number %u, expected one from %u on", number,
                       trials->next);
    if (like && check_like(number, config, like, err) < 0)
        return -1;
    struct order *order = order_new(segments, n_segments, err);
    if (!order)
        return err_context(err, "trial %u", number);
    if (order_sources(order) != config->data->n_sources) {
        err_set(err, ERR_USAGE,
                "trial %u: data.sources: found %zu sources, expected %zu as in its data order",
                number, config->data->n_sources, order_sources(order));
        order_free(order);
        return -1;
    }
    struct worker_trial *trial = mem_new(1, sizeof *trial);
    *trial =
        (struct worker_trial){.number = number, .config = message_copy(config), .order = order};
    trials->rows = mem_grow(trials->rows, trials->n, &trials->room, sizeof *trials->rows);
    trials->rows[trials->n++] = trial;
    trials->next = number + 1;
    return 0;
}

struct worker_trial *worker_trials_find(const struct worker_trials *trials, uint32_t number)
{
    for (size_t i = 0; i < trials->n; i++)
        if (trials->rows[i]->number == number)
            return trials->rows[i];
    return NULL;
}

struct worker_trial *worker_trials_take(struct worker_trials *trials, uint32_t number)
{
    struct worker_trial *trial = worker_trials_find(trials, number);
    size_t n = 0;
    for (size_t i = 0; i < trials->n; i++)
        if (trials->rows[i] != trial)
            trials->rows[n++] = trials->rows[i];
    trials->n = n;
    return trial;
}

void worker_trials_clear(struct worker_trials *trials)
{
    for (size_t i = 0; i < trials->n; i++)
        worker_trial_free(trials->rows[i]);
    free(trials->rows);
    *trials = (struct worker_trials){0};
}

void worker_trial_free(struct worker_trial *trial)
{
    if (!trial)
        return;
    message_free(trial->config);
    order_free(trial->order);
    free(trial);
}

void worker_trial_tell(const struct worker_trial *trial, Trireme__InForce *in_force)
{
    const Trireme__Config *config = trial->config;
    in_force->has_batch = 1;
    in_force->batch = worker_trial_leaves(trial) * config->train->microbatch;
    in_force->has_microbatch = 1, in_force->microbatch = config->train->microbatch;
    in_force->has_context = 1, in_force->context = run_config_context(config);
    in_force->n_weights = order_sources(trial->order);
    in_force->weights = (double *)order_weights(trial->order, UINT64_MAX); // from its start on
}

uint32_t worker_trial_leaves(const struct worker_trial *trial)
{
    return run_config_leaves(trial->config);
}
