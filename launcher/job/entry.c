#include "launcher/job/entry.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/environment.h"
#include "launcher/job/job.h"
#include "launcher/machine/bridges.h"
#include "launcher/machine/networks.h"
#include "launcher/machine/question.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/mpi_transport.h"
#include "proto/schema/message.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A rank above 0, or one that `train` watches, waits longer: one sentence is enough. */
static const double later_seconds = 5, watched_seconds = 20, question_seconds = 30;

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

/* The components of Open MPI by which a rank finds its job, as ompi_info tells: "ext3x, flux". */
static void read_components(struct text *names, const char *told)
{
    static const char before[] = "mca:pmix:";
    for (const char *at = told; (at = strstr(at, before));) {
        at += sizeof before - 1;
        char name[40];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ":\n"), at);
        if (!names->size || !strstr(names->bytes, name))
            text_printf(names, "%s%s", names->size ? ", " : "", name);
    }
}

/* A job that is told by PMI alone, older than PMIx: Open MPI can be built to know Slurm's, and ends
 * the process if it was not. That of another MPI's mpirun it does not see at all. */
static int check_pmi(struct err *err)
{
    static const char *const words[] = {"ompi_info", "--parsable", NULL};
    if (!mpi_transport_is_open_mpi() || !environment_has_pmi_alone())
        return 0;
    struct question question;
    struct text names = {0};
    struct err unasked; // without the answer MPI itself says it, in more words
    int rc = 0;
    if (question_ask(&question, words, question_seconds, &unasked) == 0 && question.text.bytes)
        read_components(&names, question.text.bytes);
    if (names.size && !strstr(names.bytes, "s1") && !strstr(names.bytes, "s2"))
        rc = environment_refuse_pmi(names.bytes, err);
    question_end(&question);
    text_clear(&names);
    return rc;
}

struct endpoint *entry_open(const struct job *job, struct err *err)
{
    char host[HOST_NAME_MAX + 1] = "";
    if (check_pmi(err) < 0)
        return NULL;
    gethostname(host, sizeof host - 1);
    const int rank = environment_rank();
    const bool watched = environment_supervised();
    const double seconds = launch_seconds(job);
    char *late = late_sentence(rank, host, seconds);
    if (watched)
        fprintf(stderr, ENTRY_BEGUN "%d %s\n", rank, host);
    left_out = networks_leave_out();
    struct endpoint *endpoint = mpi_transport_open(
        seconds + (rank > 0 ? later_seconds : 0) + (watched ? watched_seconds : 0), late);
    free(late);
    if (environment_check_size(endpoint->size, mpi_transport_library(), err) == 0)
        return endpoint;
    mpi_transport_close(endpoint, (int)err->code, err->text);
    return NULL;
}
