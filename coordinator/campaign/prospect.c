#include "coordinator/campaign/prospect.h"

#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "proto/config/run_config.h"

#include <math.h>

enum {
    FORK_STEPS_MAX = 8
}; /* of a fork, to one of the trunk: tokens do not say what it costs to take them in small steps */

/* Adds what the stretch under way will cost for all arms that are in it still, but for one (0: for
 * all of them). */
static void reserve(struct prospect *p, uint32_t without)
{
    const Trireme__Stretch *now = p->history->stretch;
    size_t n = 0, forward = 0;
    for (size_t i = 0; now && i < now->n_arms; i++) {
        const Trireme__Arm *arm = now->arms[i];
        const struct entry *e = history_entry(p->history, arm->number);
        const bool there = e && e->in_stretch && arm->number != without;
        n += there;
        forward += there && !arm->reverse && !arm->person;
    }
    if (n == 0)
        return;
    const uint32_t context = p->asked->model->context;
    const struct stretch s = {.horizon = now->horizon, .tail = now->tail, .windows = now->windows};
    const double arm = stretch_arm_tokens(&s, now->step_tokens, context),
                 fixed = stretch_fixed_tokens(&s, now->step_tokens, context);
    p->reserved.spent += (double)n * arm + fixed;
    p->reserved.since += (double)forward * (arm + fixed / (double)n);
}

struct prospect prospect_of(const Trireme__Config *in_force, const Trireme__Config *asked,
                            const struct history *history, uint64_t step, uint64_t trained,
                            uint32_t windows_max)
{
    const uint64_t unit = run_config_step_tokens(asked);
    struct prospect p = {.in_force = in_force,
                         .asked = asked,
                         .history = history,
                         .rule = rule_of(asked),
                         .step = step,
                         .step_tokens = run_config_step_tokens(in_force),
                         .windows_max = windows_max ? windows_max : UINT32_MAX};
    p.account = (struct account){
        .all = (double)asked->train->steps * (double)unit,
        // what the first rule spent came on top of the run
        .spent = history->first_rule ? 0 : (double)history_tokens(history, history->spent, unit),
        .since = (double)history_tokens(history, history->since, unit),
        .step = step,
        .trained = (double)trained,
        .step_tokens = (double)p.step_tokens};
    p.reserved = p.account;
    reserve(&p, 0);
    // all arms of a stretch have one length, whatever is spent meanwhile
    p.length = history->stretch && history->stretch->length ? history->stretch->length
                                                            : account_length(&p.account);
    return p;
}

struct prospect prospect_after(const struct prospect *p)
{
    struct prospect after = *p;
    after.account = p->reserved;
    after.length = account_length(&after.account);
    return after;
}

/* What the whole stretch under way costs for an arm; for the only one, also the trunk's tail. */
static uint64_t whole_arm(const struct prospect *p)
{
    const struct history *h = p->history;
    const struct stretch s = {
        .horizon = h->stretch->horizon, .tail = h->stretch->tail, .windows = h->stretch->windows};
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        n += h->entries[i].in_stretch;
    return (uint64_t)(prospect_arm_tokens(p, &s) + (n > 1 ? 0 : prospect_fixed_tokens(p, &s)));
}

uint64_t prospect_arm_spent(const struct prospect *p, const struct entry *e, uint64_t step,
                            Trireme__Cause cause)
{
    const struct history *h = p->history;
    const Trireme__Stretch *now = h->stretch;
    if (!now || !e->in_stretch)
        return 0;
    const bool ordered = cause == TRIREME__CAUSE__killed || cause == TRIREME__CAUSE__vetoed ||
                         cause == TRIREME__CAUSE__replaced;
    return ordered && step >= h->stretch_start + now->horizon
               ? whole_arm(p)
               : (step - h->stretch_start) * now->step_tokens;
}

uint64_t prospect_returns(const struct prospect *p, const struct entry *e, uint64_t step)
{
    return e->in_stretch ? whole_arm(p) - prospect_arm_spent(p, e, step, TRIREME__CAUSE__killed)
                         : 0;
}

