/* Requests to stop: SIGTERM, SIGINT, SIGUSR1 and SIGHUP (unless it was ignored at the start, as
 * nohup does), of whatever sender and number; and, in a rank, the end of what it listens to. All
 * together are one request: a checkpoint, then the end. Only a SIGINT from the terminal that comes
 * 2 s or more after the first one asks for more: to end at once.
 *
 * The front holds the signals back (launcher/front) before it executes the program; a command that
 * stops so takes them here. All functions are local. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Takes the signals as requests, those among them that wait. */
void stop_request_catch(void);

/* Listens to a file, in a thread of its own: a byte, or the end, is a request. For a rank whose
 * `train` holds the other end: it also notices that `train` is gone. */
void stop_request_listen(int file);

/* Makes a request. */
void stop_request_make(void);

/* Not 0: there was a request. It never goes back to 0. */
const volatile sig_atomic_t *stop_request_flag(void);

/* Whether the job is to end at once. */
bool stop_request_is_urgent(void);

/* Whether SIGHUP was ignored at the start, so that it is to be ignored in all of the job. */
bool stop_request_ignores_hangup(void);
void stop_request_ignore_hangup(void);

/* Whether one of the signals waits at another process of ours that holds them back. */
bool stop_request_waits_at(pid_t pid);
