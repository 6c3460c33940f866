#include "launcher/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

double environment_began(void)
{
    const char *text = environment_supervised() ? getenv(ENVIRONMENT_BEGAN) : NULL;
    return text ? strtod(text, NULL) : 0;
}

bool environment_ignores_hangup(void)
{
    const char *text = environment_supervised() ? getenv(ENVIRONMENT_HANGUP) : NULL;
    return text && text[0];
}
