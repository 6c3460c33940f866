#include "launcher/commands/draw.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

struct candidate {
    double logit;
    int32_t token;
};

static int likelier_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return x->token < y->token ? -1 : x->token > y->token;
}

int32_t draw_token(const float *logits, size_t n, double temperature, size_t top_k, double u)
{
    struct candidate *c = mem_new(n, sizeof *c);
    for (size_t i = 0; i < n; i++)
        c[i] = (struct candidate){.logit = (double)logits[i], .token = (int32_t)i};
    qsort(c, n, sizeof *c, likelier_first);
    size_t kept = top_k && top_k < n ? top_k : n;
    kept = temperature > 0 ? kept : 1;
    double sum = 0, at = 0;
    for (size_t i = 0; i < kept; i++)
        sum += exp(temperature > 0 ? (c[i].logit - c[0].logit) / temperature : 0);
    int32_t token = c[kept - 1].token;
    for (size_t i = 0; i < kept; i++) {
        at += exp(temperature > 0 ? (c[i].logit - c[0].logit) / temperature : 0) / sum;
        if (u < at) {
            token = c[i].token;
            break;
        }
    }
    free(c);
    return token;
}
