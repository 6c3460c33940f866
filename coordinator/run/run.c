#include "coordinator/run/run.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/run/run_lock.h"
#include "coordinator/run/secret.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/file/run_proof.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the value was set by hand since the checkpoint. */
static bool is_set_anew(const struct run *run, const char *path)
{
    const Trireme__Manifest *m = run->manifest;
    // Checkpoints of a version without experiments have no `asked`.
    const Trireme__Config *before = m->step_tokens ? m->asked : m->config;
    Trireme__Change change = TRIREME__CHANGE__INIT, *changes = &change;
    change.path = (char *)path;
    Trireme__Change **was = changes_values(before, &changes, 1),
                    **is = changes_values(run->config, &changes, 1);
    bool differs = strcmp(was[0]->value ? was[0]->value : "", is[0]->value ? is[0]->value : "");
    changes_free(was, 1);
    changes_free(is, 1);
    return differs;
}

/* Makes in_force: config with the promoted changes. Values set by hand since then overrule them. */
static int put_in_force(struct run *run, struct err *err)
{
    const Trireme__Manifest *m = run->manifest;
    size_t n = m ? m->n_promoted : 0;
    run->promoted = mem_new(n, sizeof *run->promoted);
    for (size_t i = 0; i < n; i++)
        if (!is_set_anew(run, m->promoted[i]->path))
            run->promoted[run->n_promoted++] = m->promoted[i];
    run->in_force = changes_apply(run->config, run->promoted, run->n_promoted, err);
    return run->in_force ? 0 : -1;
}

/* Where warnings of run_locate go: to run->warnings, and to the caller. */
struct kept_warnings {
    struct run *run;
    warn_fn warn;
    void *context;
};

static void keep_warning(void *context, const char *sentence)
{
    const struct kept_warnings *kept = context;
    struct run *run = kept->run;
    run->warnings = mem_resize(run->warnings, run->n_warnings + 1, sizeof *run->warnings);
    run->warnings[run->n_warnings++] = mem_strdup(sentence);
    kept->warn(kept->context, sentence);
}

int run_locate(struct run *run, warn_fn warn, void *context, struct err *err)
{
    struct kept_warnings kept = {run, warn, context};
    if (checkpoint_recover(run->folder, err) < 0)
        return -1;
    int rc = run->goes_back ? checkpoint_of_step(&run->checkpoint, &run->manifest, run->folder,
                                                 run->back_to, run->stop, err)
                            : checkpoint_newest(&run->checkpoint, &run->manifest, run->folder,
                                                keep_warning, &kept, run->stop, err);
    if (rc < 0 || put_in_force(run, err) < 0)
        return -1;
    const Trireme__Manifest *m = run->manifest;
    run->step_tokens = run_config_step_tokens(run->config);
    if (!m) {
        Trireme__Segment *first = run_config_first_segment(run->in_force, err);
        if (!first)
            return -1;
        run->segments = mem_new(1, sizeof *run->segments);
        run->segments[run->n_segments++] = first;
        return 0;
    }
    run->step = m->step;
    run->samples = m->samples;
    run->tokens = m->tokens ? m->tokens : m->samples * m->config->model->context;
    run->step_tokens = m->step_tokens ? m->step_tokens : run_config_step_tokens(m->config);
    // train.steps counts updates, whatever their size.
    if (is_set_anew(run, "train.batch") || is_set_anew(run, "train.context")) {
        uint64_t before = run->step_tokens;
        run->step_tokens = run_config_step_tokens(run->config);
        run->tokens =
            (uint64_t)((double)run->tokens / (double)before * (double)run->step_tokens + 0.5);
    }
    run->segments = mem_new(m->n_segments, sizeof *run->segments);
    for (size_t i = 0; i < m->n_segments; i++)
        run->segments[run->n_segments++] = message_copy(m->segments[i]);
    return run_config_append(&run->segments, &run->n_segments, run->samples, run->in_force,
                             m->config, err);
}

int run_write_changes(const struct run *run, struct err *err)
{
    return run->before ? run_config_write(run->folder, run->config, err) : 0;
}

static void run_init(struct run *run, const char *folder)
{
    *run = (struct run){.folder = mem_strdup(folder)};
}

/* Whether a launch that died in run_claim can have left that name. */
static bool is_of_claim(const char *folder, const char *name)
{
    if (!strncmp(name, "lock", 4) || !strncmp(name, "incarnation", 11) ||
        !strncmp(name, "config.yaml.tmp-", 16) || !strncmp(name, "secret.", 7))
        return true;
    char *path = file_join(folder, name);
    struct err err;
    size_t n = 1;
    file_names_free(strcmp(name, "checkpoints") ? NULL : file_names(path, &n, ERR_USAGE, &err));
    free(path);
    return n == 0; // that of the checkpoints, with none in it
}

/* Whether a folder is a run, which has a configuration: 1, or 0 for one that may become a run. -1
 * (ERR_USAGE) for one that holds something else. Another launch may make it a run meanwhile. */
