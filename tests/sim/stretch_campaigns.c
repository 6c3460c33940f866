/* What adopting and claiming promise, measured: claims on drawn pairs, then whole campaigns of
 * stretches that are decided by coordinator/gate as a run would.
 *
 * Prints tables and fails if a promise is broken, or if a rule that is known to be bad is not
 * convicted by the same harness. Everything follows from fixed seeds. Not a model of training: a
 * change has one gain and one sd, whenever it is tried. */
#include "base/check.h"
#include "coordinator/gate/account.h"
#include "coordinator/gate/claim.h"
#include "coordinator/gate/decide.h"
#include "coordinator/gate/stretch.h"
#include "tests/sim/noise.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    CAMPAIGNS = 4000,
    TRIED = 40000,
    CLAIMS = 10,
    HYPOTHESES = 10,
    ARMS = HYPOTHESES + 1,
    STEP_TOKENS = 1024,
    CONTEXT = 64,
    BATCH = 16,
};

static unsigned n_broken;

static const char *verdict(bool holds, const char *word)
{
    n_broken += !holds;
    return holds ? word : "BROKEN";
}

/* ---- claims alone ---- */

/* Tests one claim on drawn pairs. */
static bool is_claimed(draw_fn draw, double gain, double alpha, struct noise *noise)
{
    static const double w[PAIRS] = {0};
    double y[PAIRS];
    enum claim_answer answer = CLAIM_OPEN;
    draw(y, noise);
    for (unsigned j = 0; j < PAIRS; j++)
        y[j] += gain;
    for (unsigned n = 1; answer == CLAIM_OPEN && n <= PAIRS; n++) {
        answer = claim_judge(&rule_default, y, w, n, alpha).answer;
        ASSERT(answer == CLAIM_OPEN || n >= 3);
    }
    ASSERT(answer != CLAIM_OPEN);
    return answer == CLAIM_CLAIMED;
}

struct claims {
    double any, fdr;
};

/* Runs of ten claims one after the other. gains: bit t: claim t gains 2 sd, the others nothing. */
static struct claims measure_claims(uint64_t row, unsigned gains, bool lond)
{
    struct noise noise = noise_of(row);
    struct claims sums = {0};
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        unsigned made = 0, wrong = 0;
        for (unsigned t = 0; t < CLAIMS; t++) {
            const bool gains_it = gains >> t & 1;
            const double alpha =
                lond ? claim_alpha(&rule_default, t, made) : claim_alpha(&rule_default, 0, 0);
            const bool claimed = is_claimed(draw_normal, gains_it ? 2 : 0, alpha, &noise);
            made += claimed;
            wrong += claimed && !gains_it;
        }
        sums.any += wrong > 0;
        sums.fdr += made ? (double)wrong / made : 0;
    }
    return (struct claims){sums.any / CAMPAIGNS, sums.fdr / CAMPAIGNS};
}

static void table_of_claims(void)
{
    const double alpha = rule_default.alpha;
    printf("%d runs of %d claims, alpha %.2f\n%-44s %6s %6s\n", CAMPAIGNS, CLAIMS, alpha, "", "any",
           "FDR");
    struct claims c = measure_claims(1, 0, true);
    printf("%-44s %6.3f %6.3f  %s (expected .067)\n", "10 nulls", c.any, c.fdr,
           verdict(wilson(c.fdr, CAMPAIGNS).high <= alpha && c.fdr > 0.05, "ok"));
    c = measure_claims(2, 1 << 1 | 1 << 4 | 1 << 7, true);
    printf("%-44s %6.3f %6.3f  %s (expected .018)\n", "3 gains of 2 sd between 7 nulls", c.any,
           c.fdr, verdict(wilson(c.fdr, CAMPAIGNS).high <= alpha, "ok"));
    c = measure_claims(3, 0, false);
    printf("%-44s %6.3f %6.3f  %s\n\n", "the first claim's budget for each, 10 nulls", c.any, c.fdr,
           verdict(wilson(c.fdr, CAMPAIGNS).low > alpha, "convicted"));
}

static void table_of_power(void)
{
    static const struct {
        const char *name;
        draw_fn draw;
        double gain, expected; /* per cent */
    } rows[] = {
        {"gain of 1 sd",                      draw_normal,          1,   56 },
        {"gain of 1.5 sd",                    draw_normal,          1.5, 88 },
        {"gain of 2 sd",                      draw_normal,          2,   99 },
        {"null, normal as assumed",           draw_normal,          0,   3.4},
        {"null, t with 3 degrees of freedom", draw_heavy_tails,     0,   2.6},
        {"null, lag-1 correlation +0.2",      draw_following,       0,   6  },
        {"null, skew -0.6",                   draw_skewed_a_little, 0,   6.0},
        {"null, exponential losses",          draw_exponential,     0,   17 },
    };
    printf("%d claims a row, alpha_t .05\n", TRIED);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct noise noise = noise_of(100 + i);
        unsigned n = 0;
        for (unsigned k = 0; k < TRIED; k++)
            n += is_claimed(rows[i].draw, rows[i].gain, claim_alpha(&rule_default, 0, 0), &noise);
        const double found = 100.0 * n / TRIED;
        // only where the model holds is anything promised
        const bool promised = rows[i].draw == draw_normal;
        const double off = fabs(found - rows[i].expected);
        printf("%-44s %5.1f%% %s (expected %g%%)\n", rows[i].name, found,
               promised ? verdict(rows[i].gain > 0 ? off < 3 : found <= 5, "ok") : "not promised",
               rows[i].expected);
    }
    printf("\n");
}

