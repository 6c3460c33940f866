#include "launcher/commands/trunk_lines.h"

#include "base/file.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool begins(const char *bytes, size_t n, const char *begin)
{
    return n >= strlen(begin) && memcmp(bytes, begin, strlen(begin)) == 0;
}

static int hear_line(const char *bytes, size_t n, const char *path, trunk_lines_fn hear,
                     void *context, struct err *err)
{
    const bool is_train = begins(bytes, n, "{\"kind\":\"train\","),
               is_eval = begins(bytes, n, "{\"kind\":\"eval\",");
    if (!is_train && !is_eval)
        return 0;
    void *line =
        message_new(is_train ? &trireme__train_line__descriptor : &trireme__eval_line__descriptor);
    const int rc = json_read(line, bytes, n, path, ERR_DATA, err);
    const Trireme__TrainLine *train = is_train ? line : NULL;
    const Trireme__EvalLine *eval = is_eval ? line : NULL;
    if (rc == 0 && strcmp(train ? train->trial : eval->trial, "trunk") == 0)
        hear(context, train, eval);
    message_free(line);
    return rc;
}

int trunk_lines_read(const char *run, trunk_lines_fn hear, void *context, struct err *err)
{
    char *path = file_join(run, "metrics.jsonl");
    size_t size = 0;
    char *bytes = file_exists(path) ? file_read(path, &size, ERR_DATA, err) : NULL;
    int rc = bytes || !file_exists(path) ? 0 : -1;
    const char *at = bytes;
    for (const char *end; rc == 0 && bytes && (end = memchr(at, '\n', size - (size_t)(at - bytes)));
         at = end + 1)
        rc = hear_line(at, (size_t)(end - at), path, hear, context, err);
    free(bytes);
    free(path);
    return rc;
}

static void hear_step(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    uint64_t *step = context;
    (void)eval;
    *step = train ? train->step : *step;
}

int trunk_lines_step(uint64_t *step, const char *run, struct err *err)
{
    *step = 0;
    return trunk_lines_read(run, hear_step, step, err);
}
