/* trireme sample: text from a checkpoint, in the tokens of its run: bytes, or those of the
 * tokenizer that the run keeps. */
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "launcher/commands/command.h"
#include "launcher/commands/draw.h"
#include "launcher/commands/kept_tokenizer.h"
#include "launcher/commands/loaded.h"
#include "math/kernels.h"
#include "worker/model/model.h"
#include "worker/tokenizer/decode_stream.h"
#include "worker/tokenizer/encoder.h"
#include "worker/tokenizer/tokenizer.h"

#include "command.pb-c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE_VOCAB = 256 };

/* Receives the text, the prompt first, in whole characters where there is a tokenizer. */
typedef void (*sample_take_fn)(void *context, const char *bytes, size_t n);

struct sampling {
    const Trireme__SampleRequest *request; /* borrowed */
    struct loaded loaded;
    struct tokenizer *tokenizer; /* NULL: a byte is a token */
    struct model *model;
    float *logits;
    struct token_ids ids; /* of the prompt, then of what was drawn */
    struct decode_stream decoding;
    struct text text; /* that has come out with the newest id */
};

static int check_bytes(const Trireme__Model *model, const char *prompt, struct err *err)
{
    if (model->vocab > BYTE_VOCAB)
        return err_set(err, ERR_USAGE,
                       "sample: found a vocabulary of %u and no tokenizer in RUN/tokenizer, "
                       "expected its files there, or bytes (at most %d)",
                       model->vocab, BYTE_VOCAB);
    for (const char *at = prompt; *at; at++)
        if ((unsigned char)*at >= model->vocab)
            return err_set(err, ERR_USAGE,
                           "--prompt: found byte %u, expected bytes below the vocabulary of %u",
                           (unsigned char)*at, model->vocab);
    return 0;
}

static void add_id(struct sampling *s, uint32_t id)
{
    s->ids.ids = mem_grow(s->ids.ids, s->ids.n, &s->ids.room, sizeof *s->ids.ids);
    s->ids.ids[s->ids.n++] = id;
}

/* The prompt as ids. Names of special tokens in it are these tokens. */
static int read_prompt(struct sampling *s, struct err *err)
{
    const char *prompt = s->request->prompt;
    const Trireme__Model *model = s->loaded.manifest->config->model;
    if (!prompt[0])
        return err_set(err, ERR_USAGE,
                       "--prompt: found '', expected at least one byte to go on from");
    if (!s->tokenizer) {
        for (const char *at = prompt; *at; at++)
            add_id(s, (unsigned char)*at);
        return check_bytes(model, prompt, err);
    }
    struct encoder *encoder = encoder_new(s->tokenizer);
    int rc = encoder_encode(encoder, &s->ids, prompt, strlen(prompt), true, err);
    encoder_free(encoder);
    for (size_t i = 0; i < s->ids.n && rc == 0; i++)
        if (s->ids.ids[i] >= model->vocab)
            rc = err_set(err, ERR_DATA,
                         "--prompt: token %zu is %u, expected one below the model's vocabulary of "
                         "%u",
                         i, s->ids.ids[i], model->vocab);
    return rc;
}

static int open_sampling(struct sampling *s, struct err *err)
{
    char *folder = NULL;
    if (loaded_open(&s->loaded, s->request->checkpoint, false, err) < 0 ||
        kept_tokenizer_open(&s->tokenizer, &folder, s->loaded.folder, err) < 0)
        return -1;
    free(folder);
    if (read_prompt(s, err) < 0)
        return -1;
    const Trireme__Model *model = s->loaded.manifest->config->model;
    const size_t n = s->ids.n + s->request->tokens,
                 longest = n < model->context ? n : model->context;
    s->model = model_new_sized(model, s->loaded.layout, kernels_best(), longest, longest);
    s->logits = mem_floats(model->vocab);
    return 0;
}

static void close_sampling(struct sampling *s)
{
    decode_stream_clear(&s->decoding);
    text_clear(&s->text);
    free(s->ids.ids);
    free(s->logits);
    model_free(s->model);
    tokenizer_close(s->tokenizer);
    loaded_close(&s->loaded);
}

/* Draws the next id. */
static uint32_t draw(struct sampling *s)
{
    const Trireme__SampleRequest *r = s->request;
    const Trireme__Model *model = s->loaded.manifest->config->model;
    const size_t n = s->ids.n, seen = n < model->context ? n : model->context;
    int32_t *tokens = mem_new(seen, sizeof *tokens);
    for (size_t i = 0; i < seen; i++)
        tokens[i] = (int32_t)s->ids.ids[n - seen + i];
    model_logits(s->model, s->logits, s->loaded.weights, tokens, seen);
    free(tokens);
    for (uint32_t i = 0; s->tokenizer && i < model->vocab; i++)
        if (!tokenizer_has(s->tokenizer, i)) // a model may have more rows than there are tokens
            s->logits[i] = -INFINITY;
    return (uint32_t)draw_token(s->logits, model->vocab, r->temperature, r->top_k,
                                random_uniform(r->seed, n));
}

/* Writes all text: the prompt as it was given, then what is drawn, up to the end of a text. */
static int sample(const Trireme__SampleRequest *request, sample_take_fn take, void *context,
                  struct err *err)
{
    struct sampling s = {.request = request};
    int rc = open_sampling(&s, err);
    uint32_t end = 0;
    const bool ends = s.tokenizer && tokenizer_end_of_text(s.tokenizer, &end);
    if (rc == 0)
        take(context, request->prompt, strlen(request->prompt));
    for (uint32_t i = 0; i < request->tokens && rc == 0; i++) {
        const uint32_t id = draw(&s);
        if (ends && id == end)
            break;
        add_id(&s, id);
        const char byte = (char)id;
        s.text.size = 0;
        if (!s.tokenizer)
            take(context, &byte, 1);
        else if ((rc = decode_stream_add(&s.decoding, &s.text, s.tokenizer, id, err)) == 0 &&
                 s.text.size)
            take(context, s.text.bytes, s.text.size);
    }
    close_sampling(&s);
    return rc;
}

static void add_text(void *context, const char *bytes, size_t n)
{
    text_add_bytes(context, bytes, n);
}

int command_sample(const void *request, void *reply, struct err *err)
{
    Trireme__SampleReply *out = reply;
    struct text text = {0};
    const int rc = sample(request, add_text, &text, err);
    if (rc == 0) {
        out->has_text = 1;
        out->text.len = text.size;
        out->text.data = (uint8_t *)text_take(&text);
    }
    text_clear(&text);
    return rc;
}

static void write_text(void *context, const char *bytes, size_t n)
{
    fwrite(bytes, 1, n, context);
    fflush(context);
}

int speak_sample(const void *request, struct err *err)
{
    const int rc = sample(request, write_text, stdout, err);
    if (rc == 0)
        putchar('\n');
    return rc;
}