/* ---- campaigns ---- */

enum state { QUEUED, RETURNED, OPEN, IN_FORCE, CLOSED };

struct change {
    double gain, sd;   /* of its pairs, nats */
    double prior_part; /* of their variance, that the prior takes for all of it */
    enum state state;
    struct gain pairs[PAIRS];
    unsigned n;
};

struct campaign {
    struct change changes[HYPOTHESES];
    struct account account;
    struct noise *noise;
    bool claims_all; /* every adoption is claimed; else those that pay */
    /* the watch over the last adoption, and its claim */
    struct change *watched; /* NULL: there is none */
    struct gain y[PAIRS];
    double w[PAIRS], margined[PAIRS];
    unsigned n_y;
    bool kept, claiming;
    double alpha;
    /* what came of it */
    unsigned registered, made, false_made, adopted, false_adopted, stretches_over;
    unsigned first_look; /* pairs of the earliest claim that was decided */
};

static void draw_pair(struct gain *pair, const struct change *c, struct noise *noise, double margin,
                      uint32_t windows)
{
    pair->windows = windows;
    pair->u = c->prior_part * c->sd * c->sd / ((rule_default.k_fast - 1) / 128.0 + 1.0 / windows);
    pair->x = c->gain + c->sd * normal(noise) - margin;
}

static void end_watch(struct campaign *c)
{
    c->watched = NULL;
    c->kept = c->claiming = false;
    c->n_y = 0;
}

static void adopt(struct campaign *c, struct change *change, const struct posterior *posterior,
                  double stretch)
{
    end_watch(c);
    change->state = IN_FORCE;
    c->watched = change;
    c->account.since = 0;
    c->adopted++;
    c->false_adopted += change->gain <= rule_default.margin;
    if (c->claims_all || claim_pays(&rule_default, posterior->m, stretch, c->account.all)) {
        c->alpha = claim_alpha(&rule_default, c->registered, c->made);
        c->registered++;
        c->claiming = true;
    }
}

static void judge_claim(struct campaign *c)
{
    const unsigned n = c->n_y;
    const enum claim_answer answer =
        claim_judge(&rule_default, c->margined, c->w, n, c->alpha).answer;
    if (answer == CLAIM_OPEN)
        return;
    c->first_look = c->first_look && c->first_look < n ? c->first_look : n;
    c->claiming = false;
    if (answer == CLAIM_CLAIMED) {
        c->made++;
        c->false_made += c->watched->gain <= rule_default.margin;
    }
}

/* The arms of the next stretch that are affordable; returns how many hypotheses are among them. */
static size_t gather(struct campaign *c, struct change **chosen, struct account_arm *arms,
                     size_t *n_arms, struct stretch *stretch)
{
    struct stretch_candidate candidates[HYPOTHESES];
    size_t places[HYPOTHESES], n = 0;
    const uint64_t tokens[] = {STEP_TOKENS};
    *stretch = stretch_of(STRETCH_PLAIN, c->account.step, BATCH, tokens, 1);
    for (size_t i = 0; i < HYPOTHESES; i++) {
        const enum state s = c->changes[i].state;
        candidates[i] = (struct stretch_candidate){
            .number = (uint32_t)i + 1, .open = s == OPEN, .returned = s == RETURNED};
        if (s == CLOSED || s == IN_FORCE)
            candidates[i].kind = STRETCH_CALM; // not in this stretch
    }
    const bool late = stretch_is_late(&rule_default, c->account.step, account_length(&c->account));
    if (!late)
        n = stretch_choose(places, rule_default.forks, STRETCH_PLAIN, candidates, HYPOTHESES);
    for (size_t i = 0; i < n; i++) {
        chosen[i] = &c->changes[places[i]];
        struct posterior p = {0};
        if (chosen[i]->n)
            p = posterior_of(&rule_default, chosen[i]->pairs, chosen[i]->n, false);
        arms[i] = (struct account_arm){.m = p.m, .planner = true};
    }
    *n_arms = n;
    if (c->watched)
        arms[(*n_arms)++] = (struct account_arm){.watch = !c->kept, .claim = c->kept};
    for (size_t i = 0; i < *n_arms; i++)
        arms[i].cost = stretch_arm_tokens(stretch, STEP_TOKENS, CONTEXT);
    account_fit(&rule_default, &c->account, arms, *n_arms,
                stretch_fixed_tokens(stretch, STEP_TOKENS, CONTEXT));
    return n;
}

