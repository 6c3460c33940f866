/* What trials have cost, and what one costs by when it begins: all by the prospect's functions. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/campaign/prospect.h"
#include "coordinator/ledger/history.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <math.h>

enum { PRICES = 4 };

/* A planner's change of that kind whose steps are as large as the trunk's. */
static struct prospect_change change_of(const struct prospect *p, enum stretch_kind kind)
{
    return (struct prospect_change){.kind.kind = kind, .step_tokens = p->step_tokens};
}

/* Returns whether it can begin there, and be paid. */
static bool price_at(struct prospect_price *price, const struct prospect *p, enum stretch_kind kind,
                     uint64_t start)
{
    struct err unread;
    const struct prospect_change change = change_of(p, kind);
    *price = prospect_price(p, &change, start);
    return prospect_check_start(p, &change, start, &unread) == 0;
}

static void tell_price(Trireme__Budget *to, const struct prospect *p, uint64_t start)
{
    struct prospect_price plain, calm;
    Trireme__Price *price = message_new(&trireme__price__descriptor);
    TELL(price, start, start);
    if (price_at(&plain, p, STRETCH_PLAIN, start)) {
        TELL(price, plain_steps, plain.stretch.horizon);
        TELL(price, plain_tokens, (uint64_t)ceil(plain.tokens));
        TELL(price, plain_more, (uint64_t)ceil(plain.more));
    }
    if (price_at(&calm, p, STRETCH_CALM, start)) {
        TELL(price, calm_steps, calm.stretch.horizon);
        TELL(price, calm_tokens, (uint64_t)ceil(calm.tokens));
        TELL(price, calm_more, (uint64_t)ceil(calm.more));
    }
    APPEND(to, prices, price);
}

/* At the next start, at the last one, and at two between, in equal ratios. */
static void tell_prices(Trireme__Budget *to, const struct prospect *p, uint64_t next)
{
    const struct prospect_change a_plain = change_of(p, STRETCH_PLAIN),
                                 a_calm = change_of(p, STRETCH_CALM);
    const uint64_t plain = prospect_last_start(p, &a_plain, next),
                   calm = prospect_last_start(p, &a_calm, next), last = plain > calm ? plain : calm;
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
        tell_price(to, p, start);
        before = start;
    }
}

void briefing_tell_budget(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct prospect now = prospect_of(input->config, input->asked, input->history,
                                            input->step, b->tokens, input->windows_max),
                          after = prospect_after(&now);
    TELL(b, tokens_left, (uint64_t)account_left(&now.rule, &now.reserved));
    TELL(b, step_tokens, now.step_tokens);
    TELL(b, tokens_planned, (uint64_t)now.account.all);
    TELL(b, steps, now.length);
    TELL(b->budget, spent,
         history_tokens(input->history, input->history->spent,
                        run_config_step_tokens(input->asked)));
    TELL(b->budget, reserved, (uint64_t)(now.reserved.spent - now.account.spent));
    const uint64_t next = prospect_next_start(&now);
    TELL(b->budget, next_start, next);
    tell_prices(b->budget, &after, next);
}
