#include "worker/model/head.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "worker/model/activations.h"
#include "worker/model/pass.h"

void head_init(struct head *head, const struct layout *layout, const Trireme__Model *config)
{
    const char *name = config->tied ? "embed.token.weight" : "head.weight";
    *head = (struct head){.width = config->width,
                          .vocab = config->vocab,
                          .weight = layout_find(layout, "%s", name)->offset};
}

/* Writes logits (rows, V) of x (rows, C). */
static void multiply(const struct head *head, const struct pass *pass, float *logits,
                     const float *x, size_t rows)
{
    const size_t C = head->width, V = head->vocab;
    pass->kernels->gemm(false, true, rows, V, C, 1, x, C, pass->weights + head->weight, C, 0,
                        logits, V);
}

double head_loss(const struct head *head, const struct pass *pass)
{
    const struct activations *memory = pass->memory;
    const size_t N = pass->B * pass->T;
    double loss = 0;
    for (size_t first = 0; first < N; first += memory->head_rows) {
        const size_t rows = N - first < memory->head_rows ? N - first : memory->head_rows;
        multiply(head, pass, memory->logits, memory->norm + first * head->width, rows);
        loss += pass->kernels->cross_entropy(NULL, memory->logits, memory->targets + first, rows,
                                             head->vocab, 0);
    }
    return loss;
}

double head_loss_backward(const struct head *head, const struct pass *pass, float scale)
{
    const struct kernels *k = pass->kernels;
    const struct activations *memory = pass->memory;
    const size_t N = pass->B * pass->T, C = head->width, V = head->vocab;
    const float *weight = pass->weights + head->weight;
    float *dweight = pass->gradient + head->weight, *logits = memory->logits;
    double loss = 0;
    for (size_t first = 0; first < N; first += memory->head_rows) {
        const size_t rows = N - first < memory->head_rows ? N - first : memory->head_rows;
        const float *x = memory->norm + first * C;
        multiply(head, pass, logits, x, rows);
        loss += k->cross_entropy(logits, logits, memory->targets + first, rows, V, scale);
        k->gemm(true, false, V, C, rows, 1, logits, V, x, C, first ? 1 : 0, dweight, C);
        k->gemm(false, false, rows, C, V, 1, logits, V, weight, C, 0, memory->dbranch + first * C,
                C);
    }
    return loss;
}

void head_logits(const struct head *head, const struct pass *pass, float *logits, const float *x)
{
    multiply(head, pass, logits, x, 1);
}
