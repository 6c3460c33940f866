#include "coordinator/train/liveness.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 360, N_AWAITED = AWAIT_FILES + 1 };

struct rank_state {
    char host[256];
    uint64_t pid, work;
    unsigned awaited[N_AWAITED]; /* how many of each */
    double heard, got_on;        /* last message; last sign of work done */
};

struct liveness {
    int n_ranks, n_servers;
    double patience, longest_step;
    struct rank_state *ranks;
    char name[NAME_SIZE];
};

// clang-format off
static const char *const awaited_names[N_AWAITED] = {
    [AWAIT_READY]  = "its readiness",
    [AWAIT_LOSSES] = "its part of a step",
    [AWAIT_NORMS]  = "its sum of the gradients",
    [AWAIT_COMMIT] = "its update",
    [AWAIT_EVAL]   = "its part of an evaluation",
    [AWAIT_SHARD]  = "its shard of a checkpoint",
    [AWAIT_FORK]   = "a fork's state",
    [AWAIT_FILES]  = "its digests of the token files",
};
// clang-format on

struct liveness *liveness_new(int n_ranks, int n_servers, double patience, double now)
{
    struct liveness *l = mem_new(1, sizeof *l);
    *l = (struct liveness){.n_ranks = n_ranks, .n_servers = n_servers, .patience = patience};
    l->ranks = mem_new((size_t)n_ranks, sizeof *l->ranks);
    liveness_forgive(l, now);
    return l;
}

void liveness_free(struct liveness *l)
{
    if (!l)
        return;
    free(l->ranks);
    free(l);
}

void liveness_identify(struct liveness *l, int rank, const char *host, uint64_t pid)
{
    snprintf(l->ranks[rank].host, sizeof l->ranks[rank].host, "%s", host ? host : "");
    l->ranks[rank].pid = pid;
}

void liveness_await(struct liveness *l, int rank, enum awaited what, double now)
{
    l->ranks[rank].awaited[what]++;
    l->ranks[rank].got_on = now;
}

void liveness_arrived(struct liveness *l, int rank, enum awaited what)
{
    unsigned *awaited = &l->ranks[rank].awaited[what];
    *awaited -= *awaited > 0;
}

void liveness_forget(struct liveness *l, int rank, enum awaited what)
{
    l->ranks[rank].awaited[what] = 0;
}

bool liveness_awaits(const struct liveness *l, enum awaited what)
{
    for (int r = 1; r < l->n_ranks; r++)
        if (l->ranks[r].awaited[what])
            return true;
    return false;
}

void liveness_heard(struct liveness *l, int rank, uint64_t work, double now)
{
    struct rank_state *r = &l->ranks[rank];
    r->heard = now;
    if (work == UINT64_MAX || work > r->work)
        r->got_on = now;
    if (work != UINT64_MAX)
        r->work = work;
}

void liveness_step(struct liveness *l, double seconds)
{
    l->longest_step = seconds > l->longest_step ? seconds : l->longest_step;
}

void liveness_forgive(struct liveness *l, double now)
{
    for (int r = 0; r < l->n_ranks; r++)
        l->ranks[r].heard = l->ranks[r].got_on = now;
}

const char *liveness_rank_name(struct liveness *l, int rank)
{
    const struct rank_state *r = &l->ranks[rank];
    bool server = rank <= l->n_servers;
    int n = snprintf(l->name, sizeof l->name, "%s %d (rank %d", server ? "server" : "worker",
                     server ? rank - 1 : rank - 1 - l->n_servers, rank);
    if (r->host[0])
        snprintf(l->name + n, sizeof l->name - (size_t)n, " on %s, process %llu)", r->host,
                 (unsigned long long)r->pid);
    else
        snprintf(l->name + n, sizeof l->name - (size_t)n, ")");
    return l->name;
}

/* Returns the name of the first thing awaited from a rank, or NULL. */
static const char *first_awaited(const struct rank_state *r)
{
    for (size_t i = 0; i < N_AWAITED; i++)
        if (r->awaited[i])
            return awaited_names[i];
    return NULL;
}

int liveness_check(struct liveness *l, double now, struct err *err)
{
    double stuck =
        10 * l->patience > 20 * l->longest_step ? 10 * l->patience : 20 * l->longest_step;
    for (int rank = 1; rank < l->n_ranks; rank++) {
        const struct rank_state *r = &l->ranks[rank];
        const char *awaited = first_awaited(r);
        bool silent = now - r->heard > l->patience;
        if (!silent && !(awaited && now - r->got_on > stuck))
            continue;
        return err_set(err, ERR_MACHINE, "%s %s for %.0f s while %s was awaited",
                       liveness_rank_name(l, rank), silent ? "has been silent" : "has not got on",
                       now - (silent ? r->heard : r->got_on), awaited ? awaited : "a sign of life");
    }
    return 0;
}
