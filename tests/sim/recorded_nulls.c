/* What claiming promises, on recorded pairs: campaigns in which nothing gains, resampled from forks
 * that differed from the trunk in nothing but their samples. recorded_nulls BANK.
 *
 * Adoption runs beside, by the same rule as in a run: four hypotheses at once, those that close are
 * followed by others, what is adopted is watched, may be taken back, and each adoption is claimed.
 * Every claim is false, so a campaign with one has a false discovery proportion of 1. Money and
 * windows end nothing here. Exit code 77: there is no bank. */
#include "coordinator/gate/claim.h"
#include "coordinator/gate/decide.h"
#include "tests/sim/noise.h"
#include "tests/sim/null_bank.h"

enum {
    CAMPAIGNS = 4000,
    CLAIMS = 10,
    TRUNKS = 8,              /* of the bank, at least: a trunk's luck is in all of its pairs */
    FORWARD = BANK_ARMS - 1, /* the last arm is the watch's */
    LIMIT = 16,              /* pairs of one hypothesis or claim, at most */
    STRETCHES = 100000,      /* of a campaign, at most */
    STEPS = 1800,            /* of the run: the price of a stretch is set against it */
    STEP_TOKENS = 1024,
    CONTEXT = 64,
};

struct campaign {
    struct walk walk;
    struct hypothesis {
        bool open;
        uint32_t number;
        struct gain pairs[LIMIT];
        unsigned n;
    } tried[FORWARD];
    uint32_t n_tried;
    /* the watch over the last adoption, and its claim */
    bool watched, kept, claiming;
    struct gain y[LIMIT];
    double margined[LIMIT], w[LIMIT], alpha;
    unsigned n_y;
    /* what came of it */
    unsigned registered, made, adopted, taken_back;
};

static void end_watch(struct campaign *c)
{
    c->watched = c->kept = c->claiming = false;
    c->n_y = 0;
}

static void begin_watch(struct campaign *c)
{
    end_watch(c);
    c->adopted++;
    c->watched = true;
    if (c->registered < CLAIMS) {
        c->alpha = claim_alpha(&rule_default, c->registered++, c->made);
        c->claiming = true;
    }
}

/* New hypotheses where there is room, as long as any may be tried. */
static bool fill(struct campaign *c, uint32_t hypotheses)
{
    bool any = c->watched;
    for (unsigned i = 0; i < FORWARD; i++) {
        struct hypothesis *h = &c->tried[i];
        if (!h->open && c->n_tried < hypotheses && c->registered < CLAIMS)
            *h = (struct hypothesis){.open = true, .number = ++c->n_tried};
        any = any || h->open;
    }
    return any;
}

static void measure(struct campaign *c)
{
    const double margin = rule_default.margin;
    for (unsigned i = 0; i < FORWARD; i++) {
        struct hypothesis *h = &c->tried[i];
        if (h->open) {
            ASSERT(h->n < LIMIT);
            h->pairs[h->n++] = walk_pair(&c->walk, i, 1, margin);
        }
    }
    if (c->watched) {
        ASSERT(c->n_y < LIMIT);
        c->y[c->n_y] = walk_pair(&c->walk, FORWARD, -1, 0);
        c->margined[c->n_y] = c->y[c->n_y].x - margin;
        c->w[c->n_y] = c->y[c->n_y].u / c->y[c->n_y].windows;
        c->n_y++;
    }
}

static void judge_claim(struct campaign *c)
{
    if (!c->claiming || !claim_is_look(&rule_default, c->n_y))
        return;
    const enum claim_answer answer =
        claim_judge(&rule_default, c->margined, c->w, c->n_y, c->alpha).answer;
    c->claiming = answer == CLAIM_OPEN;
    c->made += answer == CLAIM_CLAIMED;
}

static void decide(struct campaign *c)
{
    struct decide_arm arms[FORWARD];
    struct hypothesis *open[FORWARD];
    const struct stretch *stretch = walk_stretch(&c->walk);
    const double cost = stretch_arm_tokens(stretch, STEP_TOKENS, CONTEXT),
                 fixed = stretch_fixed_tokens(stretch, STEP_TOKENS, CONTEXT);
    size_t n = 0;
    for (unsigned i = 0; i < FORWARD; i++) {
        struct hypothesis *h = &c->tried[i];
        if (!h->open)
            continue;
        arms[n] = (struct decide_arm){
            .number = h->number,
            .pairs = h->pairs,
            .n = h->n,
            .hope = rule_default.price * cost / (STEPS * STEP_TOKENS),
            .cost = decide_cost(&rule_default, cost + fixed, STEPS * STEP_TOKENS)};
        open[n++] = h;
    }
    struct decide_stretch s = {.arms = arms,
                               .n_arms = n,
                               .watched = c->watched,
                               .y = c->y,
                               .n_y = c->n_y,
                               .kept = c->kept};
    decide_at_end(&rule_default, &s);
    c->taken_back += s.watch == DECIDE_TAKEN_BACK;
    c->kept = c->kept || s.watch == DECIDE_KEPT;
    if (s.watch == DECIDE_TAKEN_BACK || (c->kept && !c->claiming))
        end_watch(c);
    for (size_t i = 0; i < n; i++) {
        open[i]->open = arms[i].answer == DECIDE_OPEN || arms[i].answer == DECIDE_RETURNED;
        if (arms[i].answer == DECIDE_RETURNED)
            open[i]->n = 0;
        if (arms[i].answer == DECIDE_ADOPTED)
            begin_watch(c);
    }
}

