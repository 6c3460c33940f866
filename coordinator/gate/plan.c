#include "coordinator/gate/plan.h"

#include "coordinator/gate/gate.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/run.h"
#include "coordinator/train/context.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"
#include "proto/config/run_config.h"

/* Hypotheses begin at multiples of this step, so that those of one time share the trunk's tails. */
enum { GRID = GATE_HORIZON_MIN };
enum {
    FORK_STEPS_MAX = 8
}; /* of a fork, to one of the trunk: tokens do not say what it costs to take them in small steps */

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

uint64_t plan_pair_tokens(const Trireme__Config *trunk, const Trireme__Plan *plan)
{
    return (plan->horizon + 2 * plan->tail) * run_config_step_tokens(trunk) +
           2 * (uint64_t)plan->windows * trunk->model->context / 3;
}

uint64_t plan_tokens_left(const struct history *h, const Trireme__Config *asked,
                          const Trireme__Config *trunk)
{
    static const double tokens_max = 1e18;
    double share =
        asked->gate->share * ((double)asked->train->steps * (double)run_config_step_tokens(asked));
    uint64_t all = (uint64_t)(share < tokens_max ? share : tokens_max), spent = h->tokens;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        if (e->fate == FATE_OPEN && e->forward.n_pairs < GATE_PAIRS_MIN)
            spent +=
                (GATE_PAIRS_MIN - e->forward.n_pairs) * plan_pair_tokens(trunk, e->forward.plan);
    }
    return all > spent ? all - spent : 0;
}

uint64_t plan_committed_tokens(const struct history *h, const Trireme__Config *trunk,
                               uint32_t number, uint64_t step)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        if (e->number == number || e->fate != FATE_OPEN || e->forward.n_pairs < GATE_PAIRS_MIN)
            continue;
        const uint64_t start = attempt_next_start(&e->forward);
        const bool begun = start < step || (start == step && e->number < number);
        const unsigned odd = e->forward.n_pairs % 2;
        tokens += (odd ? 1 : 2 * begun) * plan_pair_tokens(trunk, e->forward.plan);
    }
    return tokens;
}

/* Windows that pairs have read so far, and that those of open hypotheses may yet read. */
static uint64_t windows_used(const struct history *h)
{
    uint64_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        const struct attempt *open = attempt_open(e);
        for (int reverse = 0; reverse < 2; reverse++) {
            const struct attempt *a = reverse ? &e->reverse : &e->forward;
            if (a->plan)
                n += (uint64_t)a->plan->windows * (a == open ? a->plan->pairs : a->n_pairs);
        }
    }
    return n;
}

uint32_t plan_windows_max(const struct context *context)
{
    const struct roster *m = context->roster;
    const double *weights = run_gate_weights(context->run);
    double sum = 0, max = UINT32_MAX;
    if (m->n_sources == 1) // exactly: n * w / w may round below n
        return m->gate_samples[0] < UINT32_MAX ? (uint32_t)m->gate_samples[0] : UINT32_MAX;
    for (size_t s = 0; s < m->n_sources; s++)
        sum += weights[s];
    for (size_t s = 0; s < m->n_sources; s++)
        if (weights[s] > 0 && (double)m->gate_samples[s] * sum / weights[s] < max)
            max = (double)m->gate_samples[s] * sum / weights[s];
    return (uint32_t)max;
}

int plan_make(const struct context *context, Trireme__Plan *plan, uint64_t step, bool slow,
              const Trireme__Config *after, struct err *err)
{
    const Trireme__Config *config = context->run->config;
    const struct history *h = context_history(context);
    if (h->registered >= config->gate->hypotheses)
        return err_set(err, ERR_USAGE,
                       "error budget spent: this run has tried its %u hypotheses (gate.hypotheses)",
                       config->gate->hypotheses);
    uint64_t own = run_config_step_tokens(context_config(context)),
             forks = run_config_step_tokens(after);
    // A stretch is a whole number of the fork's steps.
    uint64_t whole = forks / greatest_common_divisor(own, forks);
    uint64_t start =
        round_up(gate_first_start(config->train->steps, config->schedule->warmup), GRID);
    start = start > step ? start : round_up(step + 1, GRID);
    trireme__plan__init(plan);
    plan->has_slow = 1, plan->slow = slow;
    plan->has_start = 1, plan->start = start;
    plan->has_horizon = 1, plan->horizon = round_up(gate_horizon(slow, start), whole);
    plan->has_tail = 1, plan->tail = round_up(gate_tail_steps(slow, plan->horizon), whole);
    plan->has_pairs = 1,
    plan->pairs = gate_pairs(start, plan->horizon, trial_last_step(context_trunk(context)));
    plan->pairs -= plan->pairs % 2; // looks are at 4, 6 and 8
    plan->has_windows = 1;
    plan->windows = config->gate->windows
                        ? config->gate->windows
                        : gate_window_count(plan->horizon, context_config(context)->train->batch);
    if (plan->windows > plan_windows_max(context))
        plan->windows = plan_windows_max(context);
    plan->has_margin = 1, plan->margin = config->gate->margin;
    plan->has_alpha = 1,
    plan->alpha = gate_alpha(config->gate->alpha, config->gate->hypotheses, h->promotions);
    plan->has_beta = 1, plan->beta = config->gate->beta;
    if (windows_used(h) + GATE_PAIRS_MAX * (uint64_t)plan->windows > plan_windows_max(context))
        plan->holds_for = "this gate text: the pairs of all hypotheses read more windows than it "
                          "has, some of them again";
    if (config->data->order == TRIREME__DATA__ORDER__sequential)
        plan->holds_for = "this order of the data: it is sequential";
    uint64_t fork_steps = trial_equal_steps(plan->horizon, context_config(context), after);
    if (fork_steps > FORK_STEPS_MAX * plan->horizon)
        return err_set(err, ERR_USAGE,
                       "found steps of %llu tokens, expected at least an eighth of the %llu that a "
                       "step has now: each "
                       "updates all weights",
                       (unsigned long long)forks, (unsigned long long)own);
    if (plan->pairs < GATE_PAIRS_MIN)
        return err_set(err, ERR_USAGE,
                       "too late in the run: found %u pairs of %llu steps from step %llu on, "
                       "expected at least %d",
                       plan->pairs, (unsigned long long)plan->horizon, (unsigned long long)start,
                       GATE_PAIRS_MIN);
    const uint64_t needed = GATE_PAIRS_MIN * plan_pair_tokens(context_config(context), plan);
    const uint64_t left = plan_tokens_left(h, config, context_config(context));
    if (needed > left)
        return err_set(err, ERR_USAGE,
                       "token budget: %d pairs take %llu tokens, and experiments may cost %llu "
                       "more (gate.share)",
                       GATE_PAIRS_MIN, (unsigned long long)needed, (unsigned long long)left);
    return 0;
}

bool plan_reverse(const struct context *context, Trireme__Plan *plan, uint64_t step,
                  const Trireme__Plan *forward, const Trireme__Config *before)
{
    *plan = *forward;
    plan->has_reverse = 1, plan->reverse = true;
    plan->start = step;
    // As many tokens as before; a whole number of steps, since forward stretches were made so.
    plan->horizon = trial_equal_steps(forward->horizon, before, context_config(context));
    plan->tail = trial_equal_steps(forward->tail, before, context_config(context));
    plan->pairs = GATE_PAIRS_MIN;
    return context->run->config->gate->confirm &&
           step + GATE_PAIRS_MIN * plan->horizon <= trial_last_step(context_trunk(context));
}
