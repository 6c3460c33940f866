#include "coordinator/train/context.h"

#include "coordinator/ledger/journal.h"
#include "coordinator/train/trial.h"

struct history *context_history(const struct context *context)
{
    return journal_history(context->journal);
}

const struct trial *context_trunk(const struct context *context)
{
    return *context->trunk;
}

const Trireme__Config *context_config(const struct context *context)
{
    return context_trunk(context)->config;
}