/* Until so many hypotheses were tried, or ten claims were registered and answered. */
static void run_campaign(struct campaign *c, uint32_t hypotheses)
{
    walk_begin(&c->walk);
    for (unsigned i = 0; fill(c, hypotheses); i++) {
        ASSERT(i < STRETCHES);
        measure(c);
        judge_claim(c);
        decide(c);
        walk_on(&c->walk);
        if (c->walk.left == 0 && !c->watched) {
            walk_begin(&c->walk); // another trunk: what is open begins anew
            for (unsigned h = 0; h < FORWARD; h++)
                c->tried[h].n = 0;
        }
    }
}

struct sums {
    double false_claims, any_adopted, adopted, in_force, claims, tried; /* means */
};

static struct sums measure_campaigns(const struct bank *bank, uint64_t row, uint32_t hypotheses)
{
    struct sums sums = {0};
    struct walk walk = {.bank = bank, .key = noise_of(row).key};
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        struct campaign c = {.walk = walk};
        run_campaign(&c, hypotheses);
        walk = c.walk; // its next random numbers
        sums.false_claims += (c.made > 0) / (double)CAMPAIGNS;
        sums.any_adopted += (c.adopted > 0) / (double)CAMPAIGNS;
        sums.adopted += c.adopted / (double)CAMPAIGNS;
        sums.in_force += (c.adopted > c.taken_back) / (double)CAMPAIGNS;
        sums.claims += c.registered / (double)CAMPAIGNS;
        sums.tried += c.n_tried / (double)CAMPAIGNS;
    }
    return sums;
}

/* Ten claims in a row, none of which anything but its own pairs ends. */
static double measure_claims(const struct bank *bank, uint64_t row)
{
    struct walk walk = {.bank = bank, .key = noise_of(row).key};
    double fdr = 0;
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        struct campaign c = {.walk = walk};
        for (unsigned t = 0; t < CLAIMS; t++) {
            walk_begin(&c.walk);
            for (begin_watch(&c); c.claiming; walk_on(&c.walk)) {
                measure(&c);
                judge_claim(&c);
            }
        }
        walk = c.walk; // its next random numbers
        fdr += (c.made > 0) / (double)CAMPAIGNS;
    }
    return fdr;
}

static bool tell(const char *name, double fdr, bool good)
{
    const struct interval limits = wilson(fdr, CAMPAIGNS);
    const double alpha = rule_default.alpha;
    const bool holds = good ? limits.high <= alpha : limits.low > alpha;
    printf("%-52s %6.4f  [%.4f, %.4f]  %s\n", name, fdr, limits.low, limits.high,
           !holds ? "BROKEN"
           : good ? "ok"
                  : "convicted");
    return holds;
}

int main(int argc, char **argv)
{
    static struct bank bank;
    if (argc < 2 || !bank_read(&bank, argv[1])) {
        printf("skipped: %s: no recorded nulls there (tests/campaigns/run nulls)\n",
               argc < 2 ? "no file" : argv[1]);
        return 77;
    }
    if (bank.n_campaigns < TRUNKS) {
        printf("%s: found %zu campaigns, expected at least %d\n", argv[1], bank.n_campaigns,
               TRUNKS);
        return 1;
    }
    printf("%zu pairs of %zu stretches of %zu campaigns; mean gain %+.4f, its deviation %.4f\n",
           bank.n * BANK_ARMS, bank.n, bank.n_campaigns, bank.mean, bank.deviation);
    const bool null = fabs(bank.mean) <= 4 * bank.deviation;
    const struct sums ten = measure_campaigns(&bank, 300, UINT32_MAX);
    const struct sums usual = measure_campaigns(&bank, 301, 10);
    printf("%d campaigns, alpha %.2f: share of false claims, 95 %% limits\n", CAMPAIGNS,
           rule_default.alpha);
    bool holds =
        tell("ten claims, ended by their own pairs alone", measure_claims(&bank, 302), true);
    holds &= tell("ten claims, each of what was adopted", ten.false_claims, true);
    holds &= tell("ten hypotheses, all that is adopted is claimed", usual.false_claims, true);
    holds &= tell("  if adopting were claiming", usual.any_adopted, false);
    printf("ten claims: %.0f hypotheses were tried for them, %.1f %% were adopted\n"
           "ten hypotheses: %.2f adopted in a campaign, %.3f end with one in force, %.2f claims\n",
           ten.tried, 100 * ten.adopted / ten.tried, usual.adopted, usual.in_force, usual.claims);
    if (!null)
        printf("BROKEN: the mean of the bank's gains is not 0\n");
    return holds && null ? 0 : 1;
}
