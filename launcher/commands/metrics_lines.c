#include "launcher/commands/metrics_lines.h"

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

static int hear_line(const char *bytes, size_t n, const char *path, metrics_lines_fn hear,
                     void *context, struct err *err)
{
    const bool is_train = begins(bytes, n, "{\"kind\":\"train\","),
               is_eval = begins(bytes, n, "{\"kind\":\"eval\",");
    if (!is_train && !is_eval)
        return 0;
    void *line =
        message_new(is_train ? &trireme__train_line__descriptor : &trireme__eval_line__descriptor);
    const int rc = json_read(line, bytes, n, path, ERR_DATA, err);
    if (rc == 0)
        hear(context, is_train ? line : NULL, is_eval ? line : NULL);
    message_free(line);
    return rc;
}

int metrics_lines_read(const char *run, metrics_lines_fn hear, void *context, struct err *err)
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
