#include "coordinator/train/resumption.h"

#include "base/mem.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rates that differ by less go on as they were, to a person. */
static const double same_rate = 0.01;

struct resumption {
    const struct run *run;
    struct progress *progress;
    struct metrics *metrics;
};

static int tell(const struct resumption *r, bool anew, const char *sentence, struct err *err)
{
    progress_say(r->progress, "%s", sentence);
    if (!anew && metrics_has_event(r->metrics, r->run->step, sentence))
        return 0;
    return metrics_event(r->metrics, r->run->step, sentence, err);
}

/* A value as --set takes it, which the caller frees; NULL for a list. */
static char *value_of(const Trireme__Config *config, const char *path)
{
    char *value = message_path_value(config, path);
    if (value && !value[0]) {
        free(value);
        value = mem_strdup("''");
    }
    return value;
}

static int tell_setting(const struct resumption *r, const Trireme__Config *from,
                        const Trireme__Config *to, const char *path, bool anew, struct err *err)
{
    char *was = value_of(from, path), *is = value_of(to, path);
    char *sentence =
        was && is ? mem_format("%s: %s -> %s", path, was, is) : mem_format("%s: changed", path);
    int rc = tell(r, anew, sentence, err);
    free(sentence);
    free(is);
    free(was);
    return rc;
}

/* The paths in which they differ; the caller frees all. */
static char **differences(const Trireme__Config *a, const Trireme__Config *b, size_t *n)
{
    *n = message_diff(NULL, 0, a, b);
    char **paths = mem_new(*n, sizeof *paths);
    message_diff(paths, *n, a, b);
    return paths;
}

static void free_paths(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

static bool is_among(char *const *paths, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(paths[i], path))
            return true;
    return false;
}

static int tell_settings(const struct resumption *r, struct err *err)
{
    const struct run *run = r->run;
    const Trireme__Config *last = run->before ? run->before : run->config;
    size_t n = 0, n_anew = 0;
    char **paths = differences(run->manifest->config, run->in_force, &n),
         **anew = differences(last, run->config, &n_anew);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = tell_setting(r, run->manifest->config, run->in_force, paths[i],
                          is_among(anew, n_anew, paths[i]), err);
    // What the last launch had changed, and this one takes back. Of promoted values others speak.
    for (size_t i = 0; rc == 0 && i < n_anew; i++)
        if (!is_among(paths, n, anew[i]) && run->n_promoted == 0)
            rc = tell_setting(r, last, run->config, anew[i], true, err);
    free_paths(anew, n_anew);
    free_paths(paths, n);
    return rc;
}

/* A jump is what the settings do, not what the schedule does anyway: the rate of the next update is
 * not the one that it would have been. */
static int tell_rate(const struct resumption *r, const struct trial *trunk, struct err *err)
{
    const struct run *run = r->run;
    const Trireme__Manifest *m = run->manifest;
    const struct position at = {m->step, m->samples, m->tokens ? m->tokens : run->tokens};
    struct trial *before = trial_new(0, "before", message_copy(m->config), NULL, 0, at,
                                     m->step_tokens ? m->step_tokens : run->step_tokens, 0, 0);
    trial_plan(before, m->planned_tokens);
    const double last = m->step ? trial_lr(before, m->step - 1) : 0,
                 expected = trial_lr(before, m->step), next = trial_lr(trunk, m->step);
    trial_free(before);
    if (!m->step || fabs(next - expected) <= same_rate * fabs(expected))
        return 0;
    char factor[40] = "";
    if (last > 0)
        snprintf(factor, sizeof factor, " (%.3g times)", next / last);
    char *sentence = mem_format("the learning rate jumps: step %llu had %.3g, step %llu has %.3g%s",
                                (unsigned long long)m->step, last, (unsigned long long)m->step + 1,
                                next, factor);
    int rc = tell(r, false, sentence, err);
    free(sentence);
    return rc;
}

int resumption_tell(const struct run *run, const struct trial *trunk, struct progress *progress,
                    struct metrics *metrics, struct err *err)
{
    const struct resumption r = {run, progress, metrics};
    if (!run->manifest)
        return 0;
    return tell_settings(&r, err) < 0 ? -1 : tell_rate(&r, trunk, err);
}
