/* Processes of this machine, as Linux tells of them in /proc. */
#pragma once
#include <sys/types.h>

struct text;

/* Adds the files that a process has open or mapped, a line each, as far as the system tells. */
void processes_files_of(struct text *files, pid_t pid);

/* The same of all processes of this user. */
void processes_files(struct text *files);

/* Number of the processes of a session that have not ended; signal: sent to each of them, or 0. */
int processes_of_session(pid_t session, int signal);
