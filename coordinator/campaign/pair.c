#include "coordinator/campaign/pair.h"

#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/train/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pair_free(struct pair *pair)
{
    if (!pair)
        return;
    free(pair->gave_up);
    free(pair->arm.sums);
    free(pair);
}

void pair_give_up(struct pair *pair, Trireme__Cause cause, const char *reason)
{
    free(pair->gave_up);
    pair->gave_up = mem_strdup(reason);
    pair->cause = cause;
}

void pair_refused(struct pair *pair, const struct trial *trial)
{
    pair_give_up(pair, trial->differs ? TRIREME__CAUSE__failed : TRIREME__CAUSE__memory,
                 trial->refused);
}

char *pair_fork_name(uint32_t number, bool reverse, size_t pair)
{
    return mem_format("%c%u.%zu", reverse ? 'r' : 'h', number, pair);
}

char *pair_fork_tail_name(const char *fork)
{
    return mem_format("%s-tail", fork);
}

char *pair_trunk_tail_name(uint64_t step, uint64_t steps)
{
    return mem_format("trunk-tail.%llu.%llu", (unsigned long long)step, (unsigned long long)steps);
}

bool pair_name_is_tail(const char *name)
{
    return strstr(name, "-tail");
}

bool pair_of_name_is_over(const struct history *h, const char *name)
{
    unsigned number = 0, pair = 0;
    unsigned long long step = 0;
    char kind = 0;
    if (sscanf(name, "trunk-tail.%llu.", &step) == 1)
        return step <= h->ended_at;
    if (sscanf(name, "%c%u.%u", &kind, &number, &pair) != 3)
        return true;
    const struct entry *e = history_entry(h, number);
    if (e && !entry_is_pending(e))
        return true;
    return e && pair < attempt_next_pair(kind == 'h' ? &e->forward : &e->reverse);
}
