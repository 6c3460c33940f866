#include "launcher/commands/trunk_lines.h"

#include <string.h>

struct filter {
    metrics_lines_fn hear;
    void *context;
};

static void hear_trunk(void *context, const Trireme__TrainLine *train,
                       const Trireme__EvalLine *eval)
{
    const struct filter *filter = context;
    if (strcmp(train ? train->trial : eval->trial, "trunk") == 0)
        filter->hear(filter->context, train, eval);
}

int trunk_lines_read(const char *run, metrics_lines_fn hear, void *context, struct err *err)
{
    struct filter filter = {hear, context};
    return metrics_lines_read(run, hear_trunk, &filter, err);
}

static void hear_step(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    uint64_t *step = context;
    (void)eval;
    *step = train ? train->step : *step;
}

int trunk_lines_step(uint64_t *step, const char *run, struct err *err)
{
    *step = 0;
    return trunk_lines_read(run, hear_step, step, err);
}
