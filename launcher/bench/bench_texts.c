#include "launcher/bench/bench_texts.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"
#include "worker/prepare/prepare.h"

#include "command.pb-c.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DOCUMENT_SIZE = 16384 };

static int write_document(const char *folder, size_t number, const void *bytes, size_t size,
                          struct err *err)
{
    char *path = mem_format("%s/%06zu", folder, number);
    const int rc = file_write_atomic(path, bytes, size, ERR_USAGE, err);
    free(path);
    return rc;
}

static int write_random(const char *folder, const Trireme__BenchText *text, struct err *err)
{
    uint64_t document[DOCUMENT_SIZE / 8];
    const size_t n = sizeof document / sizeof *document;
    for (size_t i = 0; i < text->random_documents; i++) {
        for (size_t k = 0; k < n; k++)
            document[k] = random_u64(text->random_seed, i * n + k);
        if (write_document(folder, i, document, sizeof document, err) < 0)
            return -1;
    }
    return 0;
}

/* Copies files until there are as many bytes as the text may have. */
static int write_cut(const char *folder, const Trireme__BenchText *text, const glob_t *found,
                     struct err *err)
{
    uint64_t left = text->bytes;
    for (size_t i = 0; i < found->gl_pathc && left; i++) {
        struct stat s;
        if (stat(found->gl_pathv[i], &s) < 0 || !S_ISREG(s.st_mode))
            continue;
        size_t size = 0;
        char *bytes = file_read(found->gl_pathv[i], &size, ERR_USAGE, err);
        if (!bytes)
            return -1;
        size = size < left ? size : (size_t)left;
        left -= size;
        const int rc = write_document(folder, i, bytes, size, err);
        free(bytes);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int prepare_text(const char *folder, const Trireme__BenchText *text, char **input, size_t n,
                        struct err *err)
{
    Trireme__DataPrepareRequest *request = message_new(&trireme__data_prepare_request__descriptor);
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    request->input = mem_new(n, sizeof *request->input);
    for (request->n_input = 0; request->n_input < n; request->n_input++)
        request->input[request->n_input] = mem_strdup(input[request->n_input]);
    request->out = mem_strdup(folder);
    request->name = mem_strdup(text->name);
    request->has_val = 1, request->val = text->val;
    const int rc = prepare(request, set, NULL, NULL, err);
    message_free(set);
    message_free(request);
    return rc;
}

/* Writes the documents of a text that is no whole files. */
static int write_documents(const char *folder, const Trireme__BenchText *text, const glob_t *found,
                           struct err *err)
{
    if (file_make_dirs(folder, ERR_USAGE, err) < 0)
        return -1;
    return text->has_random_documents ? write_random(folder, text, err)
                                      : write_cut(folder, text, found, err);
}

static int make(const char *folder, const Trireme__BenchText *text, struct err *err)
{
    glob_t found = {0};
    for (size_t i = 0; i < text->n_input; i++)
        glob(text->input[i], i ? GLOB_APPEND : 0, NULL, &found);
    char *documents = mem_format("%s.documents", folder);
    int rc = 0;
    if (!text->has_random_documents && !found.gl_pathc)
        rc = err_set(err, ERR_USAGE,
                     "text '%s': found none of its files here (input: %s), expected one at least",
                     text->name, text->n_input ? text->input[0] : "none");
    else if (text->has_random_documents || text->bytes)
        rc = write_documents(documents, text, &found, err);
    if (rc == 0)
        rc = text->has_random_documents || text->bytes
                 ? prepare_text(folder, text, &documents, 1, err)
                 : prepare_text(folder, text, found.gl_pathv, found.gl_pathc, err);
    free(documents);
    globfree(&found);
    return rc;
}

/* Writes what the text is made from beside it. What is there must say the same: other tasks and
 * earlier runs read it. */
static int keep_definition(const Trireme__BenchText *text, const char *folder, struct err *err)
{
    char *path = mem_format("%s.text.json", folder), *json = json_write_pretty(text), *there = NULL;
    int rc = 0;
    if (!file_exists(path))
        rc = file_write_atomic(path, json, strlen(json), ERR_USAGE, err);
    else if (!(there = file_read(path, NULL, ERR_USAGE, err)))
        rc = -1;
    else if (strcmp(there, json) != 0)
        rc = err_set(err, ERR_USAGE,
                     "text '%s': found another one of that name in %s, expected the same, or "
                     "another --out",
                     text->name, path);
    free(there);
    free(json);
    free(path);
    return rc;
}

int bench_text_make(Trireme__DataSet **made, const Trireme__BenchText *text, const char *texts,
                    struct err *err)
{
    char *folder = file_join(texts, text->name), *path = file_join(folder, "data.yaml");
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    size_t size = 0;
    int rc = file_exists(path) ? 0 : make(folder, text, err);
    if (rc == 0)
        rc = keep_definition(text, folder, err);
    char *yaml = rc == 0 ? file_read(path, &size, ERR_DATA, err) : NULL;
    rc = yaml ? yaml_read(set, yaml, size, path, ERR_DATA, err) : -1;
    if (rc == 0)
        *made = set;
    else
        message_free(set);
    free(yaml);
    free(path);
    free(folder);
    return rc;
}
