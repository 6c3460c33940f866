#include "coordinator/train/verdict.h"

#include "proto/config/run_config.h"

#include <math.h>

int verdict_decide(Trireme__Verdict *verdict, Trireme__TrainLine *line,
                   const Trireme__Config *config, uint64_t step, double lr, double loss,
                   double norm, struct err *err)
{
    if (!isfinite(loss) || !isfinite(norm))
        return err_set(
            err, ERR_TRAIN,
            "step %llu: the loss is %g and the gradient's norm %g: training has diverged",
            (unsigned long long)step + 1, loss, norm);
    const double clip = config->optimizer->clip;
    trireme__verdict__init(verdict);
    verdict->has_step = 1, verdict->step = step;
    verdict->has_lr = 1, verdict->lr = lr;
    verdict->has_scale = 1;
    verdict->scale = clip > 0 && norm + 1e-6 > clip ? (float)(clip / (norm + 1e-6)) : 1;
    trireme__train_line__init(line);
    line->has_step = 1, line->step = step + 1;
    line->has_loss = 1, line->loss = loss;
    line->has_grad_norm = 1, line->grad_norm = norm;
    line->has_lr = 1, line->lr = verdict->lr;
    line->has_tokens = 1,
    line->tokens = (uint64_t)config->train->batch * run_config_context(config);
    return 0;
}
