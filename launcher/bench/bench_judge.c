#include "launcher/bench/bench_judge.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/walk.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct bench_judge {
    const Trireme__BenchTask *task; /* borrowed */
    double *weights, *remedy;       /* of the sources: in force, and the oracle's */
    size_t n;
};

static const char source_weight[] = "data.sources.*.weight";

static void set_weights(double *weights, size_t n, Trireme__Change *const *patch, size_t n_patch)
{
    for (size_t i = 0; i < n_patch; i++)
        if (message_path_match(source_weight, patch[i]->path)) {
            const size_t s = strtoul(patch[i]->path + strlen("data.sources."), NULL, 10);
            if (s < n)
                weights[s] = strtod(patch[i]->value, NULL);
        }
}

struct bench_judge *bench_judge_new(const Trireme__BenchTask *task)
{
    struct bench_judge *j = mem_new(1, sizeof *j);
    j->task = task;
    j->n = task->config->data->n_sources;
    j->weights = mem_new(j->n, sizeof *j->weights);
    j->remedy = mem_new(j->n, sizeof *j->remedy);
    for (size_t s = 0; s < j->n; s++)
        j->weights[s] = j->remedy[s] = task->config->data->sources[s]->weight;
    set_weights(j->remedy, j->n, task->remedy, task->n_remedy);
    return j;
}

void bench_judge_free(struct bench_judge *j)
{
    if (!j)
        return;
    free(j->weights);
    free(j->remedy);
    free(j);
}

static double sum(const double *x, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += x[i];
    return s;
}

static double share_distance(const struct bench_judge *j)
{
    const double all = sum(j->weights, j->n), wanted = sum(j->remedy, j->n);
    double distance = 0;
    for (size_t s = 0; s < j->n; s++)
        distance += fabs(j->weights[s] / all - j->remedy[s] / wanted);
    return distance;
}

static double distance(double value, double wanted, bool decay)
{
    const double v = decay ? 1 - value : value, w = decay ? 1 - wanted : wanted;
    return v > 0 && w > 0 ? fabs(log(v / w)) : fabs(v - w);
}

/* Above 0: the value has come nearer; below: it went away. */
static double nearer(const char *path, const char *before, const char *after, const char *wanted)
{
    struct err unknown;
    char *end_before, *end_after;
    const double b = strtod(before, &end_before), a = strtod(after, &end_after);
    if (end_before == before || *end_before || end_after == after || *end_after)
        return !strcmp(before, after) ? 0 : !strcmp(after, wanted) ? 1 : -1;
    const struct field_doc *doc = message_field_doc(&trireme__config__descriptor, path, &unknown);
    const bool decay = doc && doc->min == 0 && doc->max > 0.9 && doc->max < 1;
    const double w = strtod(wanted, NULL);
    return distance(b, w, decay) - distance(a, w, decay);
}

static const char *remedy_of(const struct bench_judge *j, const char *path)
{
    for (size_t i = 0; i < j->task->n_remedy; i++)
        if (!strcmp(j->task->remedy[i]->path, path))
            return j->task->remedy[i]->value;
    return NULL;
}

static bool mends_weights(const struct bench_judge *j)
{
    for (size_t i = 0; i < j->task->n_remedy; i++)
        if (message_path_match(source_weight, j->task->remedy[i]->path))
            return true;
    return false;
}

static const char *value_of(Trireme__Change *const *changes, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (changes[i] && !strcmp(changes[i]->path, path))
            return changes[i]->value;
    return NULL;
}

Trireme__BenchAdoption__Verdict bench_judge_adopt(struct bench_judge *j,
                                                  Trireme__Change *const *patch,
                                                  Trireme__Change *const *before, size_t n)
{
    static const double same = 1e-9;
    bool near = false, away = false;
    const double until_now = share_distance(j);
    set_weights(j->weights, j->n, patch, n);
    for (size_t i = 0; i < n; i++) {
        const bool weight = message_path_match(source_weight, patch[i]->path);
        const char *wanted = remedy_of(j, patch[i]->path);
        const char *old = value_of(before, n, patch[i]->path);
        double by = 0;
        if (weight && mends_weights(j))
            by = until_now - share_distance(j);
        else if (!weight && wanted && old)
            by = nearer(patch[i]->path, old, patch[i]->value, wanted);
        near |= by > same, away |= by < -same;
    }
    if (j->task->open)
        return TRIREME__BENCH_ADOPTION__VERDICT__other;
    if (!j->task->n_remedy || away)
        return TRIREME__BENCH_ADOPTION__VERDICT__wrong;
    return near ? TRIREME__BENCH_ADOPTION__VERDICT__right : TRIREME__BENCH_ADOPTION__VERDICT__other;
}

void bench_judge_set(struct bench_judge *j, Trireme__Change *const *patch, size_t n)
{
    set_weights(j->weights, j->n, patch, n);
}
