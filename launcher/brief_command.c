/* trireme brief: what a planner would be told now, from the files of the run. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/brief.h"
#include "coordinator/history.h"
#include "coordinator/ledger.h"
#include "coordinator/patch.h"
#include "launcher/command.h"
#include "proto/file/checkpoint.h"
#include "proto/file/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "command.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* The configuration that is in force: that of the newest checkpoint which can be read, else the run's own. */
static Trireme__Run *config_in_force(const char *run, struct err *err)
{
    size_t n = 0;
    Trireme__Run *config = NULL;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    if (!steps)
        return NULL;
    for (size_t i = n; i > 0 && !config; i--) {
        struct err damaged;
        char *folder = checkpoint_folder(run, steps[i - 1]);
        Trireme__Manifest *manifest = checkpoint_manifest(folder, &damaged);
        if (manifest)
            config = message_copy(manifest->config);
        message_free(manifest);
        free(folder);
    }
    free(steps);
    return config ? config : run_config_of(run, err);
}

/* A line of metrics.jsonl as a message of that type, where it begins so; *line stays NULL else. */
static int read_line(void **line, const ProtobufCMessageDescriptor *type, const char *begin, const char *bytes,
                     size_t n, const char *path, struct err *err)
{
    *line = NULL;
    if (n < strlen(begin) || memcmp(bytes, begin, strlen(begin)))
        return 0;
    *line = message_new(type);
    int rc = json_read(*line, bytes, n, path, ERR_DATA, err);
    if (rc == 0)
        return 0;
    message_free(*line);
    return rc;
}

static int feed_line(struct curve *curve, uint64_t *step, const char *bytes, size_t n, const char *path,
                     struct err *err)
{
    void *train, *eval;
    if (read_line(&train, &trireme__train_line__descriptor, "{\"kind\":\"train\",", bytes, n, path, err) < 0)
        return -1;
    if (train) {
        const Trireme__TrainLine *line = train;
        curve_train(curve, line);
        *step = strcmp(line->trial, "trunk") ? *step : line->step;
        message_free(train);
        return 0;
    }
    if (read_line(&eval, &trireme__eval_line__descriptor, "{\"kind\":\"eval\",", bytes, n, path, err) < 0)
        return -1;
    if (eval)
        curve_eval(curve, eval);
    message_free(eval);
    return 0;
}

/* Feeds the lines of metrics.jsonl, and gives the step that they come to; an unfinished line at the end is passed over. */
static int feed(struct curve *curve, uint64_t *step, const char *run, struct err *err)
{
    char *path = file_join(run, "metrics.jsonl");
    size_t size = 0;
    char *bytes = file_exists(path) ? file_read(path, &size, ERR_DATA, err) : mem_strdup("");
    int rc = bytes ? 0 : -1;
    char *at = bytes;
    for (char *end; rc == 0 && (end = memchr(at, '\n', size - (size_t)(at - bytes))); at = end + 1)
        rc = feed_line(curve, step, at, (size_t)(end - at), path, err);
    free(bytes);
    free(path);
    return rc;
}

/* Hypotheses that could begin now. */
static uint32_t room(const struct history *history, const Trireme__Run *config)
{
    uint32_t busy = 0;
    for (size_t i = 0; i < history->n; i++)
        busy += history->entries[i].fate == FATE_OPEN;
    return busy < config->experiment->forks ? config->experiment->forks - busy : 0;
}

int command_brief(const void *request, void *reply, struct err *err)
{
    const Trireme__BriefRequest *r = request;
    int rc = -1;
    struct history history = {0};
    struct curve *curve = curve_new();
    struct ledger *ledger = NULL;
    Trireme__Policy *policy = NULL;
    Trireme__Run *own = run_config_of(r->run, err), *config = NULL;
    uint64_t step = 0;
    if (!own || !(config = config_in_force(r->run, err)) || !(ledger = ledger_open(r->run, false, err)) ||
        policy_read(&policy, config->experiment->policy, err) < 0 || feed(curve, &step, r->run, err) < 0)
        goto out;
    history_read(&history, ledger, ledger_records(ledger));
    struct brief brief = {.config = config,
                          .policy = policy,
                          .history = &history,
                          .curve = curve,
                          .step = step,
                          .room = room(&history, config)};
    Trireme__Briefing *made = brief_make(&brief), *out = reply, swapped = *out;
    *out = *made;
    *made = swapped;
    message_free(made);
    rc = 0;
out:
    history_clear(&history);
    curve_free(curve);
    ledger_free(ledger);
    message_free(policy);
    message_free(own);
    message_free(config);
    return rc;
}
