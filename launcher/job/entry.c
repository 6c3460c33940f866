#include "launcher/job/entry.h"

#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/job/bridges.h"
#include "launcher/job/job.h"
#include "launcher/job/networks.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/mpi_transport.h"
#include "proto/schema/message.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const double later_seconds = 5, watched_seconds = 20;

static char *left_out; /* of the one MPI that a process opens */

const char *entry_left_out(void)
{
    return left_out;
}

static double launch_seconds(const struct job *job)
{
    struct err unread;
    Trireme__Config *config = job->config ? job->config(job->request, &unread) : NULL;
    const double seconds = config ? run_config_launch_seconds(config) : ENTRY_SECONDS;
    message_free(config);
    return seconds;
}

/* What is said where MPI does not return; it must not need memory then. */
static char *late_sentence(int rank, const char *host, double seconds)
{
    char *networks = bridges_networks();
    char *text = mem_format("rank %d on %s: MPI did not connect the ranks within %.0f s "
                            "(wait.launch): have the hosts a "
                            "network in common that is not a bridge of each? This host has %s: set "
                            "OMPI_MCA_btl_tcp_if_include to the one that they share",
                            rank, host, seconds, networks);
    free(networks);
    return text;
}

struct endpoint *entry_open(const struct job *job, struct err *err)
{
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    const int rank = environment_rank();
    const bool watched = environment_supervised();
    const double seconds = launch_seconds(job);
    char *late = late_sentence(rank, host, seconds);
    char *impossible =
        mem_format("rank %d on %s: MPI cannot start, and says why above%s", rank, host,
                   environment_of_srun() ? "; with srun expected --mpi=pmix" : "");
    if (watched)
        fprintf(stderr, ENTRY_BEGUN "%d %s\n", rank, host);
    left_out = networks_leave_out();
    const struct mpi_transport_bounds bounds = {
        .seconds = seconds + (rank > 0 ? later_seconds : 0) + (watched ? watched_seconds : 0),
        .late = late,
        .impossible = rank == 0 && !watched ? impossible : NULL};
    struct endpoint *endpoint = mpi_transport_open(&bounds);
    free(impossible);
    free(late);
    if (environment_check_size(endpoint->size, mpi_transport_library(), err) == 0)
        return endpoint;
    mpi_transport_close(endpoint, (int)err->code, err->text);
    return NULL;
}
