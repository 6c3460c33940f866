#include "worker/base_tokenizer.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
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

static char *compare(const char *folder, const Trireme__Vocabulary *vocabulary)
{
    struct err err;
    char hex[DIGEST_HEX_SIZE];
    struct tokenizer *tokenizer = tokenizer_open(folder, &err);
    if (!tokenizer)
        return mem_format("note: the tokenizer of init.from cannot be compared with the data's: %s",
                          err.text);
    digest_hex(hex, tokenizer_digest(tokenizer));
    tokenizer_close(tokenizer);
    if (vocabulary && !strcmp(hex, vocabulary->digest))
        return NULL;
    return mem_format("warning: the data's tokens are not those of the model in init.from: found a "
                      "tokenizer of digest %s in %s, expected the data's %s%s",
                      hex, folder, vocabulary ? "of " : "bytes",
                      vocabulary ? vocabulary->digest : "");
}

char *base_tokenizer_note(const Trireme__Start *start, const struct dataset *dataset)
{
    const char *from = start->config->init->from, *data_folder;
    if (start->checkpoint || !from || !from[0] || !is_known(dataset))
        return NULL;
    struct tokenizer_files files;
    struct err none; // many folders of weights have no tokenizer
    char *folder = folder_of(from), *note = NULL;
    if (file_is_dir(folder) && tokenizer_files_find(&files, folder, &none) == 0) {
        tokenizer_files_clear(&files);
        note = compare(folder, dataset_vocabulary(dataset, &data_folder));
    }
    free(folder);
    return note;
}
