/* The next stretch: who waits for one, what a fork is, what the campaign's prospect is. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/ledger/history.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <math.h>

struct prospect campaign_prospect(const struct campaign *c)
{
    const struct trial *trunk = context_trunk(&c->context);
    const struct position at = trial_position(trunk);
    struct prospect p = prospect_of(context_config(&c->context), c->context.run->config,
                                    context_history(&c->context), at.step, at.tokens,
                                    gate_windows_max(&c->windows));
    p.length = trial_last_step(trunk);
    return p;
}

struct account campaign_account(const struct campaign *c)
{
    return campaign_prospect(c).account;
}

void campaign_plan_trunk(struct campaign *c)
{
    const struct account account = campaign_account(c);
    if (context_history(&c->context)->stretch)
        return;
    const double left = account.all - account.spent;
    trial_plan(*c->context.trunk, (uint64_t)fmax(left, account.trained));
}

struct stretch campaign_stretch(const struct campaign *c, enum stretch_kind kind, uint64_t start,
                                const uint64_t *step_tokens, size_t n)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_stretch(&p, kind, start, step_tokens, n);
}

double campaign_arm_tokens(const struct campaign *c, const struct stretch *s)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_arm_tokens(&p, s);
}

double campaign_fixed_tokens(const struct campaign *c, const struct stretch *s)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_fixed_tokens(&p, s);
}

Trireme__Change *const *campaign_fork_changes(const struct entry *e, bool reverse, size_t *n)
{
    *n = reverse ? e->promotion->n_before : e->proposal->n_patch;
    return reverse ? e->promotion->before : e->proposal->patch;
}

Trireme__Config *campaign_fork_config(const struct campaign *c, const struct entry *e, bool reverse,
                                      struct err *err)
{
    size_t n = 0;
    Trireme__Change *const *changes = campaign_fork_changes(e, reverse, &n);
    return changes_apply(context_config(&c->context), changes, n, err);
}

static bool is_irreversible(const Trireme__Config *before, const Trireme__Config *after)
{
    return after->data->skip > before->data->skip; // what was skipped cannot be read any more
}

int campaign_fork_kind(struct fork_kind *found, const struct campaign *c, const struct entry *e,
                       bool reverse, struct err *err)
{
    const Trireme__Config *trunk = context_config(&c->context);
    const Trireme__Plan *plan = reverse ? e->reverse.plan : e->forward.plan;
    Trireme__Config *config = campaign_fork_config(c, e, reverse, err);
    if (!config)
        return -1;
    found->step_tokens = run_config_step_tokens(config);
    found->irreversible = reverse ? is_irreversible(config, trunk) : is_irreversible(trunk, config);
    found->kind = change_kind_of(trunk, config);
    // fixed before its first pair; of one that returned there is none against this trunk
    if (plan && (reverse || e->fate == FATE_OPEN))
        found->kind = (struct change_kind){.kind = plan->calm ? STRETCH_CALM : STRETCH_PLAIN,
                                           .slow = plan->slow};
    message_free(config);
    return 0;
}

struct stretch campaign_stretch_alone(const struct campaign *c, const struct fork_kind *fork,
                                      uint64_t start)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_stretch_alone(&p, fork->kind.kind, fork->step_tokens, start);
}

uint64_t campaign_next_boundary(const struct campaign *c, uint64_t step)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_boundary(&p, step);
}

uint64_t campaign_first(const struct campaign *c)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_first(&p);
}

int campaign_check(const struct campaign *c, uint64_t step, const Trireme__Config *after,
                   bool person, struct err *err)
{
    const struct prospect p = campaign_prospect(c);
    Trireme__Cause unread;
    return prospect_check(&p, step, after, person, &unread, err);
}

uint64_t campaign_returns(const struct campaign *c, const struct entry *e, uint64_t step)
{
    const struct prospect p = campaign_prospect(c);
    return prospect_returns(&p, e, step);
}

int campaign_check_takeback(const struct campaign *c, uint32_t number, struct err *err)
{
    struct fork_kind back;
    const struct entry *e = history_entry(context_history(&c->context), number);
    if (campaign_fork_kind(&back, c, e, true, err) < 0)
        return -1;
    return back.irreversible
               ? err_set(err, ERR_USAGE,
                         "proposal %u cannot be taken back: what data.skip passed over cannot be "
                         "read any more; expected another value of what else it changed (propose, "
                         "or resume --set)",
                         number)
               : 0;
}

uint32_t campaign_windows_max(const struct campaign *c)
{
    return gate_windows_max(&c->windows);
}

const char *campaign_off(const struct campaign *c)
{
    return c->windows.off;
}

bool campaign_is_boundary(const struct campaign *c, uint64_t step)
{
    const struct history *h = context_history(&c->context);
    // Where a stretch was ended before its time the trunk rests by chance (a launch began here, or
    // the step is evaluated), which a replay does not repeat.
    const bool ended = h->ended_at == step && step > 0,
               at_once = ended && (step == h->stretch_end || step == h->changed_at),
               on_grid = step % STRETCH_GRID == 0 && !ended;
    if (campaign_off(c) || h->stretch || step < campaign_first(c) || !(at_once || on_grid))
        return false;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        // one that came at this very step would not have made the trunk rest here
        if (attempt_open(e) || (e->fate == FATE_QUEUED && (e->queued_at < step || at_once)))
            return true;
    }
    return false;
}
