/* The next stretch: how long it would be, what it would cost, who can pay for it. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <math.h>

enum {
    FORK_STEPS_MAX = 8
}; /* of a fork, to one of the trunk: tokens do not say what it costs to take them in small steps */

struct account campaign_account(const struct campaign *c)
{
    const struct trial *trunk = context_trunk(&c->context);
    const struct history *h = context_history(&c->context);
    const struct position at = trial_position(trunk);
    return (struct account){
        .all = (double)c->context.run->config->train->steps * (double)trunk->step_tokens,
        // what the first rule spent came on top of the run
        .spent = h->first_rule ? 0 : (double)history_tokens(h, h->spent, trunk->step_tokens),
        .since = (double)history_tokens(h, h->since, trunk->step_tokens),
        .step = at.step,
        .trained = (double)at.tokens,
        .step_tokens = (double)run_config_step_tokens(trunk->config)};
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
    return campaign_stretch_of(kind, start, context_config(&c->context), c->context.run->config,
                               gate_windows_max(&c->windows), step_tokens, n);
}

struct stretch campaign_stretch_of(enum stretch_kind kind, uint64_t start,
                                   const Trireme__Config *in_force, const Trireme__Config *asked,
                                   uint32_t windows_max, const uint64_t *step_tokens, size_t n)
{
    const uint32_t wanted = asked->gate->windows;
    struct stretch s = stretch_of(kind, start, in_force->train->batch, step_tokens, n);
    s.windows = wanted ? wanted : s.windows;
    s.windows = s.windows < windows_max ? s.windows : windows_max;
    return s;
}

static uint32_t context_of(const struct campaign *c)
{
    return c->context.run->config->model->context;
}

double campaign_arm_tokens(const struct campaign *c, const struct stretch *s)
{
    return stretch_arm_tokens(s, run_config_step_tokens(context_config(&c->context)),
                              context_of(c));
}

double campaign_fixed_tokens(const struct campaign *c, const struct stretch *s)
{
    return stretch_fixed_tokens(s, run_config_step_tokens(context_config(&c->context)),
                                context_of(c));
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
    const uint64_t tokens[] = {run_config_step_tokens(context_config(&c->context)),
                               fork->step_tokens};
    return campaign_stretch(c, fork->kind.kind, start, tokens, 2);
}

uint64_t campaign_next_boundary(const struct campaign *c, uint64_t step)
{
    const uint64_t first = campaign_first(c), next = (step / STRETCH_GRID + 1) * STRETCH_GRID;
    return next < first ? first : next;
}

uint64_t campaign_first(const struct campaign *c)
{
    return stretch_first(&c->rule, c->context.run->config->schedule->warmup);
}

/* The same without one of them (0: with all). Those that were ended meanwhile cost no more. */
static void reserve(struct account *account, const struct history *history, uint32_t context,
                    uint32_t without)
{
    const Trireme__Stretch *now = history->stretch;
    size_t n = 0, forward = 0;
    for (size_t i = 0; now && i < now->n_arms; i++) {
        const Trireme__Arm *arm = now->arms[i];
        const struct entry *e = history_entry(history, arm->number);
        const bool there = e && e->in_stretch && arm->number != without;
        n += there;
        forward += there && !arm->reverse && !arm->person;
    }
    if (n == 0)
        return;
    const struct stretch s = {.horizon = now->horizon, .tail = now->tail, .windows = now->windows};
    const double arm = stretch_arm_tokens(&s, now->step_tokens, context),
                 fixed = stretch_fixed_tokens(&s, now->step_tokens, context);
    account->spent += (double)n * arm + fixed;
    account->since += (double)forward * (arm + fixed / (double)n);
}

void campaign_reserve(struct account *account, const struct history *history, uint32_t context)
{
    reserve(account, history, context, 0);
}

/* What the whole stretch under way costs for an arm; for the only one, also the trunk's tail. */
static uint64_t whole_arm(const struct campaign *c)
{
    const struct history *h = context_history(&c->context);
    const Trireme__Stretch *now = h->stretch;
    const struct stretch s = {.horizon = now->horizon, .tail = now->tail, .windows = now->windows};
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        n += h->entries[i].in_stretch;
    return (uint64_t)(campaign_arm_tokens(c, &s) + (n > 1 ? 0 : campaign_fixed_tokens(c, &s)));
}