struct prospect prospect_instead(const struct prospect *p, const struct entry *e, uint64_t step)
{
    struct prospect instead = *p;
    if (!e)
        return instead;
    const double spent = (double)prospect_arm_spent(p, e, step, TRIREME__CAUSE__replaced);
    instead.reserved = p->account;
    reserve(&instead, e->number);
    instead.reserved.spent += spent;
    instead.reserved.since += actor_is_proven_person(e->by) ? 0 : spent;
    return instead;
}

const char *prospect_off(const struct history *history)
{
    return history->first_rule ? "experiments are off: the ledger of this run is of the first "
                                 "rule, which this version does not compute any more"
                               : NULL;
}

uint64_t prospect_first(const struct prospect *p)
{
    return stretch_first(&p->rule, p->asked->schedule->warmup);
}

uint64_t prospect_boundary(const struct prospect *p, uint64_t step)
{
    const uint64_t first = prospect_first(p), next = (step / STRETCH_GRID + 1) * STRETCH_GRID;
    return next < first ? first : next;
}

uint64_t prospect_next_start(const struct prospect *p)
{
    const struct history *h = p->history;
    const uint64_t first = prospect_first(p);
    const bool at_once = p->step > 0 && h->ended_at == p->step &&
                         (p->step == h->stretch_end || p->step == h->changed_at);
    const uint64_t next = h->stretch ? h->stretch_start + h->stretch->horizon
                          : at_once  ? p->step
                                     : prospect_boundary(p, p->step);
    return next < first ? first : next;
}

struct prospect_change prospect_change_of(const struct prospect *p, const Trireme__Config *after,
                                          bool person)
{
    return (struct prospect_change){.kind = change_kind_of(p->in_force, after),
                                    .step_tokens = run_config_step_tokens(after),
                                    .person = person};
}

struct stretch prospect_stretch(const struct prospect *p, enum stretch_kind kind, uint64_t start,
                                const uint64_t *step_tokens, size_t n)
{
    const uint32_t wanted = p->asked->gate->windows;
    struct stretch s = stretch_of(kind, start, p->in_force->train->batch, step_tokens, n);
    s.windows = wanted ? wanted : s.windows;
    s.windows = s.windows < p->windows_max ? s.windows : p->windows_max;
    return s;
}

struct stretch prospect_stretch_alone(const struct prospect *p, enum stretch_kind kind,
                                      uint64_t step_tokens, uint64_t start)
{
    const uint64_t tokens[] = {p->step_tokens, step_tokens};
    return prospect_stretch(p, kind, start, tokens, 2);
}

double prospect_arm_tokens(const struct prospect *p, const struct stretch *s)
{
    return stretch_arm_tokens(s, p->step_tokens, p->asked->model->context);
}

double prospect_fixed_tokens(const struct prospect *p, const struct stretch *s)
{
    return stretch_fixed_tokens(s, p->step_tokens, p->asked->model->context);
}

struct prospect_price prospect_price(const struct prospect *p, const struct prospect_change *change,
                                     uint64_t start)
{
    struct prospect_price price = {
        .stretch = prospect_stretch_alone(p, change->kind.kind, change->step_tokens, start)};
    const struct account_arm arm = {.cost = prospect_arm_tokens(p, &price.stretch),
                                    .planner = !change->person};
    price.more = arm.cost;
    price.tokens = account_price(&arm, 1, prospect_fixed_tokens(p, &price.stretch));
    return price;
}

/* Checks the money for one arm beside the trunk, now and at all. */
static int check_money(const struct prospect *p, const struct stretch *s, bool person,
                       struct err *err)
{
    const struct account_arm arm = {.cost = prospect_arm_tokens(p, s), .planner = !person};
    const double fixed = prospect_fixed_tokens(p, s), needs = account_needs(&p->rule, &arm, fixed),
                 all = p->reserved.all;
    if (needs > all)
        return err_set(
            err, ERR_USAGE,
            "a stretch of it from step %llu on takes %.0f tokens, which a run of %llu "
            "steps cannot pay for: expected at least %.0f steps (gate.stake, gate.share)",
            (unsigned long long)s->start, arm.cost + fixed,
            (unsigned long long)p->asked->train->steps,
            ceil(needs / (all / (double)p->asked->train->steps)));
    if (!account_affords(&p->rule, &p->reserved, &arm, 1, fixed))
        return err_set(err, ERR_USAGE,
                       "token budget: a stretch of it takes %.0f tokens, and experiments may cost "
                       "%.0f more (gate.stake, gate.share)",
                       arm.cost + fixed, fmax(0, account_left(&p->rule, &p->reserved)));
    return 0;
}

