/* The layout of a model: one table of named tensors in one flat array of floats, cut into blocks.
 *
 * A matrix is stored as (rows = outputs, columns = inputs), row-major: y = x W^T. Fused matrices
 * keep their parts as whole rows: attn.qkv is q (heads*d rows), k (kv_heads*d), v (kv_heads*d);
 * llama's mlp.up is gate (ffn rows), then up. A block is whole rows of one tensor, at most about
 * BLOCK_ELEMENTS; blocks do not depend on the number of servers, so sums over blocks do not either.
 */
#pragma once
#include "config.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

enum { BLOCK_ELEMENTS = 65536, TENSOR_NAME_SIZE = 64 };

enum tensor_init { INIT_ZERO, INIT_ONE, INIT_NORMAL };

struct tensor {
    char name[TENSOR_NAME_SIZE]; /* "layers.3.attn.qkv.weight" */
    int n_dims;                  /* 1 or 2 */
    size_t rows, columns;        /* a vector has columns == 1 */
    enum tensor_init init;
    double std;      /* of INIT_NORMAL */
    bool decay;      /* weight decay: two dimensions */
    bool multiplies; /* takes part in a matrix product of every token */
    size_t offset;   /* first element in the flat array */
};

struct block {
    size_t tensor; /* index into tensors */
    size_t row, n_rows;
    size_t offset, count; /* elements in the flat array */
};

struct layout {
    size_t n_tensors, n_blocks, n_params;
    struct tensor *tensors;
    struct block *blocks;
};

/* Makes the table of a resolved model (model_shape_resolve). Freed by layout_free. Never NULL.
 * Local. */
struct layout *layout_new(const Trireme__Model *model);
void layout_free(struct layout *layout);

size_t tensor_count(const struct tensor *tensor); /* elements */

/* Whether two layouts have the same tensors, by name and shape. */
bool layout_equal(const struct layout *a, const struct layout *b);

/* Returns the tensor of that name; asserts that it exists. The name is a printf format:
 * layout_find(l, "layers.%d.norm1.weight", i). */
const struct tensor *layout_find(const struct layout *layout, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether there is a tensor of that name: a bias, or a head that is not tied. */
bool layout_has(const struct layout *layout, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
