/* Requests to stop: who asks, and what is said at the end. */
#include "coordinator/coordinator_internal.h"

#include "base/clock.h"
#include "coordinator/proposals/intake.h"
#include "coordinator/proposals/people.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/checkpointer.h"
#include "coordinator/train/evaluator.h"

static const double inbox_seconds = 0.25;

bool coordinator_stop_asked(const struct coordinator *c)
{
    if (c->stop_asked || (c->options.stop && *c->options.stop) ||
        (c->intake && intake_stop_asked(c->intake)))
        return true;
    // a limit that is nearer than a start is long must not keep the run from getting on
    return c->options.deadline > 0 && c->trunk->step > c->run->step &&
           clock_now() >= c->options.deadline;
}

bool coordinator_stops(struct coordinator *c)
{
    if (!c->stopping && coordinator_stop_asked(c)) {
        c->stopping = true;
        evaluator_abandon(c->evaluator, c->run->incarnation);
    }
    return c->stopping;
}

void coordinator_look_for_stop(struct coordinator *c)
{
    const double now = clock_now();
    struct err err = {0};
    if (now - c->looked < inbox_seconds)
        return;
    c->looked = now;
    if (people_read_stop(&c->stop_asked, c->run, &err) < 0)
        progress_log(c->progress, "inbox: %s", err.text);
}

void coordinator_say_stopped(const struct coordinator *c, struct err *how)
{
    const bool went_back = c->run->goes_back && c->campaign; // training had begun
    const char *again = went_back ? "`trireme resume` without the step" : "the same line";
    const unsigned long long step = c->trunk->step;
    if (c->diverged.code)
        err_set(how, ERR_STOPPED,
                "stopped on request after step %llu, with which the trunk diverged: step %llu is "
                "kept: run %s again to continue",
                step, (unsigned long long)checkpointer_step(c->checkpointer), again);
    else if (step > c->run->step)
        err_set(how, ERR_STOPPED,
                "stopped on request at step %llu, with a checkpoint: run %s again to continue",
                step, again);
    else
        err_set(how, ERR_STOPPED,
                "stopped on request before step %llu: nothing new is to be kept: run %s again to "
                "continue",
                step + 1, again);
}
