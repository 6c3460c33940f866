#include "launcher/job/stop_request.h"

#include "base/mem.h"
#include "launcher/front/held_signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { URGENT_SECONDS = 2 };

static volatile sig_atomic_t asked, urgent, interrupted;
static volatile time_t first_interrupt; /* seconds of a clock; written before `interrupted` */
static bool ignores_hangup;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    const int error = errno;
    struct timespec now;
    asked = 1;
    if (signal == SIGINT && info->si_code == SI_KERNEL) { // a key of the terminal
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (!interrupted)
            first_interrupt = now.tv_sec;
        else if (now.tv_sec - first_interrupt >= URGENT_SECONDS)
            urgent = 1;
        interrupted = 1;
    }
    errno = error;
}

void stop_request_catch(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_RESTART | SA_SIGINFO}, was;
    held_signals_set(&action.sa_mask);
    for (size_t i = 0; i < HELD_SIGNALS; i++) {
        if (held_signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &was) == 0 &&
            was.sa_handler == SIG_IGN)
            ignores_hangup = true;
        else
            sigaction(held_signals[i], &action, NULL);
    }
    held_signals_release();
}

bool stop_request_ignores_hangup(void)
{
    return ignores_hangup;
}

void stop_request_ignore_hangup(void)
{
    ignores_hangup = true;
    signal(SIGHUP, SIG_IGN);
}

/* Its argument is the file. */
static void *listen_to(void *file)
{
    struct pollfd fd = {.fd = (int)(intptr_t)file, .events = POLLIN};
    while (poll(&fd, 1, -1) < 1) { // what there is, or the end, is the request
    }
    asked = 1;
    return NULL;
}

void stop_request_listen(int file)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // where there is no thread, signals still come
    if (pthread_create(&thread, NULL, listen_to, (void *)(intptr_t)file) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void stop_request_make(void)
{
    asked = 1;
}

const volatile sig_atomic_t *stop_request_flag(void)
{
    return &asked;
}

bool stop_request_is_urgent(void)
{
    return urgent;
}

bool stop_request_waits_at(pid_t pid)
{
    char *path = mem_format("/proc/%d/status", (int)pid), line[256];
    unsigned long long waiting = 0;
    FILE *f = fopen(path, "re");
    free(path);
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "ShdPnd:", 7))
            waiting = strtoull(line + 7, NULL, 16);
    if (f)
        fclose(f);
    for (size_t i = 0; i < HELD_SIGNALS; i++)
        if (waiting >> (held_signals[i] - 1) & 1 && !(held_signals[i] == SIGHUP && ignores_hangup))
            return true;
    return false;
}
