#include "coordinator/patch/recipe.h"

#include "proto/config/run_config.h"
#include "proto/order/mixture.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

const char *recipe_idle_because(const Trireme__Config *config, const char *path)
{
    bool adamw = config->optimizer->name == TRIREME__OPTIMIZER__NAME__adamw;
    bool constant = config->schedule->kind == TRIREME__SCHEDULE__KIND__constant;
    const struct {
        const char *pattern, *because;
        bool idle;
    } rows[] = {
  // clang-format off
        {"optimizer.momentum",    "optimizer.name is adamw",   adamw                       },
        {"optimizer.beta1",       "optimizer.name is sgd",     !adamw                      },
        {"optimizer.beta2",       "optimizer.name is sgd",     !adamw                      },
        {"optimizer.eps",         "optimizer.name is sgd",     !adamw                      },
        {"schedule.min_lr",       "schedule.kind is constant", constant                    },
        {"data.sources.*.weight", "there is one source only",  config->data->n_sources == 1},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].idle && message_path_match(rows[i].pattern, path))
            return rows[i].because;
    return NULL;
}

static struct mixture *mixture_of(const Trireme__Config *config, struct err *err)
{
    double *weights = run_config_weights(config);
    struct mixture *mixture = mixture_new(weights, config->data->n_sources, err);
    free(weights);
    return mixture;
}

/* Returns 1 if the sources have the same shares, 0 if others, -1 if b's have none. */
static int same_shares(const Trireme__Config *a, const Trireme__Config *b, struct err *err)
{
    struct err unread;
    if (b->data->n_sources == 0)
        return 1;
    struct mixture *new = mixture_of(b, err);
    if (!new)
        return err_context(err, "data.sources");
    struct mixture *old = mixture_of(a, &unread);
    int same = old && mixture_equal(old, new);
    mixture_free(old);
    mixture_free(new);
    return same;
}

struct comparison {
    const Trireme__Config *a, *b;
    bool same;
};

static bool same_value(const struct message_path *leaf, const char *other)
{
    double x, y;
    if (leaf->kind == SCALAR_REAL && number_read(&x, leaf->text, false) &&
        number_read(&y, other, false))
        return (float)x == (float)y;
    return !strcmp(leaf->text, other);
}

static void compare_leaf(void *context, const struct message_path *leaf)
{
    struct comparison *c = context;
    if (leaf->doc->judged == JUDGED_UNJUDGED ||
        message_path_match("data.sources.*.weight", leaf->path) ||
        !strcmp(leaf->path, "train.context") ||
        (recipe_idle_because(c->a, leaf->path) && recipe_idle_because(c->b, leaf->path)))
        return;
    char *other = message_path_value(c->b, leaf->path);
    c->same = c->same && other && same_value(leaf, other);
    free(other);
}

int recipe_same(const Trireme__Config *a, const Trireme__Config *b, struct err *err)
{
    int shares = same_shares(a, b, err);
    if (shares <= 0)
        return shares;
    struct comparison c = {a, b, run_config_context(a) == run_config_context(b)};
    message_path_visit(a, compare_leaf, &c);
    return c.same;
}
