#include "worker/prepare/encoding.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/path.h"
#include "worker/tokenizer/encode_stream.h"
#include "worker/tokenizer/tokenizer.h"

#include <stdlib.h>

/* The base name of the folder, links and "." resolved. */
static char *name_of(const char *path)
{
    char *folder = file_is_dir(path) ? mem_strdup(path) : path_parent(path),
         *real = realpath(folder, NULL), *name = path_base_name(real ? real : folder);
    free(real);
    free(folder);
    return name;
}

int encoding_open(struct encoding *encoding, const char *path, const char *out, size_t jobs,
                  struct err *err)
{
    *encoding = (struct encoding){.jobs = jobs};
    if (tokenizer_files_find(&encoding->files, path, err) < 0 ||
        !(encoding->tokenizer = tokenizer_open(path, err)) ||
        token_spool_open(&encoding->spool, out, err) < 0) {
        encoding_close(encoding);
        return -1;
    }
    encoding->name = name_of(path);
    encoding->vocab = tokenizer_vocab(encoding->tokenizer);
    encoding->ends = tokenizer_end_of_text(encoding->tokenizer, &encoding->end);
    encoding->streams = mem_new(jobs, sizeof *encoding->streams);
    for (size_t i = 0; i < jobs; i++)
        encoding->streams[i] = encode_stream_new(encoding->tokenizer);
    return 0;
}

int encoding_copy_files(const struct encoding *encoding, const char *folder, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < encoding->files.n && rc == 0; i++) {
        size_t size;
        char *bytes = file_read(encoding->files.list[i].path, &size, ERR_DATA, err),
             *path = file_join(folder, encoding->files.list[i].name);
        rc = bytes ? file_write_atomic(path, bytes, size, ERR_USAGE, err) : -1;
        free(path);
        free(bytes);
    }
    return rc;
}

void encoding_close(struct encoding *encoding)
{
    for (size_t i = 0; encoding->streams && i < encoding->jobs; i++)
        encode_stream_free(encoding->streams[i]);
    free(encoding->streams);
    token_spool_close(&encoding->spool);
    tokenizer_close(encoding->tokenizer);
    tokenizer_files_clear(&encoding->files);
    free(encoding->name);
    *encoding = (struct encoding){0};
}