static int find_run(const char *folder, const char *config, struct err *err)
{
    if (file_exists(config) || !file_exists(folder))
        return file_exists(config);
    size_t n = 0, n_foreign = 0;
    char **names = file_names(folder, &n, ERR_USAGE, err);
    if (!names)
        return -1;
    for (size_t i = 0; i < n; i++)
        n_foreign += !is_of_claim(folder, names[i]);
    file_names_free(names);
    if (n_foreign && !file_exists(config))
        return err_set(
            err, ERR_USAGE,
            "--out %s: found a folder that is no run (it has no config.yaml), expected a new one",
            folder);
    return n_foreign > 0;
}

int run_plan_train(struct run *run, const char *folder, Trireme__Config *config, struct err *err)
{
    run_init(run, folder);
    run->config = config;
    char *path = file_join(folder, "config.yaml");
    int rc = -1;
    if (!folder[0]) {
        err_set(err, ERR_USAGE, "--out: found '', expected a folder");
    } else if (run_proof_path(folder, err) < 0) {
        err_context(err, "--out");
    } else if ((rc = find_run(folder, path, err)) > 0) {
        rc = -1;
        Trireme__Config *there = run_config_of(folder, err);
        char *first = NULL;
        if (!there)
            goto out;
        if (message_equal(there, config)) {
            run->amended = run_config_amended(folder);
            rc = 0;
        } else {
            message_diff(&first, 1, there, config);
            err_set(err, ERR_USAGE,
                    "--out %s: a run with another configuration is there (it differs in %s): "
                    "choose another folder, or "
                    "`trireme resume` to go on with changes",
                    folder, first ? first : "its length");
        }
        free(first);
        message_free(there);
    }
out:
    free(path);
    if (rc < 0)
        run_clear(run);
    return rc;
}

/* Whether every field in which the configurations differ may change in a run that exists. */
static int check_changes(const Trireme__Config *before, const Trireme__Config *after,
                         struct err *err)
{
    size_t n = message_diff(NULL, 0, before, after);
    char **paths = mem_new(n, sizeof *paths);
    message_diff(paths, n, before, after);
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        const struct field_doc *doc =
            rc == 0 ? message_field_doc(&trireme__config__descriptor, paths[i], err) : NULL;
        if (rc == 0 && (!doc || doc->when == WHEN_NEVER || doc->when == WHEN_GROWTH))
            rc = err_set(err, ERR_USAGE, "--set %s: this cannot change in a run that exists",
                         paths[i]);
        free(paths[i]);
    }
    free(paths);
    return rc;
}

/* Whether the run is over by what its checkpoint planned: experiments may have spent what else
 * would be further steps; only a larger train.steps adds some. */
static bool is_over_as_planned(const struct run *run, const Trireme__Manifest *m)
{
    return m->planned_tokens && run->config->train->steps <= m->asked->train->steps &&
           m->tokens + run_config_step_tokens(m->config) > m->planned_tokens;
}

/* ERR_USAGE for a run that has all its steps: the settings would change nothing. */
static int check_unfinished(const struct run *run, uint64_t step, struct err *err)
{
    struct err damaged; // whoever continues from there passes over it
    char *folder = checkpoint_folder(run->folder, step);
    Trireme__Manifest *m = checkpoint_manifest(folder, &damaged);
    const uint64_t has = m && m->tokens && m->step_tokens ? m->tokens / m->step_tokens
                         : m                              ? m->step
                                                          : 0;
    int rc = 0;
    if (m && has >= run->config->train->steps)
        rc = err_set(err, ERR_USAGE,
                     "%s: the run has its %llu steps: expected --set train.steps above that",
                     run->folder, (unsigned long long)has);
    else if (m && is_over_as_planned(run, m))
        rc = err_set(err, ERR_USAGE,
                     "%s: the run has its %llu steps, and experiments have spent the rest of %llu: "
                     "expected --set train.steps above that",
                     run->folder, (unsigned long long)m->step,
                     (unsigned long long)m->asked->train->steps);
    message_free(m);
    free(folder);
    return rc;
}

/* ERR_USAGE unless there is a checkpoint of the step to go back to; ERR_DATA if its manifest is
 * damaged. */
static int check_back(const struct run *run, const uint64_t *steps, size_t n, struct err *err)
{
    struct text there = {0};
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        found = found || steps[i] == run->back_to;
        text_printf(&there, "%s%llu", i ? ", " : "", (unsigned long long)steps[i]);
    }
    int rc = 0;
    if (found) {
        char *folder = checkpoint_folder(run->folder, run->back_to);
        Trireme__Manifest *m = checkpoint_manifest(folder, err);
        rc = m ? 0 : -1;
        message_free(m);
        free(folder);
    } else {
        rc =
            err_set(err, ERR_USAGE, "%s@%llu: found no checkpoint of that step, expected one of %s",
                    run->folder, (unsigned long long)run->back_to,
                    n ? there.bytes : "those of the run, which has none yet");
    }
    text_clear(&there);
    return rc;
}

