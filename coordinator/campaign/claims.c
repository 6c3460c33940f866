/* Claims: whether the gain of an adopted change is tested, and what became of it. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/gate/claim.h"
#include "coordinator/gate/student.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/config/run_config.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

static int write_claim(struct campaign *c, const struct entry *e, uint64_t step,
                       Trireme__Claim *claim, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.claim = claim;
    claim->has_t = 1, claim->has_alpha = 1, claim->has_answer = 1;
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__claim, e->number, step,
                         "rule", err);
}

/* Whether the first look of a proof, three stretches from `step` on, can be paid for and has
 * windows that no stretch has read; and what one stretch costs goes to *stretch_tokens. */
static bool can_be_looked_at(const struct campaign *c, const struct fork_kind *fork, uint64_t step,
                             double *stretch_tokens)
{
    const struct account account = campaign_account(c);
    const uint32_t n = c->rule.looks[0];
    uint32_t *windows = mem_new(n, sizeof *windows);
    double price = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct stretch s = campaign_stretch_alone(c, fork, step);
        const double cost = campaign_arm_tokens(c, &s) + campaign_fixed_tokens(c, &s);
        *stretch_tokens = i ? *stretch_tokens : cost;
        price += cost;
        windows[i] = s.windows;
        step += s.horizon;
    }
    const bool can = account.spent + price <= c->rule.share * account.all &&
                     gate_windows_are_fresh(&c->windows, context_history(&c->context), windows, n);
    free(windows);
    return can;
}

int campaign_register_claim(struct campaign *c, const struct entry *e, uint64_t step,
                            struct err *err)
{
    const Trireme__Gate__Claims wanted = c->context.run->config->gate->claims;
    const struct history *h = context_history(&c->context);
    struct fork_kind fork;
    double stretch = 0;
    if (wanted == TRIREME__GATE__CLAIMS__none)
        return 0;
    if (campaign_fork_kind(&fork, c, e, true, err) < 0)
        return -1;
    if (!can_be_looked_at(c, &fork, step, &stretch) ||
        (wanted == TRIREME__GATE__CLAIMS__auto &&
         !claim_pays(&c->rule, e->forward.judgement->mean, stretch, campaign_account(c).all)))
        return 0;
    Trireme__Claim claim = TRIREME__CLAIM__INIT;
    claim.t = h->claims + 1;
    claim.alpha = claim_alpha(&c->rule, h->claims, h->claimed);
    claim.answer = TRIREME__CLAIM__ANSWER__open;
    return write_claim(c, e, step, &claim, err);
}

/* Says what became of it: this alone is ever called a gain. */
static void say(struct campaign *c, const struct entry *e)
{
    const Trireme__Claim *claim = e->claim;
    if (claim->answer == TRIREME__CLAIM__ANSWER__claimed)
        progress_say(c->context.progress,
                     "hypothesis %u: claimed: it gains %.4f +- %.4f nats over %u reverse pairs",
                     e->number, claim->mean, claim->half_width, claim->pairs);
    else
        progress_say(c->context.progress, "hypothesis %u: no gain is claimed for it (unproven)",
                     e->number);
}

/* Gains of the reverse pairs that were measured, and the variance that their windows explain. */
static unsigned gains_of(const struct entry *e, double *y, double *w, unsigned max)
{
    unsigned n = 0;
    for (size_t i = 0; i < e->reverse.n_pairs && n < max; i++) {
        const Trireme__Observation *o = e->reverse.pairs[i];
        if (o->diverged || o->trunk_diverged)
            continue;
        y[n] = o->fork_loss - o->trunk_loss;
        w[n++] = o->window_variance;
    }
    return n;
}

int campaign_test_claim(struct campaign *c, const struct entry *e, uint64_t step, struct err *err)
{
    double y[16], less[16], w[16];
    const unsigned n = gains_of(e, y, w, claim_pairs(&c->rule));
    if (!entry_claims(e) || !claim_is_look(&c->rule, n))
        return 0;
    for (unsigned i = 0; i < n; i++)
        less[i] = y[i] - c->rule.margin;
    const struct claim_judgement found = claim_judge(&c->rule, less, w, n, e->claim->alpha);
    if (found.answer == CLAIM_OPEN)
        return 0;
    Trireme__Claim claim = TRIREME__CLAIM__INIT;
    claim.t = e->claim->t, claim.alpha = e->claim->alpha;
    claim.answer = found.answer == CLAIM_CLAIMED ? TRIREME__CLAIM__ANSWER__claimed
                                                 : TRIREME__CLAIM__ANSWER__unproven;
    claim.has_pairs = 1, claim.pairs = n;
    claim.has_mean = 1, claim.mean = found.mean + c->rule.margin;
    claim.has_half_width = 1,
    claim.half_width = student_quantile(0.025, n - 1) * sqrt(found.s2 / n);
    claim.has_student_t = 1, claim.student_t = found.t;
    claim.has_p = 1, claim.p = found.p;
    claim.has_cause = 1, claim.cause = TRIREME__CAUSE__gains;
    if (write_claim(c, e, step, &claim, err) < 0)
        return -1;
    say(c, e);
    return 0;
}

int campaign_drop_claim(struct campaign *c, const struct entry *e, uint64_t step,
                        Trireme__Cause cause, struct err *err)
{
    if (!entry_claims(e))
        return 0;
    Trireme__Claim claim = TRIREME__CLAIM__INIT;
    claim.t = e->claim->t, claim.alpha = e->claim->alpha;
    claim.answer = TRIREME__CLAIM__ANSWER__unproven;
    claim.has_pairs = 1, claim.pairs = (uint32_t)e->reverse.n_pairs;
    claim.has_cause = 1, claim.cause = cause;
    if (write_claim(c, e, step, &claim, err) < 0)
        return -1;
    say(c, e);
    return 0;
}
