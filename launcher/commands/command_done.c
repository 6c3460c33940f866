/* trireme done: the planner's turn that is open is over. */
#include "base/mem.h"
#include "coordinator/inbox/turn.h"
#include "coordinator/run/run.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"
#include "planner.pb-c.h"

/* The step of the turn that is meant; an error if none is open. */
static int find_turn(uint64_t *step, const Trireme__DoneRequest *r, struct err *err)
{
    if (run_config_exists(r->run, err) < 0)
        return -1;
    if (!run_is_trained(r->run))
        return err_set(err, ERR_USAGE, "%s: nobody trains this run now", r->run);
    const int open = turn_read(step, r->run, err);
    if (open == 0)
        return err_set(err, ERR_USAGE,
                       "%s: no turn is open: found experiment.planner other than client, a turn "
                       "that is over, or one that has not come yet (`trireme wait --for turn`)",
                       r->run);
    if (open > 0 && r->step)
        *step = r->step;
    return open < 0 ? -1 : 0;
}

int command_done(const void *request, void *reply, struct err *err)
{
    const Trireme__DoneRequest *r = request;
    Trireme__Answer *out = reply, *answer = NULL;
    Trireme__Request asked = TRIREME__REQUEST__INIT;
    asked.has_done = true;
    if (find_turn(&asked.done, r, err) < 0 ||
        person_ask(&answer, r->run, &asked, NULL, r->wait, err) < 0)
        return -1;
    int rc = 0;
    if (!answer) {
        rc = err_set(err, ERR_MACHINE, "%s: nobody answered within %g seconds", r->run, r->wait);
    } else if (!answer->accepted) {
        rc = err_set(err, ERR_USAGE, "%s", answer->text ? answer->text : "refused");
    } else {
        out->has_accepted = out->accepted = true;
        out->text = mem_strdup(answer->text ? answer->text : "done");
    }
    message_free(answer);
    return rc;
}
