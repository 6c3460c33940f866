/* fork and exec, with an answer whether the program could be executed: a code of 127 is then the
 * program's own. */
#pragma once
#include <sys/types.h>

/* Starts words[0], looked for in PATH, in a new process with nothing to read; prepare is called
 * there before, between fork and exec. Returns 0, or why it could not be started, as in errno; then
 * no process is left. *pid: to be waited for. */
int execute(pid_t *pid, const char *const *words, void (*prepare)(void *context), void *context);
