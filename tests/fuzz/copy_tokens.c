/* Reads token files as a training would, and writes their tokens as little-endian int32: lines
 * "FORMAT<tab>VOCAB<tab>FROM<tab>TO" on standard input; for each a line "0", or the exit code and
 * the sentence. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "worker/data/token_file.h"

#include "config.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 4 };

static int copy_tokens(char *const words[WORDS], struct err *err)
{
    const Trireme__Source__Format format = !strcmp(words[0], "auto")
                                               ? TRIREME__SOURCE__FORMAT__auto
                                               : TRIREME__SOURCE__FORMAT__nanogpt;
    const size_t vocab = strtoull(words[1], NULL, 10);
    struct token_file file;
    if (token_file_open_for(&file, words[2], format, vocab, err) < 0)
        return -1;
    int32_t *tokens = mem_new(file.n_tokens, sizeof *tokens);
    int rc = token_file_read(&file, tokens, 0, file.n_tokens, vocab, err);
    if (rc == 0)
        rc = file_write_atomic(words[3], tokens, file.n_tokens * sizeof *tokens, ERR_USAGE, err);
    free(tokens);
    token_file_close(&file);
    return rc;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *words[WORDS], *rest = NULL;
        for (int i = 0; i < WORDS; i++)
            if (!(words[i] = strtok_r(i ? NULL : line, "\t\n", &rest)))
                return ERR_USAGE;
        struct err err = {0};
        if (copy_tokens(words, &err) < 0)
            printf("%d %s\n", (int)err.code, err.text);
        else
            puts("0");
        fflush(stdout);
    }
    free(line);
    return 0;
}
