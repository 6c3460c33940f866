#include "launcher/bench/bench_task.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

char *bench_name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t n = strlen(name);
    return mem_format("%.*s", (int)(file_name_ends(name, ".yaml") ? n - 5 : n), name);
}

static void *read_yaml(const ProtobufCMessageDescriptor *type, const char *path, struct err *err)
{
    size_t size = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    void *message = text ? message_new(type) : NULL;
    if (message && (yaml_read(message, text, size, path, ERR_USAGE, err) < 0 ||
                    message_check(message, path, err) < 0)) {
        message_free(message);
        message = NULL;
    }
    free(text);
    return message;
}

static bool has_text(const Trireme__BenchTask *task, const char *name)
{
    for (size_t i = 0; i < task->n_texts; i++)
        if (task->texts[i]->name && !strcmp(task->texts[i]->name, name))
            return true;
    return false;
}

static int check(const Trireme__BenchTask *task, const char *path, struct err *err)
{
    const Trireme__Data *data = task->config->data;
    if (!data->n_sources)
        return err_set(err, ERR_USAGE, "%s: config.data.sources: found none, expected one at least",
                       path);
    for (size_t i = 0; i < data->n_sources; i++)
        if (!has_text(task, data->sources[i]->path))
            return err_set(err, ERR_USAGE,
                           "%s: config.data.sources.%zu.path: found '%s', expected the name of one "
                           "of its texts",
                           path, i, data->sources[i]->path);
    if (task->open && task->n_remedy)
        return err_set(err, ERR_USAGE, "%s: open: found a remedy beside it, expected none", path);
    return 0;
}

Trireme__BenchTask *bench_task_read(const char *task, const char *folder, struct err *err)
{
    char *path = strchr(task, '/') || file_name_ends(task, ".yaml")
                     ? mem_strdup(task)
                     : mem_format("%s/%s.yaml", folder, task);
    Trireme__BenchTask *out = read_yaml(&trireme__bench_task__descriptor, path, err);
    if (out && check(out, path, err) < 0) {
        message_free(out);
        out = NULL;
    }
    free(path);
    return out;
}

Trireme__BenchPlanner *bench_planner_read(const char *planner, struct err *err)
{
    if (strchr(planner, '/') || file_name_ends(planner, ".yaml"))
        return read_yaml(&trireme__bench_planner__descriptor, planner, err);
    Trireme__BenchPlanner *out = message_new(&trireme__bench_planner__descriptor);
    out->set = mem_new(1, sizeof *out->set);
    out->n_set = 1;
    out->set[0] = mem_format("experiment.planner=%s", planner);
    return out;
}

/* The task's configuration with its texts and its seed. */
static Trireme__Config *base_of(const Trireme__BenchTask *task, uint64_t seed, const char *texts)
{
    Trireme__Config *config = message_copy(task->config);
    for (size_t i = 0; i < config->data->n_sources; i++) {
        char **path = &config->data->sources[i]->path, *text = file_join(texts, *path);
        free(*path);
        *path = text;
    }
    config->train->has_seed = 1, config->train->seed = seed;
    free(config->experiment->notes);
    config->experiment->notes = mem_strdup("");
    return config;
}

/* Writes the program beside the run as a comment behind its configuration: with another one it is
 * another run. */
static char *with_beside(char *yaml, const Trireme__BenchPlanner *planner)
{
    for (size_t i = 0; planner && i < planner->n_beside; i++) {
        char *longer = mem_format("%s%s%s", yaml, i ? " " : "# beside it: ", planner->beside[i]);
        free(yaml);
        yaml = longer;
    }
    if (!planner || !planner->n_beside)
        return yaml;
    char *ended = mem_format("%s\n", yaml);
    free(yaml);
    return ended;
}

char *bench_task_config(const Trireme__BenchTask *task, const Trireme__BenchPlanner *planner,
                        bool remedy, uint64_t seed, const char *texts, struct err *err)
{
    Trireme__Config *base = base_of(task, seed, texts), *config = NULL;
    if (planner)
        base->experiment->has_hold = 1, base->experiment->hold = 60;
    if (remedy)
        config = changes_apply(base, task->remedy, task->n_remedy, err);
    else
        config = run_config_change(base, planner ? planner->set : NULL,
                                   planner ? planner->n_set : 0, err);
    char *text = config ? with_beside(yaml_write(config, false), planner) : NULL;
    message_free(config);
    message_free(base);
    return text;
}
