/* What the gate promises, measured: whole campaigns on drawn gains, judged by coordinator/gate as a
 * run judges them.
 *
 * Prints a table and fails if a promise is broken, or if a rule that is known to be bad is not
 * convicted by the same harness. Everything follows from fixed seeds: the numbers are the same each
 * time. Not a model of training: gains are drawn, of one sd, independent from pair to pair unless a
 * row says otherwise. */
#include "coordinator/gate/gate.h"
#include "tests/sim/noise.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { HYPOTHESES = 10, CAMPAIGNS = 4000, TRIED = 40000 };
static const double ALPHA = 0.10, BETA = 0.10, FIRST_ALPHA = 0.01;

/* A rule: its answer after n pairs. */
typedef enum gate_answer (*rule_fn)(const double *x, unsigned n, double alpha);

static enum gate_answer rule_gate(const double *x, unsigned n, double alpha)
{
    static const double w[PAIRS] = {0};
    return gate_judge(x, w, n, PAIRS, alpha, BETA).answer;
}

static enum gate_answer rule_keep_if_lower(const double *x, unsigned n, double alpha)
{
    (void)n, (void)alpha;
    return x[0] > 0 ? GATE_PROMOTE : GATE_REJECT;
}

/* The gate's own test, but the whole budget is spent after each pair. */
static enum gate_answer rule_peeking(const double *x, unsigned n, double alpha)
{
    static const double w[PAIRS] = {0};
    if (n >= 2 && gate_tail(gate_judge(x, w, n, PAIRS, alpha, BETA).t, n - 1) <= alpha)
        return GATE_PROMOTE;
    return n < PAIRS ? GATE_OPEN : GATE_INCONCLUSIVE;
}

/* Pairs used; whether the rule promoted. */
static unsigned try_gains(bool *promoted, rule_fn rule, const double x[PAIRS], double alpha)
{
    enum gate_answer answer = GATE_OPEN;
    unsigned n = 0;
    while (answer == GATE_OPEN)
        answer = rule(x, ++n, alpha);
    *promoted = answer == GATE_PROMOTE;
    return n;
}

struct power {
    double promoted, pairs; /* share; mean */
};

static struct power measure_power(uint64_t row, draw_fn draw, double gain)
{
    struct noise noise = noise_of(row);
    size_t promotions = 0, pairs = 0;
    for (size_t i = 0; i < TRIED; i++) {
        double x[PAIRS];
        bool promoted;
        draw(x, &noise);
        for (unsigned j = 0; j < PAIRS; j++)
            x[j] += gain;
        pairs += try_gains(&promoted, rule_gate, x, FIRST_ALPHA);
        promotions += promoted;
    }
    return (struct power){(double)promotions / TRIED, (double)pairs / TRIED};
}

struct campaigns {
    rule_fn rule;
    bool shared;    /* all hypotheses at once, beside one trunk, whose noise is half of each gain's
                       variance */
    unsigned gains; /* bit h: hypothesis h gains 2 sd; the others nothing */
};

struct outcome {
    double any;   /* share of campaigns with a false promotion */
    double rate;  /* false promotions per null */
    double fdr;   /* mean share of false ones among a campaign's promotions */
    double pairs; /* per null */
};

static void campaign_run(struct outcome *sums, const struct campaigns *c, struct noise *noise)
{
    unsigned promotions = 0, nulls = 0, wrong = 0;
    size_t pairs = 0;
    double trunk[PAIRS];
    if (c->shared)
        draw_normal(trunk, noise);
    for (unsigned h = 0; h < HYPOTHESES; h++) {
        double x[PAIRS];
        bool promoted, is_null = !(c->gains >> h & 1);
        draw_normal(x, noise);
        for (unsigned j = 0; j < PAIRS; j++)
            x[j] = (c->shared ? (trunk[j] + x[j]) * sqrt(0.5) : x[j]) + (is_null ? 0 : 2);
        // those that are in flight together were registered before any promotion
        double alpha = gate_alpha(ALPHA, HYPOTHESES, c->shared ? 0 : promotions);
        unsigned n = try_gains(&promoted, c->rule, x, alpha);
        promotions += promoted;
        if (is_null) {
            nulls++;
            wrong += promoted;
            pairs += n;
        }
    }
    sums->any += wrong > 0;
    sums->rate += (double)wrong / nulls;
    sums->fdr += promotions > 0 ? (double)wrong / promotions : 0;
    sums->pairs += (double)pairs / nulls;
}

static struct outcome measure_campaigns(uint64_t row, struct campaigns c)
{
    struct noise noise = noise_of(row);
    struct outcome o = {0};
    for (unsigned i = 0; i < CAMPAIGNS; i++)
        campaign_run(&o, &c, &noise);
    return (struct outcome){o.any / CAMPAIGNS, o.rate / CAMPAIGNS, o.fdr / CAMPAIGNS,
                            o.pairs / CAMPAIGNS};
}

static unsigned n_broken;

static const char *verdict(bool holds, const char *word)
{
    n_broken += !holds;
    return holds ? word : "BROKEN";
}

static bool promised(double share)
{
    return wilson(share, CAMPAIGNS).high <= ALPHA;
}

