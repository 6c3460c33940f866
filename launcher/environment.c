#include "launcher/environment.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A number of digits alone, or -1. */
static int number(const char *text)
{
    return text && *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text)
               ? atoi(text)
               : -1;
}

/* Whether the rank of PMIx is that of the step that srun started this process in. The step's number
 * ends the name that Slurm gives it ("slurm.pmix.77.0"). */
static bool is_of_step(const struct environment_said *said, bool of_slurm)
{
    if (!said->slurm_step || number(said->slurm_rank) != number(said->pmix_rank))
        return false;
    const char *step = of_slurm ? strrchr(said->pmix_namespace, '.') + 1 : said->slurm_step;
    return !strcmp(step, said->slurm_step);
}

void environment_read_job(struct environment_job *job, const struct environment_said *said)
{
    static const char of_slurm[] = "slurm.pmix.";
    const bool slurms =
        said->pmix_namespace && !strncmp(said->pmix_namespace, of_slurm, sizeof of_slurm - 1);
    // srun says the size of its step; a rank of PMIx that is not the step's is left over
    const bool of_step = is_of_step(said, slurms);
    const struct {
        const char *rank, *size, *by;
    } launchers[] = {
        {said->ompi_rank, said->ompi_size,                   "OMPI_COMM_WORLD_SIZE"},
        {said->pmix_rank, of_step ? said->slurm_size : NULL, "SLURM_STEP_NUM_TASKS"},
        {said->pmi_rank,  said->pmi_size,                    "PMI_SIZE"            },
    };
    bool sized = false;
    *job = (struct environment_job){0};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const int rank = number(launchers[i].rank), size = number(launchers[i].size);
        sized = sized || (rank >= 0 && size > 0);
        if (rank < 0 || size < 2)
            continue;
        *job = (struct environment_job){.size = size, .rank = rank, .by = launchers[i].by};
        return;
    }
    if (!sized && !slurms && number(said->pmix_rank) >= 0 && said->pmix_namespace &&
        said->pmix_server)
        *job = (struct environment_job){.size = ENVIRONMENT_SIZE_UNSAID,
                                        .rank = number(said->pmix_rank),
                                        .by = "PMIX_NAMESPACE"};
}

/* The address of a PMIx server, whose variable's name ends in the protocol's version. */
static const char *pmix_server(void)
{
    for (char **v = environ; *v; v++)
        if (!strncmp(*v, "PMIX_SERVER_URI", 15))
            return *v;
    return NULL;
}

static struct environment_job here(void)
{
    const struct environment_said said = {.ompi_rank = getenv("OMPI_COMM_WORLD_RANK"),
                                          .ompi_size = getenv("OMPI_COMM_WORLD_SIZE"),
                                          .pmix_rank = getenv("PMIX_RANK"),
                                          .pmix_namespace = getenv("PMIX_NAMESPACE"),
                                          .pmix_server = pmix_server(),
                                          .pmi_rank = getenv("PMI_RANK"),
                                          .pmi_size = getenv("PMI_SIZE"),
                                          .slurm_step = getenv("SLURM_STEP_ID"),
                                          .slurm_rank = getenv("SLURM_PROCID"),
                                          .slurm_size = getenv("SLURM_STEP_NUM_TASKS")};
    struct environment_job job;
    environment_read_job(&job, &said);
    return job;
}

bool environment_in_job(void)
{
    return here().size != 0;
}

int environment_rank(void)
{
    return here().rank;
}

/* Whether srun started this process. */
static bool is_of_srun(void)
{
    return getenv("SLURM_STEP_ID") && getenv("SLURM_PROCID");
}

int environment_check_srun(struct err *err)
{
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (environment_in_job() || !is_of_srun() || number(tasks) < 2)
        return 0;
    return err_set(err, ERR_MACHINE,
                   "srun started %s tasks without a PMI that MPI can use, so each would train "
                   "alone: found no PMIX_RANK of this step, "
                   "expected `srun --mpi=pmix`, or mpirun inside of the allocation",
                   tasks);
}

bool environment_has_pmi_alone(void)
{
    const struct environment_job job = here();
    return job.size > 0 && !strcmp(job.by, "PMI_SIZE") && !getenv("PMIX_RANK") &&
           !getenv("FLUX_JOB_ID");
}

int environment_refuse_pmi(const char *components, struct err *err)
{
    const char *size = getenv("PMI_SIZE");
    if (is_of_srun())
        return err_set(err, ERR_MACHINE,
                       "srun started %s ranks with a PMI that Open MPI does not know here (it has "
                       "%s): expected `srun --mpi=pmix`, or mpirun inside of the allocation",
                       size, components);
    return err_set(err, ERR_MACHINE,
                   "PMI_SIZE says %s ranks, which Open MPI cannot see: was this started by the "
                   "mpirun of another MPI (MPICH, Intel MPI)? Expected Open MPI's",
                   size);
}

bool environment_spans_hosts(void)
{
    const struct environment_job job = here();
    const int here_alone = number(getenv("OMPI_COMM_WORLD_LOCAL_SIZE"));
    if (here_alone > 0 && job.size > 0)
        return here_alone < job.size;
    return number(getenv("SLURM_STEP_NUM_NODES")) != 1;
}

int environment_check_size(int found, const char *library, struct err *err)
{
    const struct environment_job job = here();
    if (job.size == 0 || job.size == ENVIRONMENT_SIZE_UNSAID || job.size == found)
        return 0;
    if (is_of_srun())
        return err_set(err, ERR_MACHINE,
                       "%s says %d ranks, but %s found %d: srun's PMI is one that it does not "
                       "know, expected `srun --mpi=pmix`, or mpirun inside of the allocation",
                       job.by, job.size, library, found);
    return err_set(err, ERR_MACHINE,
                   "%s says %d ranks, but %s found %d: was this started by the mpirun of another "
                   "MPI? Expected that of %s",
                   job.by, job.size, library, found, library);
}

