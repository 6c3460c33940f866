#include "coordinator/train/step_result.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values that come in pieces, each once. */
struct row {
    size_t n, n_there;
    double *values;
    bool *there;
};

struct collect {
    struct row losses, squares;
};

static void row_init(struct row *row, size_t n)
{
    *row = (struct row){
        .n = n, .values = mem_new(n, sizeof(double)), .there = mem_new(n, sizeof(bool))};
}

static void row_begin(struct row *row)
{
    row->n_there = 0;
    memset(row->there, 0, row->n * sizeof *row->there);
}

static int row_take(struct row *row, const char *what, size_t first, const double *values, size_t n,
                    struct err *err)
{
    if (first > row->n || n > row->n - first)
        return err_set(err, ERR_MACHINE, "%s %zu to %zu came, of a step that has %zu", what, first,
                       first + n, row->n);
    for (size_t i = first; i < first + n; i++)
        if (row->there[i])
            return err_set(err, ERR_MACHINE, "%s %zu came twice", what, i);
    memcpy(row->values + first, values, n * sizeof *values);
    memset(row->there + first, 1, n * sizeof *row->there);
    row->n_there += n;
    return 0;
}

static double row_sum(const struct row *row)
{
    double sum = 0;
    for (size_t i = 0; i < row->n; i++)
        sum += row->values[i];
    return sum;
}

struct collect *collect_new(size_t n_leaves, size_t n_blocks)
{
    struct collect *c = mem_new(1, sizeof *c);
    row_init(&c->losses, n_leaves);
    row_init(&c->squares, n_blocks);
    return c;
}

void collect_free(struct collect *c)
{
    if (!c)
        return;
    free(c->losses.values);
    free(c->losses.there);
    free(c->squares.values);
    free(c->squares.there);
    free(c);
}

void collect_begin(struct collect *c)
{
    row_begin(&c->losses);
    row_begin(&c->squares);
}

int collect_losses(struct collect *c, size_t first_leaf, const double *sums, size_t n,
                   struct err *err)
{
    return row_take(&c->losses, "the loss of leaf", first_leaf, sums, n, err);
}

int collect_squares(struct collect *c, size_t first_block, const double *squares, size_t n,
                    struct err *err)
{
    return row_take(&c->squares, "the norm of block", first_block, squares, n, err);
}

bool collect_complete(const struct collect *c)
{
    return c->losses.n_there == c->losses.n && c->squares.n_there == c->squares.n;
}

double collect_loss(const struct collect *c)
{
    return row_sum(&c->losses);
}

double collect_norm(const struct collect *c)
{
    return sqrt(row_sum(&c->squares));
}
