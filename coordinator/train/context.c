#include "coordinator/train/context.h"

#include "coordinator/ledger/journal.h"
#include "coordinator/train/trial.h"

struct history *ground_history(const struct ground *ground)
{
    return chronicle_history(ground->chronicle);
}

const struct trial *ground_trunk(const struct ground *ground)
{
    return *ground->trunk;
}

const Trireme__Run *ground_config(const struct ground *ground)
{
    return ground_trunk(ground)->config;
}
