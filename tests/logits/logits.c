/* logits FOLDER TOKENS OUT N...: reads a Hugging Face folder as a training does and writes, for
 * each N, the logits after the first N tokens: rows of float32. TOKENS holds int32 numbers. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "math/kernels.h"
#include "proto/file/hugging_face.h"
#include "proto/file/hugging_face_config.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "worker/model/model.h"

#include "config.pb-c.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the longest of the wanted prefixes; 0 if one is none. */
static size_t longest_of(char *const *words, int n_words, size_t n_tokens)
{
    size_t longest = 0;
    for (int i = 0; i < n_words; i++) {
        const size_t n = strtoull(words[i], NULL, 10);
        if (n == 0 || n > n_tokens)
            return 0;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static int write_logits(const char *out, const Trireme__Model *config, const struct layout *layout,
                        const float *weights, const int32_t *tokens, size_t longest,
                        char *const *words, int n_words, struct err *err)
{
    const size_t V = config->vocab;
    float *rows = mem_floats((size_t)n_words * V);
    struct model *model = model_new_sized(config, layout, kernels_best(), longest, longest);
    for (int i = 0; i < n_words; i++)
        model_logits(model, rows + (size_t)i * V, weights, tokens, strtoull(words[i], NULL, 10));
    int rc = file_write_atomic(out, rows, (size_t)n_words * V * sizeof *rows, ERR_USAGE, err);
    model_free(model);
    free(rows);
    return rc;
}

static int logits(const char *folder, const char *tokens_path, const char *out, char *const *words,
                  int n_words, struct err *err)
{
    size_t size = 0;
    char *bytes = file_read(tokens_path, &size, ERR_USAGE, err);
    Trireme__Model *config = message_new(&trireme__model__descriptor);
    int rc = bytes ? hugging_face_shape(config, folder, err) : -1;
    size_t longest = bytes ? longest_of(words, n_words, size / sizeof(int32_t)) : 0;
    if (rc == 0 && (longest == 0 || longest > config->context))
        rc = err_set(err, ERR_USAGE, "N: expected numbers of tokens up to those of %s and to %u",
                     tokens_path, config->context);
    struct layout *layout = rc == 0 ? layout_new(config) : NULL;
    float *weights = layout ? mem_floats(layout->n_params) : NULL;
    if (rc == 0)
        rc = hugging_face_read(folder, config, layout, 0, layout->n_params, weights, err);
    if (rc == 0)
        rc = write_logits(out, config, layout, weights, (const int32_t *)(void *)bytes, longest,
                          words, n_words, err);
    free(weights);
    layout_free(layout);
    message_free(config);
    free(bytes);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc < 5) {
        fputs("usage: logits FOLDER TOKENS OUT N...\n", stderr);
        return ERR_USAGE;
    }
    if (logits(argv[1], argv[2], argv[3], argv + 4, argc - 4, &err) == 0)
        return 0;
    fprintf(stderr, "logits: %s\n", err.text);
    return (int)err.code;
}
