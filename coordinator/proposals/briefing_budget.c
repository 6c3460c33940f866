/* What trials have cost, and what one costs by when it begins: all by the rule's own functions. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/gate/rule.h"
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/briefing_internal.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <math.h>

enum { PRICES = 4 };

struct money {
    const struct briefing_input *input;
    struct rule rule;
    struct account account, reserved; /* as it stands; as if the stretch under way were over */
    uint64_t length, step_tokens;     /* of the trunk */
};

static struct money money_of(const Trireme__Briefing *b, const struct briefing_input *input)
{
    struct money m = {.input = input,
                      .rule = rule_of(input->asked),
                      .step_tokens = run_config_step_tokens(input->config)};
    const struct history *h = input->history;
    const uint64_t unit = run_config_step_tokens(input->asked);
    m.account =
        (struct account){.all = (double)input->asked->train->steps * (double)unit,
                         // what the first rule spent came on top of the run
                         .spent = h->first_rule ? 0 : (double)history_tokens(h, h->spent, unit),
                         .since = (double)history_tokens(h, h->since, unit),
                         .step = input->step,
                         .trained = (double)b->tokens,
                         .step_tokens = (double)m.step_tokens};
    m.reserved = m.account;
    campaign_reserve(&m.reserved, input->history, input->asked->model->context);
    m.length = account_length(&m.account);
    return m;
}

/* The next step at which a stretch can begin. */
static uint64_t next_start(const struct money *m)
{
    const struct history *h = m->input->history;
    const uint64_t first = stretch_first(&m->rule, m->input->asked->schedule->warmup),
                   next = h->stretch ? h->stretch_start + h->stretch->horizon
                                     : (m->input->step / STRETCH_GRID + 1) * STRETCH_GRID;
    return next < first ? first : next;
}

struct price {
    uint64_t steps; /* 0: it cannot begin, or cannot be paid */
    double tokens, more;
};

static struct price price_at(const struct money *m, enum stretch_kind kind, uint64_t start)
{
    const uint64_t tokens[] = {m->step_tokens, m->step_tokens};
    const uint32_t context = m->input->asked->model->context,
                   most = m->input->windows_max ? m->input->windows_max : UINT32_MAX;
    const struct stretch s =
        campaign_stretch_of(kind, start, m->input->config, m->input->asked, most, tokens, 2);
    const double fixed = stretch_fixed_tokens(&s, m->step_tokens, context);
    struct account_arm arm = {.cost = stretch_arm_tokens(&s, m->step_tokens, context),
                              .planner = true};
    if (stretch_is_late(&m->rule, start, m->length) || !stretch_fits(&s, m->length) ||
        !account_affords(&m->rule, &m->reserved, &arm, 1, fixed))
        return (struct price){0};
    return (struct price){s.horizon, account_price(&arm, 1, fixed), arm.cost};
}

/* The last step at which one can begin and be paid; 0: none. Stretches grow with the step, so what
 * cannot be paid now can be paid never. */
static uint64_t last_start(const struct money *m, enum stretch_kind kind, uint64_t next)
{
    uint64_t low = next / STRETCH_GRID, high = m->length / STRETCH_GRID + 1;
    if (!price_at(m, kind, next).steps)
        return 0;
    while (low + 1 < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (price_at(m, kind, middle * STRETCH_GRID).steps)
            low = middle;
        else
            high = middle;
    }
    return low * STRETCH_GRID > next ? low * STRETCH_GRID : next;
}

static void tell_price(Trireme__Budget *to, const struct money *m, uint64_t start)
{
    const struct price plain = price_at(m, STRETCH_PLAIN, start),
                       calm = price_at(m, STRETCH_CALM, start);
    Trireme__Price *price = message_new(&trireme__price__descriptor);
    TELL(price, start, start);
    if (plain.steps) {
        TELL(price, plain_steps, plain.steps);
        TELL(price, plain_tokens, (uint64_t)ceil(plain.tokens));
        TELL(price, plain_more, (uint64_t)ceil(plain.more));
    }
    if (calm.steps) {
        TELL(price, calm_steps, calm.steps);
        TELL(price, calm_tokens, (uint64_t)ceil(calm.tokens));
        TELL(price, calm_more, (uint64_t)ceil(calm.more));
    }
    APPEND(to, prices, price);
}

/* At the next start, at the last one, and at two between, in equal ratios. */
static void tell_prices(Trireme__Budget *to, const struct money *m, uint64_t next)
{
    const uint64_t plain = last_start(m, STRETCH_PLAIN, next),
                   calm = last_start(m, STRETCH_CALM, next), last = plain > calm ? plain : calm;
    if (plain)
        TELL(to, last_plain, plain);
    if (calm)
        TELL(to, last_calm, calm);
    uint64_t before = 0;
    for (unsigned i = 0; last && i < PRICES; i++) {
        const double ratio = (double)last / (double)next,
                     at = (double)next * pow(ratio, (double)i / (PRICES - 1));
        const uint64_t start = i == 0            ? next
                               : i + 1 == PRICES ? last
                                                 : (uint64_t)(at / STRETCH_GRID) * STRETCH_GRID;
        if (start <= before)
            continue;
        tell_price(to, m, start);
        before = start;
    }
}

void briefing_tell_budget(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct money m = money_of(b, input);
    TELL(b, tokens_left, (uint64_t)account_left(&m.rule, &m.reserved));
    TELL(b, step_tokens, m.step_tokens);
    TELL(b, tokens_planned, (uint64_t)m.account.all);
    TELL(b, steps, m.length);
    TELL(b->budget, spent,
         history_tokens(input->history, input->history->spent,
                        run_config_step_tokens(input->asked)));
    TELL(b->budget, reserved, (uint64_t)(m.reserved.spent - m.account.spent));
    const uint64_t next = next_start(&m);
    TELL(b->budget, next_start, next);
    tell_prices(b->budget, &m, next);
}
