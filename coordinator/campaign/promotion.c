#include "coordinator/campaign/promotion.h"

#include "base/mem.h"
#include "coordinator/train/trials.h"

#include <stdlib.h>

struct promotion {
    struct ground ground;
    struct trial *next;  /* the trunk to be; borrowed */
    struct trial *spare; /* the fork that it was renumbered from, or NULL; borrowed */
};

struct promotion *promotion_begin(const struct ground *ground, struct trial *fork,
                                  const Trireme__Run *config, uint64_t step, struct err *err)
{
    struct promotion *p = mem_new(1, sizeof *p);
    p->ground = *ground;
    p->next = fork;
    if (fork && fork->step == step)
        return p;
    const struct trial *parent = fork ? fork : *ground->trunk;
    struct fork made = {
        .name = "trunk", .step = step, .config = fork ? fork->config : config, .replaces = true};
    p->spare = fork;
    p->next = trials_fork(ground->trials, parent, &made, err);
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
    if (p->next->forking)
        return 0;
    if (p->next->refused)
        return err_set(err, ERR_TRAIN, "a promotion cannot be carried out: %s", p->next->refused);
    struct trial *before = *p->ground.trunk;
    if (p->spare)
        trials_drop(p->ground.trials, p->spare);
    trials_drop(p->ground.trials, before);
    free(p->next->name);
    p->next->name = mem_strdup("trunk");
    p->next->until = p->next->step;
    *p->ground.trunk = p->next;
    return 1;
}
