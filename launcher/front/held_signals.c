#include "launcher/front/held_signals.h"

#include <stddef.h>

const int held_signals[HELD_SIGNALS] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};

void held_signals_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < HELD_SIGNALS; i++)
        sigaddset(set, held_signals[i]);
}

void held_signals_hold(void)
{
    sigset_t set;
    held_signals_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void held_signals_release(void)
{
    sigset_t set;
    held_signals_set(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
