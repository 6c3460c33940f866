#include "coordinator/train/context.h"

#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "coordinator/train/trial.h"

#include <unistd.h>

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

char *context_operator(const struct run *run)
{
    const struct actor actor = {.person = true,
                                .uid = (uint32_t)geteuid(),
                                .pid = (uint32_t)getpid(),
                                .unseparated = !run->secret || !secret_separates(run->secret)};
    return actor_write(&actor);
}
