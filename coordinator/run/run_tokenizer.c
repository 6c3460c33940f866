#include "coordinator/run/run_tokenizer.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *run_tokenizer_folder(const char *run)
{
    return file_join(run, "tokenizer");
}

static int check(const Trireme__Vocabulary *vocabulary, const ProtobufCBinaryData *files,
                 size_t n_files, struct err *err)
{
    if (n_files != vocabulary->n_files)
        return err_set(err, ERR_MACHINE, "found %zu files of the tokenizer, expected %zu", n_files,
                       vocabulary->n_files);
    for (size_t i = 0; i < n_files; i++) {
        const Trireme__TokenizerFile *file = vocabulary->files[i];
        char hex[DIGEST_HEX_SIZE];
        digest_hex(hex, digest_of(files[i].data, files[i].len));
        if (!file->file || !file->file[0] || file->file[0] == '.' || strchr(file->file, '/') ||
            !file->digest || strcmp(file->digest, hex))
            return err_set(err, ERR_MACHINE,
                           "found a file of the tokenizer of digest %s, expected '%s' of %s", hex,
                           file->file ? file->file : "", file->digest ? file->digest : "none");
    }
    return 0;
}

static int write_files(const char *folder, const Trireme__Vocabulary *vocabulary,
                       const ProtobufCBinaryData *files, struct err *err)
{
    int rc = file_make_dirs(folder, ERR_TRAIN, err);
    for (size_t i = 0; i < vocabulary->n_files && rc == 0; i++) {
        char *path = file_join(folder, vocabulary->files[i]->file);
        rc = file_write_atomic(path, files[i].data, files[i].len, ERR_TRAIN, err);
        free(path);
    }
    return rc;
}

int run_tokenizer_write(const char *run, const Trireme__Vocabulary *vocabulary,
                        const ProtobufCBinaryData *files, size_t n_files, struct err *err)
{
    char *folder = run_tokenizer_folder(run), *new = file_join(run, ".tokenizer.new");
    int rc = check(vocabulary, files, n_files, err);
    if (rc == 0)
        rc = file_remove_tree(new, ERR_TRAIN, err);
    if (rc == 0)
        rc = write_files(new, vocabulary, files, err);
    if (rc == 0)
        rc = file_remove_tree(folder, ERR_TRAIN, err);
    if (rc == 0 && rename(new, folder) < 0)
        rc = err_set(err, ERR_TRAIN, "%s: cannot rename into place: %s", folder, strerror(errno));
    if (rc == 0)
        rc = file_sync_dir(run, ERR_TRAIN, err);
    free(new);
    free(folder);
    return rc;
}
