/* Two arms at the steps that both have. On the same samples their losses share most of their noise,
 * so the mean of the differences has a standard error of its own. Pure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct curve_step;

struct compared {
    size_t n;             /* steps in common; below 2 the numbers behind it are not written */
    size_t n_other;       /* steps of that number in both, but of another size: no step in common */
    uint64_t from, to;    /* the first and the last in common */
    uint64_t step_tokens; /* of the last */
    double lead, error;   /* loss of b less that of a: mean, standard error */
    double last_lead, last_error; /* of the last n_last */
    size_t n_last;
};

/* Compares the steps of two arms, each in ascending order. last: of the last steps at most so many.
 */
struct compared compare_steps(const struct curve_step *a, size_t n_a, const struct curve_step *b,
                              size_t n_b, size_t last);
