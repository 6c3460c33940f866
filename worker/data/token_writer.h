/* Writes one token file of 16-bit tokens in llm.c's format (token_file.h); its places can be
 * written in any order. */
#pragma once
#include "base/digest.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct token_writer {
    int fd; /* -1: closed */
    char *path;
    uint16_t *piece; /* (TOKEN_WRITER_PIECE) */
};

enum { TOKEN_WRITER_PIECE = 65536 };

/* Makes the file and writes its header. Fails with ERR_DATA if llm.c's header cannot hold n_tokens
 * (2^31 or more), with ERR_USAGE if the system refuses. On error there is nothing to clear. */
int token_writer_open(struct token_writer *writer, const char *path, uint64_t n_tokens,
                      struct err *err);

/* Writes bytes as tokens first .. first+n. */
int token_writer_put(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
                     size_t n, struct err *err);

/* Makes the file durable. */
int token_writer_sync(struct token_writer *writer, struct err *err);
void token_writer_clear(struct token_writer *writer);
