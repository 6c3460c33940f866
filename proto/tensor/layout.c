#include "proto/tensor/layout.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/tensor/model_shape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table of one architecture is written once, with %d for the layer. A row whose `when` is false
 * is left out. */
struct row {
    bool when;
    const char *name;
    int n_dims;
    size_t rows, columns;
    enum tensor_init init;
    double std;
    bool multiplies;
};

static void table_add(struct layout *layout, const struct row *row, int layer)
{
    if (!row->when)
        return;
    struct tensor *t = &layout->tensors[layout->n_tensors++];
    *t = (struct tensor){.n_dims = row->n_dims,
                         .rows = row->rows,
                         .columns = row->n_dims == 2 ? row->columns : 1,
                         .init = row->init,
                         .std = row->std,
                         .decay = row->n_dims >= 2,
                         .multiplies = row->multiplies,
                         .offset = layout->n_params};
    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s", row->name);
    else
        snprintf(t->name, sizeof t->name, "layers.%d.%s", layer, row->name);
    layout->n_params += tensor_count(t);
}

static void add_blocks(struct layout *layout)
{
    size_t room = 0;
    for (size_t i = 0; i < layout->n_tensors; i++) {
        const struct tensor *t = &layout->tensors[i];
        size_t rows_a_block = BLOCK_ELEMENTS / t->columns ? BLOCK_ELEMENTS / t->columns : 1;
        for (size_t row = 0; row < t->rows; row += rows_a_block) {
            size_t n_rows = t->rows - row < rows_a_block ? t->rows - row : rows_a_block;
            layout->blocks =
                mem_grow(layout->blocks, layout->n_blocks, &room, sizeof *layout->blocks);
            layout->blocks[layout->n_blocks++] =
                (struct block){.tensor = i,
                               .row = row,
                               .n_rows = n_rows,
                               .offset = t->offset + row * t->columns,
                               .count = n_rows * t->columns};
        }
    }
}

struct layout *layout_new(const Trireme__Model *model)
{
    const size_t C = model->width, V = model->vocab, T = model->context, F = model->ffn;
    const size_t D = model_shape_head(model), A = model->heads * D, Q = A + 2 * model->kv_heads * D;
    const bool gpt2 = model->arch == TRIREME__MODEL__ARCH__gpt2;
    const bool attention_bias = gpt2 || model->attention_bias, mlp_bias = gpt2 || model->mlp_bias;
    const size_t U = gpt2 ? F : 2 * F;
    const double std = 0.02, residual = 0.02 / sqrt(2.0 * model->layers);
    // clang-format off
    const struct row first[] = {
        {true, "embed.token.weight",    2, V, C, INIT_NORMAL, std, model->tied},
        {gpt2, "embed.position.weight", 2, T, C, INIT_NORMAL, std, false},
    };
    const struct row layer[] = {
        {true,           "norm1.weight",     1, C, 1, INIT_ONE,    0,        false},
        {gpt2,           "norm1.bias",       1, C, 1, INIT_ZERO,   0,        false},
        {true,           "attn.qkv.weight",  2, Q, C, INIT_NORMAL, std,      true },
        {attention_bias, "attn.qkv.bias",    1, Q, 1, INIT_ZERO,   0,        false},
        {true,           "attn.out.weight",  2, C, A, INIT_NORMAL, residual, true },
        {attention_bias, "attn.out.bias",    1, C, 1, INIT_ZERO,   0,        false},
        {true,           "norm2.weight",     1, C, 1, INIT_ONE,    0,        false},
        {gpt2,           "norm2.bias",       1, C, 1, INIT_ZERO,   0,        false},
        {true,           "mlp.up.weight",    2, U, C, INIT_NORMAL, std,      true },
        {mlp_bias,       "mlp.up.bias",      1, U, 1, INIT_ZERO,   0,        false},
        {true,           "mlp.down.weight",  2, C, F, INIT_NORMAL, residual, true },
        {mlp_bias,       "mlp.down.bias",    1, C, 1, INIT_ZERO,   0,        false},
    };
    const struct row last[] = {
        {true,         "norm.weight", 1, C, 1, INIT_ONE,    0,   false},
        {gpt2,         "norm.bias",   1, C, 1, INIT_ZERO,   0,   false},
        {!model->tied, "head.weight", 2, V, C, INIT_NORMAL, std, true },
    };
    // clang-format on
    enum {
        N_FIRST = sizeof first / sizeof *first,
        N_LAYER = sizeof layer / sizeof *layer,
        N_LAST = sizeof last / sizeof *last,
    };
    struct layout *layout = mem_new(1, sizeof *layout);
    layout->tensors = mem_new(N_FIRST + N_LAYER * model->layers + N_LAST, sizeof *layout->tensors);
    for (size_t i = 0; i < N_FIRST; i++)
        table_add(layout, &first[i], -1);
    for (int l = 0; l < (int)model->layers; l++)
        for (size_t i = 0; i < N_LAYER; i++)
            table_add(layout, &layer[i], l);
    for (size_t i = 0; i < N_LAST; i++)
        table_add(layout, &last[i], -1);
    add_blocks(layout);
    return layout;
}

void layout_free(struct layout *layout)
{
    if (!layout)
        return;
    free(layout->tensors);
    free(layout->blocks);
    free(layout);
}

size_t tensor_count(const struct tensor *tensor)
{
    return tensor->rows * tensor->columns;
}

bool layout_equal(const struct layout *a, const struct layout *b)
{
    bool equal = a->n_tensors == b->n_tensors;
    for (size_t i = 0; equal && i < a->n_tensors; i++) {
        const struct tensor *t = &a->tensors[i], *u = &b->tensors[i];
        equal = !strcmp(t->name, u->name) && t->rows == u->rows && t->columns == u->columns;
    }
    return equal;
}

static const struct tensor *look(const struct layout *layout, const char *format, va_list args)
{
    char name[TENSOR_NAME_SIZE];
    vsnprintf(name, sizeof name, format, args);
    for (size_t i = 0; i < layout->n_tensors; i++)
        if (!strcmp(layout->tensors[i].name, name))
            return &layout->tensors[i];
    return NULL;
}

const struct tensor *layout_find(const struct layout *layout, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct tensor *tensor = look(layout, format, args);
    va_end(args);
    ASSERT(tensor);
    return tensor;
}

bool layout_has(const struct layout *layout, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct tensor *tensor = look(layout, format, args);
    va_end(args);
    return tensor;
}
