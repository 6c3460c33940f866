#include "launcher/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Variables that hold the rank, by the launcher that sets them. */
static const char *const rank_variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

static const char *rank_text(void)
{
    for (size_t i = 0; i < sizeof rank_variables / sizeof *rank_variables; i++)
        if (getenv(rank_variables[i]))
            return getenv(rank_variables[i]);
    return NULL;
}

bool environment_in_job(void)
{
    return rank_text() != NULL;
}

int environment_rank(void)
{
    const char *text = rank_text();
    return text ? atoi(text) : 0;
}

int environment_check_srun(struct err *err)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (environment_in_job() || !getenv("SLURM_STEP_ID") || !getenv("SLURM_PROCID") || !tasks ||
        atoi(tasks) < 2)
        return 0;
    return err_set(err, ERR_MACHINE,
                   "srun started %s tasks without a PMI that MPI can use, so each would train "
                   "alone: found no PMIX_RANK, "
                   "expected `srun --mpi=pmix`, or mpirun inside of the allocation",
                   tasks);
}

int environment_columns(void)
{
    const char *text = getenv(ENVIRONMENT_COLUMNS);
    int columns = text ? atoi(text) : 0;
    return columns > 0 && columns < ENVIRONMENT_COLUMNS_MAX ? columns : 0;
}

bool environment_supervised(void)
{
    return getenv(ENVIRONMENT_COLUMNS) != NULL;
}

const char *environment_mpi_session(void)
{
    return getenv("OMPI_MCA_orte_jobfam_session_dir");
}

uint32_t environment_mpi_job(void)
{
    const char *text = getenv("PMIX_NAMESPACE");
    char *end = NULL;
    const unsigned long job = text ? strtoul(text, &end, 10) : 0;
    return text && end > text && !*end && job <= UINT32_MAX ? (uint32_t)job : 0;
}

const char *environment_mpi_folder(void)
{
    static const char *const names[] = {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return getenv(names[i]);
    return "/tmp";
}

void environment_choose_kernels(char **arguments)
{
    bool anew = false;
    if (!getenv("OPENBLAS_NUM_THREADS")) { // the pool grows when compute.threads asks for it
        setenv("OPENBLAS_NUM_THREADS", "1", 1);
        anew = true;
    }
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!getenv("OPENBLAS_CORETYPE") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl")) {
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
        anew = true;
    }
#endif
    if (anew)                               // the second time nothing is missing
        execv("/proc/self/exe", arguments); // where it fails, the old kernels do
}
