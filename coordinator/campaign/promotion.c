#include "coordinator/campaign/promotion.h"

#include "base/mem.h"
#include "coordinator/train/trials.h"

#include <stdlib.h>

struct promotion {
    struct context context;
    struct trial *next;  /* the trunk to be; borrowed */
    struct trial *spare; /* the fork that it was renumbered from, or NULL; borrowed */
};

struct promotion *promotion_begin(const struct context *context, struct trial *fork,
                                  const Trireme__Config *config, uint64_t step, struct err *err)
{
    struct promotion *p = mem_new(1, sizeof *p);
    p->context = *context;
    p->next = fork;
    if (fork && fork->step == step)
        return p;
    struct fork made = {
        .name = "trunk", .step = step, .config = fork ? fork->config : config, .replaces = true};
    p->spare = fork;
    p->next = trials_fork(context->trials, fork ? fork : *context->trunk, &made, err);
    if (p->next)
        return p;
    free(p);
    return NULL;
}

void promotion_free(struct promotion *promotion)
{
    free(promotion);
}

int promotion_turn(struct promotion *p, struct err *err)
{
    if (p->next->state == TRIAL_FORKING)
        return 0;
    if (p->next->state == TRIAL_REFUSED)
        return err_set(err, ERR_TRAIN, "a promotion cannot be carried out: %s", p->next->refused);
    struct trial *before = *p->context.trunk;
    if (p->spare)
        trial_stop(p->spare);
    trial_stop(before);
    trial_rename(p->next, "trunk");
    trial_run_until(p->next, p->next->step);
    *p->context.trunk = p->next;
    return 1;
}