static void print_campaigns(const char *name, const struct outcome *o, const char *says)
{
    struct interval any = wilson(o->any, CAMPAIGNS);
    printf("%-44s %6.3f [%.3f, %.3f]  %7.4f  %6.3f  %5.2f  %s\n", name, o->any, any.low, any.high,
           o->rate, o->fdr, o->pairs, says);
}

static void table_of_campaigns(void)
{
    printf("%d campaigns of %d hypotheses, alpha %.2f\n", CAMPAIGNS, HYPOTHESES, ALPHA);
    printf("%-44s %6s %-16s  %7s  %6s  %5s\n", "", "any", "95 %", "null", "FDR", "pairs");

    struct outcome o = measure_campaigns(1, (struct campaigns){.rule = rule_gate});
    print_campaigns("the gate, 10 nulls", &o, verdict(o.any >= 0.06 && promised(o.any), "ok"));

    o = measure_campaigns(2, (struct campaigns){.rule = rule_gate, .shared = true});
    print_campaigns("the gate, 10 nulls beside one trunk", &o,
                    verdict(o.any >= 0.05 && promised(o.any), "ok"));

    o = measure_campaigns(3,
                          (struct campaigns){.rule = rule_gate, .gains = 1 << 1 | 1 << 4 | 1 << 7});
    print_campaigns("the gate, 3 gains of 2 sd between 7 nulls", &o,
                    verdict(promised(o.fdr), "ok"));

    o = measure_campaigns(4,
                          (struct campaigns){.rule = rule_gate, .gains = 1 << 0 | 1 << 1 | 1 << 2});
    print_campaigns("the gate, 3 gains of 2 sd before 7 nulls", &o, verdict(promised(o.fdr), "ok"));

    o = measure_campaigns(5, (struct campaigns){.rule = rule_keep_if_lower});
    bool convicted = wilson(o.any, CAMPAIGNS).low > 0.99 && fabs(o.rate - 0.5) < 0.02;
    print_campaigns("one pair, kept if lower, 10 nulls", &o, verdict(convicted, "convicted"));

    o = measure_campaigns(6, (struct campaigns){.rule = rule_peeking});
    convicted = wilson(o.any, CAMPAIGNS).low > 0.20 && o.rate > 2 * FIRST_ALPHA;
    print_campaigns("alpha_t again after each of 2 to 8, 10 nulls", &o,
                    verdict(convicted, "convicted"));

    printf(
        "any: campaigns with a false promotion; null: false promotions per null; pairs: mean pairs "
        "per null\n"
        "FDR: mean share of false ones among the promotions: this is what is promised to stay "
        "below alpha\n"
        "expected of the gate: any .079; beside one trunk .068; with gains FDR .036, any .134\n\n");
}

static void table_of_power(void)
{
    static const struct {
        double gain, promoted, pairs; /* what is expected */
    } rows[] = {
        {1,   0.34, 7.6},
        {1.5, 0.72, 7.1},
        {2,   0.94, 6.4},
        {3,   1.00, 5.3},
        {5,   1.00, 4.3},
        {10,  1.00, 3.6},
    };
    printf("%d hypotheses a row, alpha_t %.2f\n", TRIED, FIRST_ALPHA);
    printf("%-24s %9s %9s %7s %9s\n", "gain/sd", "promoted", "expected", "pairs", "expected");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct power p = measure_power(100 + i, draw_normal, rows[i].gain);
        bool holds =
            fabs(p.promoted - rows[i].promoted) <= 0.03 && fabs(p.pairs - rows[i].pairs) <= 0.15;
        printf("%-24g %8.1f%% %8.0f%% %7.2f %9.1f  %s\n", rows[i].gain, 100 * p.promoted,
               100 * rows[i].promoted, p.pairs, rows[i].pairs, verdict(holds, "ok"));
    }
    printf("\n");
}

static void table_of_wrong_models(void)
{
    static const struct {
        const char *name;
        draw_fn draw;
    } rows[] = {
        {"normal, as assumed",                draw_normal         },
        {"t with 3 degrees of freedom",       draw_heavy_tails    },
        {"sd grows 4x over the 8 pairs",      draw_growing_sd     },
        {"sd shrinks 4x over the 8 pairs",    draw_shrinking_sd   },
        {"lag-1 correlation -0.2",            draw_alternating    },
        {"lag-1 correlation +0.2",            draw_following      },
        {"skew -0.6 (chi-square 22, turned)", draw_skewed_a_little},
        {"skew -1.6 (chi-square 3, turned)",  draw_skewed_much    },
        {"skew -2 (exponential, turned)",     draw_exponential    },
    };
    printf("false promotions of nulls where the model of the noise is wrong, %d hypotheses a row, "
           "alpha_t %.2f\n",
           TRIED, FIRST_ALPHA);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct power p = measure_power(200 + i, rows[i].draw, 0);
        struct interval ci = wilson(p.promoted, TRIED);
        printf("%-36s %6.2f%% [%.2f, %.2f] %7.2f pairs\n", rows[i].name, 100 * p.promoted,
               100 * ci.low, 100 * ci.high, p.pairs);
    }
    printf("shown, not promised: 8 pairs do not see a loss that is rarer than 1 in 8; reverse "
           "pairs are for that\n");
}

int main(void)
{
    table_of_campaigns();
    table_of_power();
    table_of_wrong_models();
    if (n_broken > 0)
        printf("\n%u rows are not as they must be\n", n_broken);
    return n_broken > 0;
}