uint64_t campaign_arm_spent(const struct campaign *c, const struct entry *e, uint64_t step,
                            Trireme__Cause cause)
{
    const struct history *h = context_history(&c->context);
    const Trireme__Stretch *now = h->stretch;
    if (!now || !e->in_stretch)
        return 0;
    const bool ordered = cause == TRIREME__CAUSE__killed || cause == TRIREME__CAUSE__vetoed ||
                         cause == TRIREME__CAUSE__replaced;
    return ordered && step >= h->stretch_start + now->horizon
               ? whole_arm(c)
               : (step - h->stretch_start) * now->step_tokens;
}

uint64_t campaign_returns(const struct campaign *c, const struct entry *e, uint64_t step)
{
    return e->in_stretch ? whole_arm(c) - campaign_arm_spent(c, e, step, TRIREME__CAUSE__killed)
                         : 0;
}

/* The account as if the stretch under way were over. instead: what it cost so far of this one that
 * ends now is spent, the rest is not; NULL: nobody ends. */
static struct account account_then(const struct campaign *c, const struct entry *instead,
                                   uint64_t step)
{
    struct account account = campaign_account(c);
    const double spent =
        instead ? (double)campaign_arm_spent(c, instead, step, TRIREME__CAUSE__replaced) : 0;
    reserve(&account, context_history(&c->context), context_of(c), instead ? instead->number : 0);
    account.spent += spent;
    account.since += instead && !actor_is_proven_person(instead->by) ? spent : 0;
    return account;
}

/* Checks the money for one arm beside the trunk, now and at all. */
static int check_money(const struct campaign *c, const struct stretch *s, bool person,
                       const struct account *account, struct err *err)
{
    const struct account_arm arm = {.cost = campaign_arm_tokens(c, s), .planner = !person};
    const double fixed = campaign_fixed_tokens(c, s), needs = account_needs(&c->rule, &arm, fixed);
    if (needs > account->all)
        return err_set(
            err, ERR_USAGE,
            "a stretch of it from step %llu on takes %.0f tokens, which a run of %llu "
            "steps cannot pay for: expected at least %.0f steps (gate.stake, gate.share)",
            (unsigned long long)s->start, arm.cost + fixed,
            (unsigned long long)c->context.run->config->train->steps,
            ceil(needs / (account->all / (double)c->context.run->config->train->steps)));
    if (!account_affords(&c->rule, account, &arm, 1, fixed))
        return err_set(err, ERR_USAGE,
                       "token budget: a stretch of it takes %.0f tokens, and experiments may cost "
                       "%.0f more (gate.stake, gate.share)",
                       arm.cost + fixed, fmax(0, account_left(&c->rule, account)));
    return 0;
}

int campaign_check(const struct campaign *c, uint64_t step, const Trireme__Config *after,
                   bool person, struct err *err)
{
    Trireme__Cause cause;
    return campaign_check_instead(c, &cause, step, after, person, NULL, err);
}

int campaign_check_instead(const struct campaign *c, Trireme__Cause *cause, uint64_t step,
                           const Trireme__Config *after, bool person, const struct entry *instead,
                           struct err *err)
{
    const Trireme__Config *trunk = context_config(&c->context);
    const uint32_t hypotheses = c->context.run->config->gate->hypotheses;
    const struct fork_kind fork = {.step_tokens = run_config_step_tokens(after),
                                   .kind = change_kind_of(trunk, after)};
    const uint64_t step_tokens = run_config_step_tokens(trunk);
    *cause = TRIREME__CAUSE__unfit;
    if (context_history(&c->context)->registered >= hypotheses)
        return err_set(err, ERR_USAGE, "this run has tried its %u hypotheses (gate.hypotheses)",
                       hypotheses);
    if (fork.step_tokens * FORK_STEPS_MAX < step_tokens)
        return err_set(err, ERR_USAGE,
                       "found steps of %llu tokens, expected at least an eighth of the %llu that a "
                       "step has now: each updates all weights",
                       (unsigned long long)fork.step_tokens, (unsigned long long)step_tokens);
    const uint64_t start = campaign_next_boundary(c, step),
                   length = trial_last_step(context_trunk(&c->context));
    const struct stretch s = campaign_stretch_alone(c, &fork, start);
    *cause = TRIREME__CAUSE__time;
    if (stretch_is_late(&c->rule, start, length) || !stretch_fits(&s, length))
        return err_set(err, ERR_USAGE,
                       "too late in the run: a stretch of it begins at step %llu and takes %llu, "
                       "expected to begin by step %.0f and to end by %llu",
                       (unsigned long long)start, (unsigned long long)(s.horizon + s.tail),
                       c->rule.last * (double)length, (unsigned long long)length);
    const struct account account = account_then(c, instead, step);
    *cause = TRIREME__CAUSE__money;
    return check_money(c, &s, person, &account, err);
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
