/* flock on a file, where it keeps others out. Some file systems refuse it (ENOSYS, ENOLCK, ...),
 * some grant it to everybody; which of these is so is found out by trying. */
#pragma once
#include "base/err.h"

typedef int (*file_lock_fn)(int fd, int operation); /* flock, or what tests put in its place */

/* Locks an open file, whose path is given too. Returns 0; 1 if somebody else has locked it; -1 with
 * ERR_MACHINE on an error that says neither. Where locks do not exclude, *missing gets the reason,
 * which the caller frees, and the result is 0; it is left as it is otherwise. */
int file_lock_take(char **missing, file_lock_fn lock, int fd, const char *path, struct err *err);

/* Tries it in a folder. Returns NULL if flock excludes there, else why not, which the caller frees.
 * Runs in such a folder are held by the existence of RUN/lock.json alone. */
char *file_lock_missing(const char *folder);
