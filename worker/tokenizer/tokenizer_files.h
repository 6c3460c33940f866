/* The files of a tokenizer: those that give its ids, and those that go with it in folders of
 * transformers. It is kept elsewhere by copying all of them under their names. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { TOKENIZER_FILES_MOST = 8 };

struct tokenizer_files {
    struct tokenizer_path {
        const char *name; /* to be kept under; a constant */
        char *path;       /* where it is */
    } list[TOKENIZER_FILES_MOST];
    size_t n;
    bool is_pair; /* the first two are a vocabulary and merges; else the first is tokenizer.json */
};

/* path: a folder, or a file like tokenizer.json. Of what gives ids the first is taken that is
 * there: tokenizer.json, vocab.json and merges.txt, encoder.json and vocab.bpe (kept under the
 * names of the pair before). ERR_USAGE where there is none. On error there is nothing to clear. */
int tokenizer_files_find(struct tokenizer_files *files, const char *path, struct err *err);
void tokenizer_files_clear(struct tokenizer_files *files);

/* The path of the file of that name; NULL: there is none. Borrowed. */
const char *tokenizer_files_path(const struct tokenizer_files *files, const char *name);
