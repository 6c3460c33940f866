#include "coordinator/gate/stretch.h"

#include "base/check.h"

#include <math.h>

enum { HORIZON_MIN = 10, WINDOWS_MIN = 64, WINDOWS_MAX = 1024 };

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return n / by + (n % by != 0);
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
    return divide_up(n, to) * to;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b, b = rest;
    }
    return a;
}

uint64_t stretch_first(const struct rule *rule, uint64_t warmup)
{
    return round_up(warmup > rule->first_steps ? warmup : rule->first_steps, STRETCH_GRID);
}

bool stretch_is_late(const struct rule *rule, uint64_t step, uint64_t length)
{
    return (double)step > rule->last * (double)length;
}

/* Steps of the trunk in which each arm has whole steps. */
static uint64_t whole_steps(const uint64_t *step_tokens, size_t n)
{
    uint64_t tokens = step_tokens[0];
    for (size_t i = 1; i < n; i++)
        tokens = tokens / greatest_common_divisor(tokens, step_tokens[i]) * step_tokens[i];
    return tokens / step_tokens[0];
}

struct stretch stretch_of(enum stretch_kind kind, uint64_t start, uint32_t batch,
                          const uint64_t *step_tokens, size_t n)
{
    ASSERT(start >= 1 && n >= 1);
    const uint64_t whole = whole_steps(step_tokens, n);
    const bool calm = kind == STRETCH_CALM;
    struct stretch s = {.start = start, .horizon = divide_up(start, calm ? 4 : 6)};
    s.horizon = round_up(s.horizon > HORIZON_MIN ? s.horizon : HORIZON_MIN, whole);
    s.tail = round_up(calm ? s.horizon : divide_up(s.horizon, 2), whole);
    const double windows = 0.25 * (double)s.horizon * batch;
    s.windows = (uint32_t)fmin(fmax(windows, WINDOWS_MIN), WINDOWS_MAX);
    return s;
}

/* An evaluated token costs a third of one that is trained on. */
static double reading(const struct stretch *s, uint32_t context)
{
    return (double)s->windows * context / 3;
}

double stretch_arm_tokens(const struct stretch *s, uint64_t step_tokens, uint32_t context)
{
    return (double)((s->horizon + s->tail) * step_tokens) + reading(s, context);
}

double stretch_fixed_tokens(const struct stretch *s, uint64_t step_tokens, uint32_t context)
{
    return (double)(s->tail * step_tokens) + reading(s, context);
}

bool stretch_fits(const struct stretch *s, uint64_t length)
{
    return s->start + s->horizon + s->tail <= length;
}

enum stretch_kind stretch_next_kind(const struct stretch_candidate *candidates, size_t n,
                                    bool has_watch, enum stretch_kind watch)
{
    if (has_watch)
        return watch;
    for (size_t i = 0; i < n; i++)
        if (candidates[i].kind == STRETCH_PLAIN)
            return STRETCH_PLAIN;
    return STRETCH_CALM;
}

/* Who comes first has the lower number. */
static unsigned turn_of(const struct stretch_candidate *c)
{
    return c->open ? 0 : c->returned ? 1 : c->slow ? 2 : 3;
}

size_t stretch_choose(size_t *chosen, size_t forks, enum stretch_kind kind,
                      const struct stretch_candidate *candidates, size_t n)
{
    size_t n_chosen = 0;
    for (unsigned turn = 0; turn <= 3; turn++)
        for (size_t i = 0; i < n && n_chosen < forks; i++)
            if (candidates[i].kind == kind && turn_of(&candidates[i]) == turn)
                chosen[n_chosen++] = i;
    return n_chosen;
}
