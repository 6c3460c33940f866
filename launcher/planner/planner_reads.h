/* What a planner's program must be able to read: the system's programs and libraries; the folder of
 * the program, for what lies beside it; interpreters, through "#!" lines, PATH and links to where
 * they were really installed (a venv, pyenv, a module of a cluster), and their libraries; files
 * among its arguments. Nothing of it may hold the run's folder, its data or its secret, or lie in
 * them. Local. */
#pragma once
#include "base/err.h"
#include "launcher/planner/planner_secrets.h"

#include <stddef.h>

enum { PLANNER_READS_MAX = 96 };

struct planner_reads {
    char *paths[PLANNER_READS_MAX]; /* owned; absolute; none lies in another */
    size_t n;
};

/* path: the program's file. words: it and its arguments, n. The path, and words that name files,
 * become absolute ones, as the program works in another folder; all are the caller's, as before.
 * ERR_USAGE, with nothing changed but words, where the program lies in the run or its data, a place
 * that it must read holds them or the secret, or it lies in the home folder itself. */
int planner_reads_find(struct planner_reads *reads, char **path, char **words, size_t n,
                       const struct planner_secrets *secrets, struct err *err);
/* Adds a place that it may do without, unless it holds a secret. */
void planner_reads_want(struct planner_reads *reads, const char *path,
                        const struct planner_secrets *secrets);
void planner_reads_clear(struct planner_reads *reads);
