/* The signals that ask a launch to stop (launcher/job/stop_request.h): SIGTERM, SIGINT, SIGUSR1 and
 * SIGHUP. Held back they wait, over an exec too, and neither end the process nor are lost. */
#pragma once
#include <signal.h>

enum { HELD_SIGNALS = 4 };
extern const int held_signals[HELD_SIGNALS];

void held_signals_hold(void);
void held_signals_release(void);
void held_signals_set(sigset_t *set); /* fills it in */
