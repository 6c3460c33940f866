/* Proves, before the first step, that a process sees the run's folder that the launch trains and
 * can write checkpoints there. Nodes may see different folders under one name; a folder may be
 * read-only on some of them. All functions are local. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* ERR_USAGE if the paths of a checkpoint's files would be longer than the system's. */
int run_proof_path(const char *run, struct err *err);

/* ERR_USAGE if RUN/incarnation is not that of the launch; waits a few seconds for it, since other
 * nodes may see it late. */
int run_proof_see(const char *run, uint64_t incarnation, struct err *err);

/* Writes and removes a file of that name (the process's own) in RUN/checkpoints. ERR_USAGE. */
int run_proof_write(const char *run, const char *name, struct err *err);
