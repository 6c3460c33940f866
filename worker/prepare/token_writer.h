/* Writes tokens in llm.c's format (token_file.h), of 16 bits or of 32, at any place first, into as
 * many files as they need: NAME_000000.bin, NAME_000001.bin .., each but the last of `file_tokens`
 * tokens. llm.c's header holds no more than 2^31 - 1. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { TOKEN_WRITER_PIECE = 65536, TOKEN_WRITER_FILE_TOKENS = 1000000000 };

struct token_writer {
    char *folder, *name;
    char *shown;                    /* folder in sentences: where the files will stand */
    uint64_t n_tokens, file_tokens; /* of all files; of one */
    int fd;                         /* -1: none is open */
    size_t file;                    /* that is open */
    size_t width;                   /* bytes of a token: 2 or 4 */
    void *piece;                    /* (TOKEN_WRITER_PIECE * width) */
};

/* Bytes of a token of a vocabulary: 2, or 4 above 65,536. */
size_t token_writer_width(size_t vocab);
/* Number of files; 0 for no tokens. */
size_t token_writer_files(uint64_t n_tokens, uint64_t file_tokens);
/* Tokens of one of them. */
uint64_t token_writer_tokens(uint64_t n_tokens, uint64_t file_tokens, size_t file);
/* Its name in fresh memory. */
char *token_writer_name(const char *name, size_t file);

/* Makes the files in the folder, each with its header. file_tokens: 1 to INT32_MAX; width: of
 * token_writer_width. ERR_USAGE where the system refuses. On error there is nothing to
 * clear; files may have been made. */
int token_writer_open(struct token_writer *writer, const char *folder, const char *shown,
                      const char *name, uint64_t n_tokens, uint64_t file_tokens, size_t width,
                      struct err *err);

/* A second writer of the files of `other`, which stays open, for another thread. */
void token_writer_join(struct token_writer *writer, const struct token_writer *other);

/* Writes bytes, or ids that the width holds, as tokens first .. first+n. */
int token_writer_put_bytes(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
                           size_t n, struct err *err);
int token_writer_put_ids(struct token_writer *writer, uint64_t first, const uint32_t *ids, size_t n,
                         struct err *err);

/* Makes the files durable. */
int token_writer_sync(struct token_writer *writer, struct err *err);
void token_writer_clear(struct token_writer *writer); /* accepts a zeroed one */
