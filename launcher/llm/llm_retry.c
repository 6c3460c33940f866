#include "launcher/llm/llm_retry.h"

static const double first_wait = 1, longest_wait = 30;
static const double first_pause = 60, longest_pause = 1800, longest_asked = 86400;

enum llm_again llm_retry_of(unsigned status)
{
    enum { TIMEOUT = 408, CONFLICT = 409, TOO_EARLY = 425, TOO_MANY = 429, SERVERS = 500 };
    if (status >= 200 && status < 300)
        return LLM_FINE;
    return status == 0 || status == TIMEOUT || status == CONFLICT || status == TOO_EARLY ||
                   status == TOO_MANY || status >= SERVERS // 529: overloaded
               ? LLM_AGAIN
               : LLM_NEVER;
}

double llm_retry_wait(unsigned tries, double asked, double uniform)
{
    double wait = first_wait;
    for (unsigned i = 1; i < tries && wait < longest_wait; i++)
        wait *= 2;
    wait = wait < longest_wait ? wait : longest_wait;
    // never sooner than the server says; all that it sent away at once must not come back at once
    return asked > 0 ? asked + uniform * first_wait : wait * (0.5 + 0.5 * uniform);
}

bool llm_breaker_lets(const struct llm_breaker *breaker, double now, double *seconds)
{
    const double until =
        breaker->until > breaker->asked_until ? breaker->until : breaker->asked_until;
    *seconds = until > now ? until - now : 0;
    return *seconds <= 0;
}

void llm_breaker_note(struct llm_breaker *breaker, bool answered, bool never, double asked,
                      double now)
{
    if (answered) {
        *breaker = (struct llm_breaker){0};
        return;
    }
    breaker->failures++;
    double pause = first_pause;
    for (unsigned i = LLM_BREAKER_FAILURES; i < breaker->failures && pause < longest_pause; i++)
        pause *= 2;
    pause = pause < longest_pause ? pause : longest_pause;
    if (never || breaker->failures >= LLM_BREAKER_FAILURES)
        breaker->until = now + pause;
    if (asked > 0)
        breaker->asked_until = now + (asked < longest_asked ? asked : longest_asked);
}