/* What the run's checkpoints say against the plan. */
static int check_checkpoints(const struct run *run, bool changed, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run->folder, &n, err);
    int rc = steps ? 0 : -1;
    if (rc == 0 && run->goes_back)
        rc = check_back(run, steps, n, err);
    if (rc == 0 && n && changed && !run_is_trained(run->folder))
        rc = check_unfinished(run, run->goes_back ? run->back_to : steps[n - 1], err);
    free(steps);
    return rc;
}

int run_plan_resume(struct run *run, const char *name, char *const *settings, size_t n_settings,
                    struct err *err)
{
    *run = (struct run){.settings = settings, .n_settings = n_settings};
    int rc = -1;
    if (checkpoint_name(&run->folder, &run->goes_back, &run->back_to, name, err) < 0 ||
        !(run->before = run_config_of(run->folder, err)))
        goto out;
    run->amended = run_config_amended(run->folder);
    run->config = run_config_change(run->before, settings, n_settings, err);
    if (run->config)
        rc = check_changes(run->before, run->config, err);
    if (rc == 0)
        rc = check_checkpoints(run, !message_equal(run->before, run->config), err);
out:
    if (rc < 0)
        run_clear(run);
    return rc;
}

bool run_is_trained(const char *folder)
{
    return run_lock_is_held(folder);
}

int run_claim(struct run *run, struct err *err)
{
    char *checkpoints = file_join(run->folder, "checkpoints");
    int rc = run_proof_path(run->folder, err);
    if (rc == 0)
        rc = file_make_private(&run->open, run->folder, ERR_USAGE, err);
    if (rc == 0)
        rc = file_make_dirs(checkpoints, ERR_USAGE, err);
    if (rc == 0)
        rc = run_lock_take(&run->lock, run->folder, &run_lock_system, err);
    if (rc == 0) {
        run->incarnation = run_lock_incarnation(run->lock);
        if (!run->before)
            rc = run_config_write(run->folder, run->config, err);
    }
    if (rc == 0)
        rc = run_proof_write(run->folder, "try-0", err);
    free(checkpoints);
    return rc;
}

int run_open_secret(struct run *run, struct err *err)
{
    return secret_make(&run->secret, run->folder, run->config->experiment->secret, err);
}

int run_check(const struct run *run, struct err *err)
{
    return run->lock ? run_lock_check(run->lock, err) : 0;
}

bool run_is_lost(const struct run *run, struct err *how)
{
    struct err unread; // that the run cannot be read is no loss
    run_check(run, &unread);
    return run_check_seen(run, how) < 0;
}

int run_check_seen(const struct run *run, struct err *err)
{
    return run->lock ? run_lock_check_seen(run->lock, err) : 0;
}

const double *run_gate_weights(const struct run *run)
{
    return run->config->gate->n_weights ? run->config->gate->weights : run->segments[0]->weights;
}

int run_status_write(const struct run *run, uint64_t step, const struct err *how, struct err *err)
{
    if (run_is_lost(run, err))
        return -1; // the file is another launch's
    Trireme__Status status = TRIREME__STATUS__INIT;
    status.has_incarnation = 1, status.incarnation = run->incarnation;
    status.has_code = 1, status.code = (uint32_t)how->code;
    status.text = (char *)how->text;
    status.has_step = 1, status.step = step;
    status.has_without_step = 1, status.without_step = run->without_step;
    char *json = json_write(&status), *path = file_join(run->folder, "status.json");
    int rc = file_write_atomic(path, json, strlen(json), ERR_USAGE, err);
    if (rc < 0) {
        run_lock_make_room(run->lock);
        rc = file_write_atomic(path, json, strlen(json), ERR_USAGE, err);
    }
    free(path);
    free(json);
    return rc;
}

Trireme__Status *run_status_read(const char *folder, struct err *err)
{
    char *path = file_join(folder, "status.json");
    size_t size = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    Trireme__Status *status = text ? message_new(&trireme__status__descriptor) : NULL;
    if (status && json_read(status, text, size, path, ERR_DATA, err) < 0) {
        message_free(status);
        status = NULL;
    }
    free(text);
    free(path);
    return status;
}

void run_clear(struct run *run)
{
    for (size_t i = 0; i < run->n_segments; i++)
        message_free(run->segments[i]);
    free(run->segments);
    for (size_t i = 0; i < run->n_warnings; i++)
        free(run->warnings[i]);
    free(run->warnings);
    free(run->promoted);
    message_free(run->in_force);
    message_free(run->manifest);
    message_free(run->before);
    message_free(run->config);
    free(run->amended);
    free(run->checkpoint);
    free(run->folder);
    secret_free(run->secret);
    run_lock_release(run->lock);
    *run = (struct run){0};
}
