/* trireme briefing: what a planner would be given now, from the files of the run. */
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/policy.h"
#include "launcher/commands/command.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* The configuration that is in force: that of the newest checkpoint which can be read, else the
 * run's own. */
static Trireme__Config *config_in_force(const char *run, struct err *err)
{
    size_t n = 0;
    Trireme__Config *config = NULL;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    if (!steps)
        return NULL;
    for (size_t i = n; i > 0 && !config; i--) {
        struct err damaged;
        char *folder = checkpoint_folder(run, steps[i - 1]);
        Trireme__Manifest *manifest = checkpoint_manifest(folder, &damaged);
        if (manifest)
            config = message_copy(manifest->config);
        message_free(manifest);
        free(folder);
    }
    free(steps);
    return config ? config : run_config_of(run, err);
}

int command_briefing(const void *request, void *reply, struct err *err)
{
    const Trireme__BriefingRequest *r = request;
    int rc = -1;
    struct history history = {0};
    struct curve *curve = curve_new();
    struct ledger *ledger = NULL;
    Trireme__Policy *policy = NULL;
    Trireme__Config *own = run_config_of(r->run, err), *config = NULL;
    uint64_t step = 0;
    if (!own || !(config = config_in_force(r->run, err)) ||
        !(ledger = ledger_open(r->run, false, err)) ||
        policy_read(&policy, config->experiment->policy, err) < 0 ||
        curve_read(curve, &step, r->run, err) < 0)
        goto out;
    history_read(&history, ledger, ledger_records(ledger));
    struct briefing_input input = {.config = config,
                                   .asked = own,
                                   .policy = policy,
                                   .history = &history,
                                   .curve = curve,
                                   .step = step,
                                   .room = history_room(&history, config->experiment->forks)};
    Trireme__Briefing *made = briefing_make(&input), *out = reply, swapped = *out;
    *out = *made;
    *made = swapped;
    message_free(made);
    rc = 0;
out:
    history_clear(&history);
    curve_free(curve);
    ledger_free(ledger);
    message_free(policy);
    message_free(own);
    message_free(config);
    return rc;
}
