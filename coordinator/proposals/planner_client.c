/* The planner that is a client of the run: what it proposes comes by the inbox, at any time. Its
 * turn is open, in RUN/turn, from the question until it is done, or until the next question. */
#include "coordinator/proposals/planner.h"

#include "base/mem.h"
#include "coordinator/inbox/turn.h"
#include "proto/schema/message.h"

#include <stdlib.h>

struct client_planner {
    struct planner planner;
    char *run;
    uint64_t incarnation, step; /* of the turn */
    bool open, done, failed;    /* done, failed: not yet told by poll */
    struct err err;             /* of failed */
};

static void ask(struct planner *planner, const Trireme__Briefing *briefing)
{
    struct client_planner *p = (struct client_planner *)planner;
    p->step = briefing->step;
    p->done = false;
    p->failed = turn_open(p->run, p->incarnation, p->step, &p->err) < 0;
    p->open = !p->failed;
}

static enum planner_answer poll(struct planner *planner, Trireme__Proposals **proposals,
                                struct err *err)
{
    struct client_planner *p = (struct client_planner *)planner;
    if (p->failed) {
        p->failed = false;
        *err = p->err;
        return PLANNER_FAILED;
    }
    if (!p->done)
        return PLANNER_NOTHING;
    p->done = false;
    *proposals = message_new(&trireme__proposals__descriptor); // they came by themselves
    return PLANNER_PROPOSALS;
}

static int done(struct planner *planner, uint64_t step, struct err *err)
{
    struct client_planner *p = (struct client_planner *)planner;
    if (!p->open)
        return err_set(err, ERR_USAGE, "found the end of the turn of step %llu: no turn is open",
                       (unsigned long long)step);
    if (step != p->step)
        return err_set(err, ERR_USAGE,
                       "found the end of the turn of step %llu, expected step %llu, whose turn is "
                       "open",
                       (unsigned long long)step, (unsigned long long)p->step);
    if (turn_close(p->run, err) < 0)
        return -1;
    p->open = false;
    p->done = true;
    return 0;
}

static void client_free(struct planner *planner)
{
    struct client_planner *p = (struct client_planner *)planner;
    struct err left; // of a launch that is over, it is none
    if (p->open)
        turn_close(p->run, &left);
    free(p->run);
    free(p);
}

struct planner *planner_client_new(const char *run, uint64_t incarnation)
{
    static const struct planner_ops ops = {"client", ask, poll, client_free, done};
    struct client_planner *p = mem_new(1, sizeof *p);
    struct err left;
    p->planner.ops = &ops;
    p->run = mem_strdup(run);
    p->incarnation = incarnation;
    turn_close(run, &left); // one that a killed launch left
    return &p->planner;
}
