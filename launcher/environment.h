/* The process's environment. It is read here and nowhere else. */
#pragma once
#include "base/err.h"

#include <stdbool.h>

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

/* When the `train` that started this rank began, in seconds since 1970; 0: it did not say. */
double environment_began(void);

/* Whether that `train` ignores SIGHUP, as nohup has it. */
bool environment_ignores_hangup(void);

enum { ENVIRONMENT_COLUMNS_MAX = 1000 };
#define ENVIRONMENT_COLUMNS                                                                        \
    "TRIREME_COLUMNS" /* set by `train` for its ranks: columns of the terminal, or 0 */

#define ENVIRONMENT_BEGAN  "TRIREME_BEGAN"  /* set likewise */
#define ENVIRONMENT_HANGUP "TRIREME_HANGUP" /* likewise: "ignored", or "" */
