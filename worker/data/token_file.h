/* Token files, mapped for reading.
 *
 * llm.c:    256 little-endian int32 (magic, version, number of tokens, zeros), then the tokens:
 *               magic 20240520, version 1: uint16     magic 20240801, version 7: uint32
 *           The file is exactly as long as its header says (llmc/dataloader.h).
 * NumPy, Megatron: format_npy.h, format_megatron.h. They are known by their own marks and read as
 *           what they are, whether `format: auto` or `format: nanogpt` is said.
 * nanoGPT:  the tokens and nothing else, 16 bits each; 32 where the vocabulary is above 65,536,
 *           which 16 bits cannot count. They cannot be told from noise, so such a file is opened
 *           only where the configuration says so. What is certainly something else (recognise.h) is
 *           refused, and so is a file of which each second 16-bit token is 0: it has 32 bits.
 *
 * Nothing outside the map is read, whatever the file holds. If another process truncates a file
 * while it is mapped, ours ends with SIGBUS; so token files are written once and then renamed. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "config.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum {
    TOKEN_HEADER_BYTES = 1024,
    TOKEN_MAGIC_16 = 20240520,
    TOKEN_VERSION_16 = 1,
    TOKEN_MAGIC_32 = 20240801,
    TOKEN_VERSION_32 = 7
};

struct token_file {
    char *path;
    struct file_map map;
    const unsigned char *tokens; /* borrowed from the map; not aligned */
    uint64_t n_tokens;           /* at least one */
    size_t width;                /* bytes of a token: 1, 2, 4 or 8 */
    const char *format;          /* what it was read as, in words */
};

/* vocab: the model's; it decides the width of a headerless file. On error (ERR_DATA) the file is as
 * after token_file_close. */
int token_file_open_for(struct token_file *file, const char *path, Trireme__Source__Format format,
                        size_t vocab, struct err *err);

/* The same for a vocabulary of 16 bits. */
int token_file_open(struct token_file *file, const char *path, Trireme__Source__Format format,
                    struct err *err);
void token_file_close(struct token_file *file); /* accepts a zeroed one */

/* Writes tokens first .. first+n, which must lie in the file. Fails with ERR_DATA if one is not
 * below vocab; the sentence gives file, place, token, vocab. */
int token_file_read(const struct token_file *file, int32_t *tokens, uint64_t first, size_t n,
                    size_t vocab, struct err *err);

/* Digest of the size and the first and last 4096 bytes: tells whether two ranks see the same file,
 * without reading all of it. */
struct digest token_file_digest(const struct token_file *file);
