#include "launcher/doctor/ask_mpi.h"

#include "launcher/doctor/finding.h"
#include "launcher/machine/mpirun_kind.h"
#include "launcher/machine/question.h"
#include "proto/net/mpi_library.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VERSION_SIZE = 32 };
static const char is_open_mpi[] = "Open MPI v";

/* "4.1" of "4.1.4": what library and mpirun must have in common. */
static void series(char text[VERSION_SIZE], const char *version)
{
    const char *dot = strchr(version, '.');
    size_t n = dot ? (size_t)(dot - version) + 1 : 0;
    while (dot && isdigit((unsigned char)version[n]))
        n++;
    snprintf(text, VERSION_SIZE, "%.*s", (int)n, version);
}

/* The library's version, "" if it is no Open MPI. */
static void ask_library(Trireme__DoctorReply *reply, char version[VERSION_SIZE])
{
    char says[200], *end = NULL;
    version[0] = 0;
    mpi_library_version(says, sizeof says);
    if (!strncmp(says, is_open_mpi, sizeof is_open_mpi - 1)) {
        snprintf(version, VERSION_SIZE, "%.*s", VERSION_SIZE - 1, says + sizeof is_open_mpi - 1);
        version[strspn(version, "0123456789.")] = 0;
    }
    if ((end = strchr(says, ',')))
        *end = 0;
    finding_add(reply, version[0] ? TRIREME__FINDING__LEVEL__ok : TRIREME__FINDING__LEVEL__warn,
                "MPI library",
                version[0] ? NULL : "build with Open MPI, the only MPI that was tried", "%s", says);
}

static void ask_mpirun(Trireme__DoctorReply *reply, const char *library)
{
    struct mpirun_kind kind;
    struct err why;
    char ours[VERSION_SIZE], its[VERSION_SIZE];
    if (mpirun_kind_ask(&kind, &why) < 0) {
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, "mpirun",
                    "install Open MPI's (Debian: apt-get install openmpi-bin) or load its module",
                    "%s", why.text);
        return;
    }
    series(ours, library);
    series(its, kind.version);
    if (kind.kind != MPI_KIND_OPEN_MPI)
        finding_add(
            reply, TRIREME__FINDING__LEVEL__bad, "mpirun",
            "put Open MPI's mpirun first in PATH: another one starts ranks that do not find "
            "each other",
            "%s, that of %s (%s)", kind.path, mpirun_kind_name(kind.kind), kind.said);
    else if (*library && strcmp(ours, its))
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, "mpirun",
                    "put the mpirun that belongs to the library first in PATH, or build anew",
                    "%s, of Open MPI %s beside a library of %s", kind.path, kind.version, library);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "mpirun", NULL, "%s, Open MPI %s",
                    kind.path, kind.version);
}

static void ask_slurm(Trireme__DoctorReply *reply, double seconds)
{
    const char *const words[] = {"srun", "--mpi=list", NULL};
    struct question q;
    struct err why;
    if (question_ask(&q, words, seconds, &why) < 0) {
        if (q.pid)
            finding_add(reply, TRIREME__FINDING__LEVEL__warn, "Slurm",
                        "ask whether the cluster's Slurm is well", "%s", why.text);
        else
            finding_add(reply, TRIREME__FINDING__LEVEL__ok, "Slurm", NULL, "none: no srun in PATH");
    } else if (q.code) {
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "Slurm",
                    "nothing, if there is no Slurm for you here; else ask its operators",
                    "srun --mpi=list ended with code %d", q.code);
    } else if (q.text.bytes && strstr(q.text.bytes, "pmix")) {
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "Slurm", NULL,
                    "srun --mpi=pmix, and mpirun inside of an allocation");
    } else {
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "Slurm",
                    "let `train` start mpirun inside of the allocation (submit --launcher mpirun)",
                    "no pmix among the PMIs that srun --mpi=list names");
    }
    question_end(&q);
}

void ask_mpi(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    char library[VERSION_SIZE];
    ask_library(reply, library);
    ask_mpirun(reply, library);
    ask_slurm(reply, request->patience);
}
