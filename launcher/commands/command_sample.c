/* trireme sample: text from a checkpoint, one byte at a time. */
#include "base/mem.h"
#include "base/random.h"
#include "launcher/commands/command.h"
#include "launcher/commands/draw.h"
#include "launcher/commands/loaded.h"
#include "math/kernels.h"
#include "worker/model/model.h"

#include "command.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_VOCAB = 256 };

static int check(const Trireme__Model *model, const Trireme__SampleRequest *r, struct err *err)
{
    if (model->vocab > BYTE_VOCAB)
        return err_set(err, ERR_USAGE,
                       "sample: found a vocabulary of %u, expected bytes (at most %d)",
                       model->vocab, BYTE_VOCAB);
    if (!r->prompt[0])
        return err_set(err, ERR_USAGE,
                       "--prompt: found '', expected at least one byte to go on from");
    for (const char *at = r->prompt; *at; at++)
        if ((unsigned char)*at >= model->vocab)
            return err_set(err, ERR_USAGE,
                           "--prompt: found byte %u, expected bytes below the vocabulary of %u",
                           (unsigned char)*at, model->vocab);
    return 0;
}

int command_sample(const void *request, void *reply, struct err *err)
{
    const Trireme__SampleRequest *r = request;
    Trireme__SampleReply *out = reply;
    struct loaded loaded = {0};
    if (loaded_open(&loaded, r->checkpoint, false, err) < 0)
        return -1;
    const Trireme__Model *config = loaded.manifest->config->model;
    if (check(config, r, err) < 0) {
        loaded_close(&loaded);
        return -1;
    }
    size_t n_prompt = strlen(r->prompt), n = n_prompt + r->tokens,
           longest = n < config->context ? n : config->context;
    struct model *model = model_new_sized(config, loaded.layout, kernels_best(), longest, longest);
    int32_t *tokens = mem_new(n, sizeof *tokens);
    float *logits = mem_floats(config->vocab);
    for (size_t i = 0; i < n_prompt; i++)
        tokens[i] = (unsigned char)r->prompt[i];
    for (size_t i = n_prompt; i < n; i++) {
        size_t seen = i < config->context ? i : config->context;
        model_logits(model, logits, loaded.weights, tokens + i - seen, seen);
        tokens[i] =
            draw_token(logits, config->vocab, r->temperature, r->top_k, random_uniform(r->seed, i));
    }
    out->has_text = 1;
    out->text.len = n;
    out->text.data = mem_new(n, 1);
    for (size_t i = 0; i < n; i++)
        out->text.data[i] = (uint8_t)tokens[i];
    free(logits);
    free(tokens);
    model_free(model);
    loaded_close(&loaded);
    return 0;
}

void print_sample(const void *reply)
{
    const Trireme__SampleReply *r = reply;
    fwrite(r->text.data, 1, r->text.len, stdout);
    putchar('\n');
}
