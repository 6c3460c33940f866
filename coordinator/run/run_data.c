#include "coordinator/run/run_data.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of what the tokens stand for; "": that is not known. */
static const char *digest_of_tokens(const Trireme__RunData *data)
{
    return data->vocabulary && data->vocabulary->digest ? data->vocabulary->digest : "";
}

int run_data_read(Trireme__RunData **data, const char *run, struct err *err)
{
    char *path = file_join(run, "data.yaml");
    int rc = 0;
    *data = NULL;
    if (file_exists(path)) {
        size_t size = 0;
        char *text = file_read(path, &size, ERR_DATA, err);
        Trireme__RunData *found = message_new(&trireme__run_data__descriptor);
        rc = text ? yaml_read(found, text, size, path, ERR_DATA, err) : -1;
        if (rc == 0 && !*digest_of_tokens(found)) {
            message_free(found->vocabulary);
            found->vocabulary = NULL;
        }
        if (rc == 0 && found->format != 1)
            rc = err_set(err, ERR_DATA, "%s: found format %" PRIu32 ", expected 1", path,
                         found->format);
        if (rc == 0)
            *data = found;
        else
            message_free(found);
        free(text);
    }
    free(path);
    return rc;
}

int run_data_write(const Trireme__RunData *data, const char *run, struct err *err)
{
    Trireme__RunData *there = NULL;
    struct err unread; // it is written anew
    bool same = run_data_read(&there, run, &unread) == 0 && there && message_equal(there, data);
    message_free(there);
    if (same)
        return 0;
    char *path = file_join(run, "data.yaml"), *text = yaml_write(data, false);
    int rc = file_write_atomic(path, text, strlen(text), ERR_TRAIN, err);
    free(text);
    free(path);
    return rc;
}

/* The next row from i on that is read; NULL: none is left. */
static const Trireme__ReadFile *next_read(const Trireme__RunData *data, size_t *i)
{
    while (*i < data->n_files && data->files[*i]->use == TRIREME__READ_FILE__USE__unread)
        ++*i;
    return *i < data->n_files ? data->files[(*i)++] : NULL;
}

static const char *or_none(const char *text)
{
    return text ? text : "none";
}

static const char *use_name(const Trireme__ReadFile *file)
{
    return file->use == TRIREME__READ_FILE__USE__validation ? "validation" : "training";
}

static int compare_file(const Trireme__ReadFile *now, const Trireme__ReadFile *before,
                        const char *before_name, struct err *err)
{
    if (strcmp(or_none(now->source), or_none(before->source)) || now->use != before->use)
        return err_set(err, ERR_DATA,
                       "%s: found a file that source '%s' reads as %s, expected %s, which '%s' "
                       "reads as %s, as in %s",
                       now->path, now->source, use_name(now), before->path, before->source,
                       use_name(before), before_name);
    if (now->bytes != before->bytes)
        return err_set(err, ERR_DATA,
                       "%s: found %" PRIu64 " bytes of digest %s, expected %" PRIu64
                       " of %s as in %s",
                       now->path, now->bytes, or_none(now->digest), before->bytes,
                       or_none(before->digest), before_name);
    if (strcmp(or_none(now->digest), or_none(before->digest)))
        return err_set(err, ERR_DATA, "%s: found digest %s, expected %s as in %s", now->path,
                       or_none(now->digest), or_none(before->digest), before_name);
    return 0;
}

int run_data_compare(const Trireme__RunData *now, const Trireme__RunData *before,
                     const char *before_name, struct err *err)
{
    size_t i = 0, j = 0;
    const char *tokens = digest_of_tokens(now), *tokens_before = digest_of_tokens(before);
    if (*tokens && *tokens_before && strcmp(tokens, tokens_before))
        return err_set(err, ERR_DATA,
                       "found tokens of a tokenizer of digest %s, expected %s as in %s", tokens,
                       tokens_before, before_name);
    for (;;) {
        const Trireme__ReadFile *a = next_read(now, &i), *b = next_read(before, &j);
        if (!a && !b)
            return 0;
        if (!a)
            return err_set(err, ERR_DATA, "source '%s': found no file for %s, expected it as in %s",
                           b->source, b->path, before_name);
        if (!b)
            return err_set(err, ERR_DATA,
                           "%s: found a file more in source '%s', expected as many as in %s",
                           a->path, a->source, before_name);
        if (compare_file(a, b, before_name, err) < 0)
            return -1;
    }
}

/* "training a.bin to z.bin (26 files, 1000 tokens)"; NULL: there is none. */
static char *use_words(const Trireme__RunData *data, const char *source, Trireme__ReadFile__Use use,
                       const char *name)
{
    const Trireme__ReadFile *first = NULL, *last = NULL;
    uint64_t tokens = 0;
    size_t n = 0;
    for (size_t i = 0; i < data->n_files; i++) {
        const Trireme__ReadFile *file = data->files[i];
        if (file->use != use || strcmp(or_none(file->source), source))
            continue;
        first = first ? first : file;
        last = file;
        tokens += file->tokens;
        n++;
    }
    if (n == 0)
        return NULL;
    char *files = n > 1 ? mem_format("%s to %s (%zu files", first->path, last->path, n)
                        : mem_format("%s (", first->path);
    char *words =
        use == TRIREME__READ_FILE__USE__unread
            ? mem_format("%s %s%s", name, files, n > 1 ? ")" : "")
            : mem_format("%s %s%s%" PRIu64 " tokens)", name, files, n > 1 ? ", " : "", tokens);
    if (use == TRIREME__READ_FILE__USE__unread && n == 1)
        words[strlen(words) - 2] = 0; // " ("
    free(files);
    return words;
}

char *run_data_sentence(const Trireme__RunData *data, const char *source)
{
    char *training = use_words(data, source, TRIREME__READ_FILE__USE__training, "training"),
         *validation = use_words(data, source, TRIREME__READ_FILE__USE__validation, "validation"),
         *unread = use_words(data, source, TRIREME__READ_FILE__USE__unread, "not read"),
         *sentence = NULL;
    if (training)
        sentence = mem_format("source '%s': %s, %s%s%s", source, training,
                              validation ? validation : "no validation", unread ? ", " : "",
                              unread ? unread : "");
    free(training);
    free(validation);
    free(unread);
    return sentence;
}
