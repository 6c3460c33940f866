#include "coordinator/train/step_result.h"

#include "base/mem.h"
#include "proto/config/run_config.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Values that arrive in pieces, each once. */
struct row {
    size_t n, n_there;
    double *values;
    bool *there;
};

struct step_result {
    struct row losses, squares;
    size_t not_finite; /* place of a weight; SIZE_MAX: none was noted */
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

struct step_result *step_result_new(size_t n_leaves, size_t n_blocks)
{
    struct step_result *c = mem_new(1, sizeof *c);
    row_init(&c->losses, n_leaves);
    row_init(&c->squares, n_blocks);
    return c;
}

void step_result_free(struct step_result *c)
{
    if (!c)
        return;
    free(c->losses.values);
    free(c->losses.there);
    free(c->squares.values);
    free(c->squares.there);
    free(c);
}

void step_result_begin(struct step_result *c)
{
    row_begin(&c->losses);
    row_begin(&c->squares);
    c->not_finite = SIZE_MAX;
}

int step_result_add_losses(struct step_result *c, size_t first_leaf, const double *sums, size_t n,
                           struct err *err)
{
    return row_take(&c->losses, "the loss of leaf", first_leaf, sums, n, err);
}

int step_result_add_squares(struct step_result *c, size_t first_block, const double *squares,
                            size_t n, struct err *err)
{
    return row_take(&c->squares, "the norm of block", first_block, squares, n, err);
}

void step_result_note_not_finite(struct step_result *c, size_t place)
{
    c->not_finite = place < c->not_finite ? place : c->not_finite;
}

bool step_result_not_finite(const struct step_result *c, size_t *place)
{
    if (c->not_finite == SIZE_MAX)
        return false;
    *place = c->not_finite;
    return true;
}

bool step_result_is_complete(const struct step_result *c)
{
    return c->losses.n_there == c->losses.n && c->squares.n_there == c->squares.n;
}

double step_result_loss(const struct step_result *c)
{
    return row_sum(&c->losses);
}

double step_result_norm(const struct step_result *c)
{
    return sqrt(row_sum(&c->squares));
}

int step_result_decide(Trireme__StepDecision *decision, Trireme__TrainLine *line,
                       const Trireme__Config *config, uint64_t step, double lr, double loss,
                       double norm, struct err *err)
{
    if (!isfinite(loss) || !isfinite(norm))
        return err_set(
            err, ERR_TRAIN,
            "step %llu: the loss is %g and the gradient's norm %g: training has diverged",
            (unsigned long long)step + 1, loss, norm);
    const double clip = config->optimizer->clip;
    trireme__step_decision__init(decision);
    decision->step = step;
    decision->lr = lr;
    decision->scale = clip > 0 && norm + 1e-6 > clip ? (float)(clip / (norm + 1e-6)) : 1;
    trireme__train_line__init(line);
    line->has_step = 1, line->step = step + 1;
    line->has_loss = 1, line->loss = loss;
    line->has_grad_norm = 1, line->grad_norm = norm;
    line->has_lr = 1, line->lr = decision->lr;
    line->has_tokens = 1, line->tokens = run_config_step_tokens(config);
    return 0;
}
