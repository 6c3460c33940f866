#include "worker/model/embedding.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "worker/model/activations.h"
#include "worker/model/pass.h"

#include <string.h>

void embedding_init(struct embedding *embedding, const struct layout *layout,
                    const Trireme__Model *config)
{
    *embedding = (struct embedding){.width = config->width,
                                    .vocab = config->vocab,
                                    .context = config->context,
                                    .tied = config->tied,
                                    .has_position = config->arch == TRIREME__MODEL__ARCH__gpt2,
                                    .token = layout_find(layout, "embed.token.weight")->offset};
    if (embedding->has_position)
        embedding->position = layout_find(layout, "embed.position.weight")->offset;
}

void embedding_forward(const struct embedding *embedding, const struct pass *pass, float *x)
{
    const size_t C = embedding->width, T = pass->T;
    const float *token = pass->weights + embedding->token,
                *position = pass->weights + embedding->position;
    for (size_t i = 0; i < pass->B * T; i++) {
        const float *row = token + (size_t)pass->memory->inputs[i] * C;
        pass->kernels->add_rows(x + i * C, row,
                                embedding->has_position ? position + i % T * C : NULL, 1, C);
    }
}

void embedding_backward(const struct embedding *embedding, const struct pass *pass, const float *dx)
{
    const size_t C = embedding->width, T = pass->T;
    float *dtoken = pass->gradient + embedding->token,
          *dposition = pass->gradient + embedding->position;
    if (!embedding->tied)
        memset(dtoken, 0, embedding->vocab * C * sizeof *dtoken);
    for (size_t i = 0; i < pass->B * T; i++) {
        float *row = dtoken + (size_t)pass->memory->inputs[i] * C;
        pass->kernels->add_rows(row, row, dx + i * C, 1, C);
    }
    if (!embedding->has_position)
        return;
    memcpy(dposition, dx, T * C * sizeof *dx);
    memset(dposition + T * C, 0, (embedding->context - T) * C * sizeof *dposition);
    for (size_t b = 1; b < pass->B; b++)
        pass->kernels->add_rows(dposition, dposition, dx + b * T * C, 1, T * C);
}
