/* The process's environment. It is read here and nowhere else. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What launchers of jobs say of this process; NULL: not set. */
struct environment_said {
    const char *ompi_rank, *ompi_size;                    /* OMPI_COMM_WORLD_RANK, _SIZE */
    const char *pmix_rank, *pmix_namespace, *pmix_server; /* PMIX_RANK, _NAMESPACE, _SERVER_URI */
    const char *pmi_rank, *pmi_size;                      /* PMI_RANK, PMI_SIZE */
    const char *slurm_step, *slurm_rank, *slurm_size;     /* SLURM_STEP_ID, _PROCID, _NUM_TASKS */
};

/* The job that this process is a rank of. */
struct environment_job {
    int size;       /* ranks; 0: it is in none; ENVIRONMENT_SIZE_UNSAID */
    int rank;       /* 0 outside */
    const char *by; /* the variable that says the size; NULL outside */
};
enum { ENVIRONMENT_SIZE_UNSAID = -1 };

/* Finds it. A process is in a job only if the job has more than one rank: a shell in an allocation,
 * or one that mpirun started alone, has variables of a rank too. A rank without the size of its job
 * is left over from somewhere, unless a server of PMIx is there to ask. Pure. */
void environment_read_job(struct environment_job *job, const struct environment_said *said);

/* The same for this process. */
bool environment_in_job(void);
int environment_rank(void);

/* Refuses an srun that started several tasks without a PMI that MPI could use: each would believe
 * that it is alone. */
int environment_check_srun(struct err *err);

/* Refuses a job of which MPI's library found another number of ranks than the environment says: it
 * was started by the mpirun of another MPI, or by an srun with another PMI. library: its name and
 * version. */
int environment_check_size(int found, const char *library, struct err *err);

/* Whether the job is told by PMI alone (PMI_SIZE, and no PMIx): by srun --mpi=pmi2, or by the
 * mpirun of MPICH or Intel MPI. The second refuses it: Open MPI has only these components. */
bool environment_has_pmi_alone(void);
int environment_refuse_pmi(const char *components, struct err *err);

/* Whether the ranks of this process's job may be on several hosts. */
bool environment_spans_hosts(void);

/* The hosts of a Slurm allocation, as it writes them ("node[1-4]"); "": there is none. */
const char *environment_allocation(void);

/* Takes away what this process was told of the job, or of the shell, that it was started in: the
 * mpirun that it starts would believe that it is a rank of it. */
void environment_leave_job(void);

/* Sets HOME where it is missing: Open MPI dies without one. */
void environment_set_home(void);

/* Sets a variable of an MCA parameter of Open MPI that the user has not set there, nor the one that
 * excludes it (or NULL). Returns whether it is set now by this. */
bool environment_set_mca(const char *parameter, const char *value, const char *excludes);

/* Folders in which programs are looked for; the user's folder; what reaches other hosts for mpirun.
 * Borrowed; "" where they are not set. */
const char *environment_path(void);
const char *environment_home(void);
const char *environment_agent(void);

/* The allocation of Slurm that this process is in. */
struct environment_allocation {
    unsigned nodes; /* 0: it is in none */
    unsigned cpus;  /* over all nodes; 0: not said */
    double end;     /* when Slurm ends it, in seconds since 1970; 0: not said */
};
void environment_find_allocation(struct environment_allocation *allocation);

/* Reads SLURM_JOB_CPUS_PER_NODE, "16(x2),8": the sum over the nodes; 0 where it is not that. Pure.
 */
unsigned environment_read_cpus(const char *text);

/* Columns of the terminal of `train`, which sets them for its ranks; 0: it has none. */
int environment_columns(void);

/* Takes a variable out of the environment, and its value out of what the kernel shows of it; fresh,
 * and the caller's to wipe. NULL: it is not set. Before there are threads. */
char *environment_take(const char *name);

/* Whether the `train` that started this rank reads what it says. */
bool environment_supervised(void);

/* When the `train` that started this rank began, in seconds since 1970; 0: it did not say. */
double environment_began(void);

/* Whether that `train` ignores SIGHUP, as nohup has it. */
bool environment_ignores_hangup(void);
/* Where Open MPI keeps what a job needs on this machine: the folder of the session and the number
 * of the job (ranks; NULL and 0 where it does not say), and the folder in which mpirun makes such
 * folders. */
const char *environment_mpi_session(void);
uint32_t environment_mpi_job(void);
const char *environment_mpi_folder(void);

enum { ENVIRONMENT_COLUMNS_MAX = 1000 };
#define ENVIRONMENT_COLUMNS                                                                        \
    "TRIREME_COLUMNS" /* set by `train` for its ranks: columns of the terminal, or 0 */

#define ENVIRONMENT_BEGAN  "TRIREME_BEGAN"  /* set likewise */
#define ENVIRONMENT_HANGUP "TRIREME_HANGUP" /* likewise: "ignored", or "" */
