#include "coordinator/train/evaluation.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

struct source_losses {
    uint64_t n, n_there;
    uint64_t bytes;     /* of text that the targets of those there stand for */
    bool bytes_unknown; /* of some of them */
    double *sums;
    bool *there;
};

struct evaluation {
    const struct eval_source *sources; /* borrowed */
    size_t n_sources, tokens;
    struct source_losses *losses;
};

struct evaluation *evaluation_new(const struct eval_source *sources, size_t n_sources,
                                  uint64_t samples, size_t tokens)
{
    struct evaluation *e = mem_new(1, sizeof *e);
    *e = (struct evaluation){.sources = sources, .n_sources = n_sources, .tokens = tokens};
    e->losses = mem_new(n_sources, sizeof *e->losses);
    for (size_t s = 0; s < n_sources; s++) {
        struct source_losses *l = &e->losses[s];
        l->n = sources[s].samples < samples ? sources[s].samples : samples;
        l->sums = mem_new(l->n, sizeof *l->sums);
        l->there = mem_new(l->n, sizeof *l->there);
    }
    return e;
}

void evaluation_free(struct evaluation *e)
{
    if (!e)
        return;
    for (size_t s = 0; s < e->n_sources; s++) {
        free(e->losses[s].sums);
        free(e->losses[s].there);
    }
    free(e->losses);
    free(e);
}

void evaluation_begin(struct evaluation *e)
{
    for (size_t s = 0; s < e->n_sources; s++) {
        e->losses[s].n_there = e->losses[s].bytes = 0;
        e->losses[s].bytes_unknown = false;
        memset(e->losses[s].there, 0, e->losses[s].n * sizeof(bool));
    }
}

uint64_t evaluation_samples(const struct evaluation *e, size_t source)
{
    return e->losses[source].n;
}

int evaluation_add_sums(struct evaluation *e, size_t source, uint64_t first, const double *sums,
                        const uint64_t *bytes, size_t n, struct err *err)
{
    if (source >= e->n_sources || first > e->losses[source].n || n > e->losses[source].n - first)
        return err_set(err, ERR_MACHINE,
                       "evaluated samples %llu to %llu of source %zu came, which nobody asked for",
                       (unsigned long long)first, (unsigned long long)(first + n), source);
    struct source_losses *l = &e->losses[source];
    for (uint64_t i = first; i < first + n; i++)
        if (l->there[i])
            return err_set(err, ERR_MACHINE, "evaluated sample %llu of source %zu came twice",
                           (unsigned long long)i, source);
    memcpy(l->sums + first, sums, n * sizeof *sums);
    memset(l->there + first, 1, n * sizeof(bool));
    l->n_there += n;
    l->bytes_unknown = l->bytes_unknown || !bytes;
    for (size_t i = 0; bytes && i < n; i++)
        l->bytes += bytes[i];
    return 0;
}

bool evaluation_complete(const struct evaluation *e)
{
    for (size_t s = 0; s < e->n_sources; s++)
        if (e->losses[s].n_there < e->losses[s].n)
            return false;
    return true;
}

const double *evaluation_sums(const struct evaluation *e, size_t source)
{
    return e->losses[source].sums;
}

bool evaluation_possible(const struct evaluation *e)
{
    for (size_t s = 0; s < e->n_sources; s++)
        if (e->losses[s].n)
            return true;
    return false;
}

double evaluation_bytes_per_token(const struct evaluation *e, size_t source)
{
    const struct source_losses *l = &e->losses[source];
    return l->n && !l->bytes_unknown ? (double)l->bytes / ((double)l->n * (double)e->tokens) : 0;
}

Trireme__EvalLine *evaluation_line(const struct evaluation *e, uint64_t step)
{
    Trireme__EvalLine *line = message_new(&trireme__eval_line__descriptor);
    line->has_step = 1, line->step = step;
    line->sources = mem_new(e->n_sources, sizeof *line->sources);
    double nats = 0, tokens = 0, bytes = 0;
    bool bytes_known = true;
    for (size_t s = 0; s < e->n_sources; s++) {
        const struct source_losses *l = &e->losses[s];
        if (l->n == 0)
            continue;
        double source_nats = 0, source_tokens = (double)l->n * (double)e->tokens;
        for (uint64_t i = 0; i < l->n; i++)
            source_nats += l->sums[i];
        Trireme__SourceLoss *loss = message_new(&trireme__source_loss__descriptor);
        loss->name = mem_strdup(e->sources[s].name);
        loss->has_val_loss = 1, loss->val_loss = source_nats / source_tokens;
        line->sources[line->n_sources++] = loss;
        nats += source_nats;
        tokens += source_tokens;
        bytes += (double)l->bytes;
        bytes_known = bytes_known && !l->bytes_unknown;
    }
    line->has_val_loss = 1, line->val_loss = nats / tokens;
    if (bytes_known && bytes > 0)
        line->has_val_bpb = 1, line->val_bpb = nats / (0.693147180559945309417 * bytes);
    return line;
}
