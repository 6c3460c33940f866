/* The process's environment. It is read here and nowhere else. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether this process is a rank of an MPI job, and which (from what the launcher of the job said;
 * 0 outside). */
bool environment_in_job(void);
int environment_rank(void);

/* Refuses an srun that started several tasks without a PMI that MPI could use: each would believe
 * that it is alone. */
int environment_check_srun(struct err *err);

/* Columns of the terminal of `train`, which sets them for its ranks; 0: it has none. */
int environment_columns(void);

/* Whether the `train` that started this rank reads what it says. */
bool environment_supervised(void);

/* Where Open MPI keeps what a job needs on this machine: the folder of the session and the number
 * of the job (ranks; NULL and 0 where it does not say), and the folder in which mpirun makes such
 * folders. */
const char *environment_mpi_session(void);
uint32_t environment_mpi_job(void);
const char *environment_mpi_folder(void);

enum { ENVIRONMENT_COLUMNS_MAX = 1000 };
#define ENVIRONMENT_COLUMNS                                                                        \
    "TRIREME_COLUMNS" /* set by `train` for its ranks: columns of the terminal, or 0 */

/* OpenBLAS picks its kernels when it is loaded, before main; on CPUs that are newer than it, it
 * takes old ones, at 60 % of the speed. Where the variables that say otherwise are not set, sets
 * them and executes the program anew, once. */
void environment_choose_kernels(char **arguments);
