#include "coordinator/train/liveness.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 360, N_AWAITED = AWAIT_FORK + 1 };

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
};
// clang-format on

struct liveness *liveness_new(int n_ranks, int n_servers, double patience, double now)
{
    struct liveness *w = mem_new(1, sizeof *w);
    *w = (struct liveness){.n_ranks = n_ranks, .n_servers = n_servers, .patience = patience};
    w->ranks = mem_new((size_t)n_ranks, sizeof *w->ranks);
    liveness_forgive(w, now);
    return w;
}

void liveness_free(struct liveness *w)
{
    if (!w)
        return;
    free(w->ranks);
    free(w);
}

void liveness_identify(struct liveness *w, int rank, const char *host, uint64_t pid)
{
    snprintf(w->ranks[rank].host, sizeof w->ranks[rank].host, "%s", host ? host : "");
    w->ranks[rank].pid = pid;
}

void liveness_await(struct liveness *w, int rank, enum awaited what, double now)
{
    w->ranks[rank].awaited[what]++;
    w->ranks[rank].got_on = now;
}

void liveness_arrived(struct liveness *w, int rank, enum awaited what)
{
    unsigned *awaited = &w->ranks[rank].awaited[what];
    *awaited -= *awaited > 0;
}

bool liveness_awaits(const struct liveness *w, enum awaited what)
{
    for (int r = 1; r < w->n_ranks; r++)
        if (w->ranks[r].awaited[what])
            return true;
    return false;
}

void liveness_heard(struct liveness *w, int rank, uint64_t work, double now)
{
    struct rank_state *r = &w->ranks[rank];
    r->heard = now;
    if (work == UINT64_MAX || work > r->work)
        r->got_on = now;
    if (work != UINT64_MAX)
        r->work = work;
}

void liveness_step(struct liveness *w, double seconds)
{
    w->longest_step = seconds > w->longest_step ? seconds : w->longest_step;
}

void liveness_forgive(struct liveness *w, double now)
{
    for (int r = 0; r < w->n_ranks; r++)
        w->ranks[r].heard = w->ranks[r].got_on = now;
}

const char *liveness_rank_name(struct liveness *w, int rank)
{
    const struct rank_state *r = &w->ranks[rank];
    bool server = rank <= w->n_servers;
    int n = snprintf(w->name, sizeof w->name, "%s %d (rank %d", server ? "server" : "worker",
                     server ? rank - 1 : rank - 1 - w->n_servers, rank);
    if (r->host[0])
        snprintf(w->name + n, sizeof w->name - (size_t)n, " on %s, process %llu)", r->host,
                 (unsigned long long)r->pid);
    else
        snprintf(w->name + n, sizeof w->name - (size_t)n, ")");
    return w->name;
}

/* The first thing that is awaited of a rank; NULL: nothing is. */
static const char *first_awaited(const struct rank_state *r)
{
    for (size_t i = 0; i < N_AWAITED; i++)
        if (r->awaited[i])
            return awaited_names[i];
    return NULL;
}

int liveness_check(struct liveness *w, double now, struct err *err)
{
    double stuck =
        10 * w->patience > 20 * w->longest_step ? 10 * w->patience : 20 * w->longest_step;
    for (int rank = 1; rank < w->n_ranks; rank++) {
        const struct rank_state *r = &w->ranks[rank];
        const char *awaited = first_awaited(r);
        bool silent = now - r->heard > w->patience;
        if (!silent && !(awaited && now - r->got_on > stuck))
            continue;
        return err_set(err, ERR_MACHINE, "%s %s for %.0f s while %s was awaited",
                       liveness_rank_name(w, rank), silent ? "has been silent" : "has not got on",
                       now - (silent ? r->heard : r->got_on), awaited ? awaited : "a sign of life");
    }
    return 0;
}