static const char *text_of(const char *name)
{
    const char *text = getenv(name);
    return text ? text : "";
}

const char *environment_allocation(void)
{
    return text_of("SLURM_JOB_NODELIST");
}

const char *environment_path(void)
{
    return text_of("PATH");
}

const char *environment_home(void)
{
    return text_of("HOME");
}

const char *environment_agent(void)
{
    return text_of("OMPI_MCA_plm_rsh_agent");
}

/* Whether the variable is one that the launcher of a job gives its ranks. Parameters that users
 * set for Open MPI (OMPI_MCA_, PMIX_MCA_) are none, but those with which mpirun tells its ranks who
 * they are. */
static bool is_of_job(const char *variable, bool of_mpirun)
{
    static const char *const always[] = {"OMPI_COMM_WORLD_",
                                         "OMPI_UNIVERSE_SIZE=",
                                         "OMPI_APP_CTX_NUM_PROCS=",
                                         "OMPI_NUM_APP_CTX=",
                                         "OMPI_FIRST_RANKS=",
                                         "OMPI_FILE_LOCATION=",
                                         "OMPI_COMMAND=",
                                         "OMPI_ARGV=",
                                         "PMIX_",
                                         "PMI_"};
    static const char *const mpirun[] = {"OMPI_MCA_orte_precondition_transports=",
                                         "OMPI_MCA_orte_local_daemon_uri=",
                                         "OMPI_MCA_orte_hnp_uri=",
                                         "OMPI_MCA_orte_app_num=",
                                         "OMPI_MCA_orte_num_nodes=",
                                         "OMPI_MCA_orte_bound_at_launch=",
                                         "OMPI_MCA_orte_launch=",
                                         "OMPI_MCA_orte_ess_",
                                         "OMPI_MCA_orte_tmpdir_base=",
                                         "OMPI_MCA_orte_top_session_dir=",
                                         "OMPI_MCA_orte_jobfam_session_dir=",
                                         "OMPI_MCA_ess=",
                                         "OMPI_MCA_ess_base_",
                                         "OMPI_MCA_pmix=",
                                         "OMPI_MCA_initial_wdir=",
                                         "OMPI_MCA_mpi_oversubscribe=",
                                         "OMPI_MCA_shmem_RUNTIME_QUERY_hint="};
    if (!strncmp(variable, "PMIX_MCA_", 9))
        return false;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!strncmp(variable, always[i], strlen(always[i])))
            return true;
    for (size_t i = 0; of_mpirun && i < sizeof mpirun / sizeof *mpirun; i++)
        if (!strncmp(variable, mpirun[i], strlen(mpirun[i])))
            return true;
    return false;
}

void environment_leave_job(void)
{
    const bool of_mpirun = getenv("OMPI_COMM_WORLD_RANK") != NULL;
    char **v = environ;
    while (*v)
        if (!is_of_job(*v, of_mpirun)) {
            v++;
        } else { // those behind it move up
            char *name = strndup(*v, strcspn(*v, "="));
            if (!name || unsetenv(name) < 0)
                v++;
            free(name);
        }
}

void environment_set_home(void)
{
    if (getenv("HOME"))
        return;
    const struct passwd *user = getpwuid(geteuid());
    // where there is none: a folder in which nobody else can put settings for Open MPI
    setenv("HOME", user && user->pw_dir && access(user->pw_dir, X_OK) == 0 ? user->pw_dir : "/", 1);
}

bool environment_set_mca(const char *parameter, const char *value, const char *excludes)
{
    char name[200], other[200];
    snprintf(name, sizeof name, "OMPI_MCA_%s", parameter);
    snprintf(other, sizeof other, "OMPI_MCA_%s", excludes ? excludes : parameter);
    if (getenv(name) || getenv(other))
        return false;
    return setenv(name, value, 1) == 0;
}

int environment_columns(void)
{
    const char *text = getenv(ENVIRONMENT_COLUMNS);
    int columns = text ? atoi(text) : 0;
    return columns > 0 && columns < ENVIRONMENT_COLUMNS_MAX ? columns : 0;
}

char *environment_take(const char *name)
{
    char *value = getenv(name), *copy = value ? strdup(value) : NULL;
    if (copy) {
        explicit_bzero(value, strlen(value));
        unsetenv(name);
    }
    return copy;
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

unsigned environment_read_cpus(const char *text)
{
    unsigned sum = 0;
    for (const char *at = text; at && *at; at += strcspn(at, ","), at += *at == ',') {
        unsigned cpus = 0, nodes = 1;
        int n = 0, times = 0;
        if (sscanf(at, "%5u%n", &cpus, &n) != 1)
            return 0;
        sscanf(at + n, "(x%5u)%n", &nodes, &times);
        if (at[n + times] && at[n + times] != ',')
            return 0;
        sum += cpus * nodes;
    }
    return sum;
}

void environment_find_allocation(struct environment_allocation *allocation)
{
    const char *nodes = getenv("SLURM_JOB_NUM_NODES"), *end = getenv("SLURM_JOB_END_TIME");
    *allocation = (struct environment_allocation){0};
    if (!getenv("SLURM_JOB_ID"))
        return;
    const int n = number(nodes);
    allocation->nodes = n > 0 ? (unsigned)n : 1;
    allocation->cpus = environment_read_cpus(getenv("SLURM_JOB_CPUS_PER_NODE"));
    allocation->end = end ? strtod(end, NULL) : 0;
}