/* Draws the pairs of those that have an arm, pays, and moves the others out. Returns the number of
 * arms. */
static size_t train(struct campaign *c, struct change **chosen, size_t n,
                    const struct account_arm *arms, size_t n_arms, const struct stretch *stretch)
{
    const double fixed = stretch_fixed_tokens(stretch, STEP_TOKENS, CONTEXT);
    size_t begun = 0;
    for (size_t i = 0; i < n; i++) {
        struct change *change = chosen[i];
        if (arms[i].dropped) {
            change->state = change->state == OPEN ? CLOSED : change->state;
            continue;
        }
        change->state = OPEN;
        draw_pair(&change->pairs[change->n++], change, c->noise, rule_default.margin,
                  stretch->windows);
        begun++;
    }
    if (c->watched && !arms[n_arms - 1].dropped) {
        const unsigned j = c->n_y++;
        draw_pair(&c->y[j], c->watched, c->noise, 0, stretch->windows);
        c->margined[j] = c->y[j].x - rule_default.margin;
        c->w[j] = c->y[j].u / c->y[j].windows;
        begun++;
    } else if (c->watched) {
        end_watch(c); // a claim for which there is no money
    }
    c->account.spent += account_price(arms, n_arms, fixed);
    c->account.since += account_planners_price(arms, n_arms, fixed);
    c->stretches_over += begun && c->account.spent > rule_default.share * c->account.all;
    c->account.step += stretch->horizon;
    c->account.trained += (double)(stretch->horizon * STEP_TOKENS);
    return begun;
}

static void apply(struct campaign *c, struct change **open, struct decide_stretch *s,
                  double stretch_tokens)
{
    if (s->watch == DECIDE_TAKEN_BACK) {
        c->watched->state = CLOSED;
        end_watch(c);
    } else if (s->watch == DECIDE_KEPT) {
        c->kept = true;
        if (!c->claiming)
            end_watch(c);
    }
    for (size_t i = 0; i < s->n_arms; i++) {
        switch (s->arms[i].answer) {
        case DECIDE_OPEN:
            break;
        case DECIDE_RETURNED:
            open[i]->state = RETURNED, open[i]->n = 0;
            break;
        case DECIDE_ADOPTED:
            adopt(c, open[i], &s->arms[i].posterior, stretch_tokens);
            break;
        default:
            open[i]->state = CLOSED;
        }
    }
}

/* One stretch and what follows. False: nothing is left to be tried. */
static bool run_stretch(struct campaign *c)
{
    struct change *chosen[HYPOTHESES], *open[HYPOTHESES];
    struct account_arm arms[ARMS];
    struct decide_arm judged[HYPOTHESES];
    struct stretch stretch;
    size_t n_arms = 0, n = gather(c, chosen, arms, &n_arms, &stretch), n_open = 0;
    if (!stretch_fits(&stretch, account_length(&c->account)) ||
        train(c, chosen, n, arms, n_arms, &stretch) == 0)
        return false;
    if (c->claiming && claim_is_look(&rule_default, c->n_y))
        judge_claim(c);
    const double cost = stretch_arm_tokens(&stretch, STEP_TOKENS, CONTEXT),
                 fixed = stretch_fixed_tokens(&stretch, STEP_TOKENS, CONTEXT);
    for (size_t i = 0; i < n; i++)
        if (chosen[i]->state == OPEN) {
            judged[n_open] = (struct decide_arm){
                .number = (uint32_t)(chosen[i] - c->changes) + 1,
                .pairs = chosen[i]->pairs,
                .n = chosen[i]->n,
                .hope = rule_default.price * cost / c->account.all,
                .cost = decide_cost(&rule_default, cost + fixed, c->account.all)};
            open[n_open++] = chosen[i];
        }
    struct decide_stretch s = {.arms = judged,
                               .n_arms = n_open,
                               .watched = c->watched,
                               .y = c->y,
                               .n_y = c->n_y,
                               .kept = c->kept};
    decide_at_end(&rule_default, &s);
    apply(c, open, &s, cost + stretch_fixed_tokens(&stretch, STEP_TOKENS, CONTEXT));
    return true;
}

struct sums {
    double fdr, any_false, adopted, in_force, stake; /* means; stake: the largest E_s of B */
    double adopt_fdr;                                /* if adopting were claiming */
    double real_in_force;
    unsigned first_look, stretches_over;
};

