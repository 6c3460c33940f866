#include "worker/base_tokenizer.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"
#include "worker/tokenizer/tokenizer.h"
#include "worker/tokenizer/tokenizer_files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The folder where a tokenizer may be. */
static char *folder_of(const char *from)
{
    const char *at = strrchr(from, '@');
    if (file_is_dir(from) || !at)
        return mem_strdup(from);
    char *run = mem_format("%.*s", (int)(at - from), from), *folder = file_join(run, "tokenizer");
    free(run);
    return folder;
}

/* Whether a source says what its tokens stand for. */
static bool is_known(const struct dataset *dataset)
{
    bool known = false;
    uint64_t bytes;
    for (size_t i = 0; i < dataset_sources(dataset); i++)
        known = known || dataset_count_bytes(dataset, &bytes, i, NULL, 0);
    return known;
}

/* Finds the files of init.from's tokenizer. Many folders of weights have none: false. */
static bool find(struct tokenizer_files *files, char **folder, const Trireme__Start *start)
{
    const char *from = start->config->init->from;
    struct err none;
    if (!from || !from[0])
        return false;
    *folder = folder_of(from);
    if (file_is_dir(*folder) && tokenizer_files_find(files, *folder, &none) == 0)
        return true;
    free(*folder);
    return false;
}

static char *compare(const char *folder, const Trireme__Start *start, const struct dataset *dataset)
{
    struct err err;
    char hex[DIGEST_HEX_SIZE];
    const char *data_folder;
    const Trireme__Vocabulary *vocabulary = dataset_vocabulary(dataset, &data_folder);
    struct tokenizer *tokenizer = tokenizer_open(folder, &err);
    if (!tokenizer)
        return mem_format("note: the tokenizer of init.from cannot be compared with the data's: %s",
                          err.text);
    digest_hex(hex, tokenizer_digest(tokenizer));
    const bool fits = tokenizer_vocab(tokenizer) <= start->config->model->vocab;
    tokenizer_close(tokenizer);
    if (!is_known(dataset))
        return !fits ? NULL
                     : mem_format(
                           "note: the token files do not say what their tokens stand for; samples "
                           "and exports take the tokenizer in %s",
                           folder);
    if (vocabulary && !strcmp(hex, vocabulary->digest))
        return NULL;
    return mem_format("warning: the data's tokens are not those of the model in init.from: found a "
                      "tokenizer of digest %s in %s, expected the data's %s%s",
                      hex, folder, vocabulary ? "of " : "bytes",
                      vocabulary ? vocabulary->digest : "");
}

char *base_tokenizer_note(const Trireme__Start *start, const struct dataset *dataset)
{
    struct tokenizer_files files;
    char *folder;
    if (start->checkpoint || !find(&files, &folder, start))
        return NULL;
    char *note = compare(folder, start, dataset);
    tokenizer_files_clear(&files);
    free(folder);
    return note;
}

/* Adds one file, if it can be read. */
static bool add_file(Trireme__WasRead *message, const struct tokenizer_path *path)
{
    struct err err;
    size_t size;
    char *bytes = file_read(path->path, &size, ERR_DATA, &err);
    if (!bytes)
        return false;
    Trireme__TokenizerFile *file = message_new(&trireme__tokenizer_file__descriptor);
    file->file = mem_strdup(path->name);
    file->digest = mem_new(DIGEST_HEX_SIZE, 1);
    digest_hex(file->digest, digest_of(bytes, size));
    message->vocabulary->files[message->vocabulary->n_files++] = file;
    message->tokenizer_files[message->n_tokenizer_files++] =
        (ProtobufCBinaryData){.len = size, .data = (uint8_t *)bytes};
    return true;
}

/* Takes back what was added of a tokenizer that is not whole. */
static void add_nothing(Trireme__WasRead *message)
{
    message_free(message->vocabulary);
    message->vocabulary = NULL;
    for (size_t i = 0; i < message->n_tokenizer_files; i++)
        free(message->tokenizer_files[i].data);
    message->n_tokenizer_files = 0;
}

void base_tokenizer_add(Trireme__WasRead *message, const Trireme__Start *start,
                        const struct dataset *dataset)
{
    struct tokenizer_files files;
    struct err err;
    char *folder;
    if (is_known(dataset) || !find(&files, &folder, start))
        return;
    struct tokenizer *tokenizer = tokenizer_open(folder, &err);
    bool whole = tokenizer && tokenizer_vocab(tokenizer) <= start->config->model->vocab;
    if (whole) {
        Trireme__Vocabulary *vocabulary = message_new(&trireme__vocabulary__descriptor);
        message_free(message->vocabulary);
        message->vocabulary = vocabulary;
        vocabulary->digest = mem_new(DIGEST_HEX_SIZE, 1);
        digest_hex(vocabulary->digest, tokenizer_digest(tokenizer));
        vocabulary->has_end_of_text = tokenizer_end_of_text(tokenizer, &vocabulary->end_of_text);
        vocabulary->files = mem_new(files.n, sizeof *vocabulary->files);
        message->tokenizer_files = mem_new(files.n, sizeof *message->tokenizer_files);
        for (size_t i = 0; i < files.n && whole; i++)
            whole = add_file(message, &files.list[i]);
        if (!whole)
            add_nothing(message);
    }
    tokenizer_close(tokenizer);
    tokenizer_files_clear(&files);
    free(folder);
}
