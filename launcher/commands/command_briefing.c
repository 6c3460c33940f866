/* trireme briefing: what a planner would be given now, from the files of the run. */
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/policy.h"
#include "launcher/commands/command.h"
#include "launcher/commands/config_in_force.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

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
