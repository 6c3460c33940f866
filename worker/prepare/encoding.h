/* How documents become tokens where a byte is not one: a tokenizer, what each thread needs to use
 * it, and the spool that the tokens wait in. */
#pragma once
#include "base/err.h"
#include "worker/prepare/token_spool.h"
#include "worker/tokenizer/tokenizer_files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encode_stream;
struct tokenizer;

struct encoding {
    struct tokenizer_files files;
    struct tokenizer *tokenizer;
    char *name; /* of the folder that the tokenizer is in */
    uint32_t vocab;
    bool ends; /* a token stands behind each document: */
    uint32_t end;
    struct encode_stream **streams; /* (jobs) */
    size_t jobs;
    struct token_spool spool;
};

/* path: of the tokenizer, as tokenizer_open takes it; out: the folder that is being made. On error
 * there is nothing to close. */
int encoding_open(struct encoding *encoding, const char *path, const char *out, size_t jobs,
                  struct err *err);
/* Copies the tokenizer's files into a folder. */
int encoding_copy_files(const struct encoding *encoding, const char *folder, struct err *err);
void encoding_close(struct encoding *encoding); /* accepts a zeroed one */