static void add_campaign(struct sums *sums, struct campaign *c)
{
    unsigned wrong = 0, right = 0;
    while (run_stretch(c)) {
        const double stake = c->account.since / c->account.all;
        sums->stake = fmax(sums->stake, stake);
    }
    for (size_t i = 0; i < HYPOTHESES; i++)
        if (c->changes[i].state == IN_FORCE) {
            wrong += c->changes[i].gain <= rule_default.margin;
            right += c->changes[i].gain > rule_default.margin;
        }
    sums->fdr += c->made ? (double)c->false_made / c->made : 0;
    sums->any_false += c->false_made > 0;
    sums->adopted += c->adopted;
    sums->adopt_fdr += c->adopted ? (double)c->false_adopted / c->adopted : 0;
    sums->in_force += wrong > 0;
    sums->real_in_force += right > 0;
    if (c->first_look && (!sums->first_look || c->first_look < sums->first_look))
        sums->first_look = c->first_look;
    if (c->stretches_over > sums->stretches_over)
        sums->stretches_over = c->stretches_over;
}

struct setting {
    unsigned gains;    /* bit h: change h gains 4 sd; the others nothing, or lose half an sd */
    uint64_t steps;    /* of the run */
    bool claims_all;   /* every adoption is claimed */
    double prior_part; /* 1: the prior knows how pairs vary */
};

static struct sums measure_campaigns(uint64_t row, struct setting set)
{
    struct noise noise = noise_of(row);
    struct sums sums = {0};
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        struct campaign c = {.noise = &noise, .claims_all = set.claims_all};
        c.account = (struct account){.all = (double)(set.steps * STEP_TOKENS),
                                     .step = 50,
                                     .trained = 50.0 * STEP_TOKENS,
                                     .step_tokens = STEP_TOKENS};
        for (unsigned h = 0; h < HYPOTHESES; h++) {
            const double sd = 0.02;
            c.changes[h].sd = sd;
            c.changes[h].prior_part = set.prior_part;
            c.changes[h].gain = set.gains >> h & 1 ? 4 * sd : h % 2 ? 0 : -sd / 2;
        }
        add_campaign(&sums, &c);
    }
    sums.fdr /= CAMPAIGNS, sums.any_false /= CAMPAIGNS, sums.adopted /= CAMPAIGNS;
    sums.in_force /= CAMPAIGNS, sums.adopt_fdr /= CAMPAIGNS, sums.real_in_force /= CAMPAIGNS;
    return sums;
}

static void print_campaigns(const char *name, const struct sums *s)
{
    const bool holds =
        s->stake <= rule_default.stake && wilson(s->fdr, CAMPAIGNS).high <= rule_default.alpha;
    const bool looks =
        (!s->first_look || s->first_look >= 3) && s->stretches_over <= rule_default.watch;
    printf("%-36s %6.4f %6.3f %6.3f  %7.2f %8.3f %8.3f  %s\n", name, s->stake, s->fdr, s->any_false,
           s->adopted, s->in_force, s->real_in_force, verdict(holds && looks, "ok"));
}

static void table_of_campaigns(void)
{
    printf("%d campaigns of %d changes\n%-36s %6s %6s %6s  %7s %8s %8s\n", CAMPAIGNS, HYPOTHESES,
           "", "E_s/B", "FDR", "any", "adopted", "nulls", "real");
    struct sums s = measure_campaigns(200, (struct setting){0, 1800, false, 1});
    print_campaigns("nothing, 1800 steps", &s);
    s = measure_campaigns(201, (struct setting){0, 7200, true, 1});
    print_campaigns("nothing, 7200 steps, all claimed", &s);
    s = measure_campaigns(202, (struct setting){1 << 2, 1800, false, 1});
    print_campaigns("one gain of 4 sd of ten, 1800 steps", &s);
    n_broken += s.real_in_force < 0.9;
    s = measure_campaigns(203, (struct setting){1 << 0 | 1 << 5 | 1 << 9, 7200, true, 1});
    print_campaigns("three of ten, 7200 steps, all claimed", &s);
    n_broken += s.real_in_force < 0.9;
    s = measure_campaigns(204, (struct setting){0, 7200, true, 0.25});
    print_campaigns("nothing, pairs vary 4x as assumed", &s);
    printf("%-36s adoptions that are false: %.3f  %s\n", "  if adopting were claiming", s.adopt_fdr,
           verdict(wilson(s.adopt_fdr, CAMPAIGNS).low > rule_default.alpha, "convicted"));
    printf(
        "E_s/B: the most that planners' arms cost since an adoption, of all tokens (bound %.3f)\n"
        "FDR: mean share of false claims; any: campaigns with one\n"
        "nulls, real: campaigns that end with such a change in force\n",
        rule_default.stake);
}

int main(void)
{
    table_of_claims();
    table_of_power();
    table_of_campaigns();
    return n_broken ? 1 : 0;
}