static bool has_time(const struct prospect *p, const struct stretch *s, uint64_t length)
{
    return !stretch_is_late(&p->rule, s->start, length) && stretch_fits(s, length);
}

static int check_start(const struct prospect *p, const struct prospect_change *change,
                       uint64_t start, Trireme__Cause *cause, struct err *err)
{
    const struct stretch s =
        prospect_stretch_alone(p, change->kind.kind, change->step_tokens, start);
    *cause = TRIREME__CAUSE__time;
    if (!has_time(p, &s, p->length))
        return err_set(err, ERR_USAGE,
                       "too late in the run: a stretch of it begins at step %llu and takes %llu, "
                       "expected to begin by step %.0f and to end by %llu",
                       (unsigned long long)start, (unsigned long long)(s.horizon + s.tail),
                       p->rule.last * (double)p->length, (unsigned long long)p->length);
    *cause = TRIREME__CAUSE__money;
    return check_money(p, &s, change->person, err);
}

int prospect_check_start(const struct prospect *p, const struct prospect_change *change,
                         uint64_t start, struct err *err)
{
    Trireme__Cause unread;
    return check_start(p, change, start, &unread, err);
}

static bool can_start(const struct prospect *p, const struct prospect_change *change,
                      uint64_t start)
{
    struct err unread;
    return prospect_check_start(p, change, start, &unread) == 0;
}

/* Stretches grow with the step, so what cannot be paid now can be paid never. */
uint64_t prospect_last_start(const struct prospect *p, const struct prospect_change *change,
                             uint64_t next)
{
    uint64_t low = next / STRETCH_GRID, high = p->length / STRETCH_GRID + 1;
    if (!can_start(p, change, next))
        return 0;
    while (low + 1 < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (can_start(p, change, middle * STRETCH_GRID))
            low = middle;
        else
            high = middle;
    }
    return low * STRETCH_GRID > next ? low * STRETCH_GRID : next;
}

size_t prospect_decisions(uint64_t *steps, size_t max, const struct prospect *p,
                          const struct prospect_change *change, uint64_t start)
{
    struct prospect then = *p;
    size_t n = 0;
    then.reserved.trained += (double)((start > p->step ? start - p->step : 0) * p->step_tokens);
    then.reserved.step = start > p->step ? start : p->step;
    while (n < max && n < p->rule.pairs && can_start(&then, change, start)) {
        const struct prospect_price price = prospect_price(&then, change, start);
        then.reserved.spent += price.tokens;
        then.reserved.since += change->person ? 0 : price.tokens;
        then.reserved.trained += (double)(price.stretch.horizon * p->step_tokens);
        steps[n++] = then.reserved.step = start += price.stretch.horizon;
        then.length = account_length(&then.reserved);
    }
    return n;
}

int prospect_check(const struct prospect *p, uint64_t step, const Trireme__Config *after,
                   bool person, Trireme__Cause *cause, struct err *err)
{
    const uint32_t hypotheses = p->asked->gate->hypotheses;
    const struct prospect_change change = prospect_change_of(p, after, person);
    *cause = TRIREME__CAUSE__unfit;
    if (p->history->registered >= hypotheses)
        return err_set(err, ERR_USAGE, "this run has tried its %u hypotheses (gate.hypotheses)",
                       hypotheses);
    if (change.step_tokens * FORK_STEPS_MAX < p->step_tokens)
        return err_set(err, ERR_USAGE,
                       "found steps of %llu tokens, expected at least an eighth of the %llu that a "
                       "step has now: each updates all weights",
                       (unsigned long long)change.step_tokens, (unsigned long long)p->step_tokens);
    return check_start(p, &change, prospect_boundary(p, step), cause, err);
}
