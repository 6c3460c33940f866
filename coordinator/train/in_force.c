#include "coordinator/train/in_force.h"

#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include <math.h>
#include <stdlib.h>

static const double share_unit = 1.0 / 4294967296; // shares of the sources are kept to so much

static int differs(const char *name, const char *path, double found, double expected,
                   struct err *err)
{
    return err_set(err, ERR_MACHINE, "%s computes the fork with %s = %.9g, expected %.9g", name,
                   path, found, expected);
}

static int check_optimizer(const Trireme__Optimizer *found, const Trireme__Optimizer *expected,
                           const char *name, struct err *err)
{
    const struct {
        const char *path;
        double found, expected;
    } rows[] = {
  // clang-format off
        {"optimizer.name",         found->name,         expected->name        },
        {"optimizer.beta1",        found->beta1,        expected->beta1       },
        {"optimizer.beta2",        found->beta2,        expected->beta2       },
        {"optimizer.eps",          found->eps,          expected->eps         },
        {"optimizer.momentum",     found->momentum,     expected->momentum    },
        {"optimizer.weight_decay", found->weight_decay, expected->weight_decay},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].found != rows[i].expected)
            return differs(name, rows[i].path, rows[i].found, rows[i].expected, err);
    return 0;
}

static int check_weights(const Trireme__InForce *found, const Trireme__Config *config,
                         const char *name, struct err *err)
{
    double *weights = run_config_weights(config), sum = 0, sum_found = 0;
    int rc = 0;
    for (size_t s = 0; s < found->n_weights && s < config->data->n_sources; s++)
        sum += weights[s], sum_found += found->weights[s];
    if (found->n_weights != config->data->n_sources)
        rc = differs(name, "the number of sources", (double)found->n_weights,
                     (double)config->data->n_sources, err);
    for (size_t s = 0; rc == 0 && s < config->data->n_sources; s++)
        if (!(fabs(found->weights[s] / sum_found - weights[s] / sum) < share_unit))
            rc = differs(name, "a source's share", found->weights[s] / sum_found, weights[s] / sum,
                         err);
    free(weights);
    return rc;
}

static int check_steps(const Trireme__InForce *found, const Trireme__Config *config,
                       const char *name, struct err *err)
{
    if (found->batch != config->train->batch)
        return differs(name, "train.batch", found->batch, config->train->batch, err);
    if (found->microbatch != config->train->microbatch)
        return differs(name, "train.microbatch", found->microbatch, config->train->microbatch, err);
    if (found->context != run_config_context(config))
        return differs(name, "train.context", found->context, run_config_context(config), err);
    return check_weights(found, config, name, err);
}

int in_force_check(const Trireme__InForce *in_force, const Trireme__Config *config, bool server,
                   const char *name, struct err *err)
{
    return server ? check_optimizer(in_force->optimizer, config->optimizer, name, err)
                  : check_steps(in_force, config, name, err);
}
