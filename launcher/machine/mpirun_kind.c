#include "launcher/machine/mpirun_kind.h"

#include "launcher/environment.h"
#include "launcher/machine/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double answer_seconds = 10;

// clang-format off
static const struct {
    const char *words, *before; /* of the answer; what stands before the version */
    enum mpi_kind kind;
    const char *name;
} kinds[] = {
    {"Open MPI", "(Open MPI) ", MPI_KIND_OPEN_MPI, "Open MPI"},
    {"OpenRTE",  "(OpenRTE) ",  MPI_KIND_OPEN_MPI, "Open MPI"},
    {"Intel(R)", "Version ",    MPI_KIND_INTEL,    "Intel MPI"},
    {"HYDRA",    "Version:",    MPI_KIND_MPICH,    "MPICH"},
    {"MPICH",    "Version:",    MPI_KIND_MPICH,    "MPICH"},
};
// clang-format on
enum { N_KINDS = sizeof kinds / sizeof *kinds };

const char *mpirun_kind_name(enum mpi_kind kind)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "an unknown MPI";
}

void mpirun_kind_read(struct mpirun_kind *kind, const char *answer)
{
    kind->kind = MPI_KIND_UNKNOWN;
    kind->version[0] = 0;
    answer += strspn(answer, " \t\r\n");
    snprintf(kind->said, sizeof kind->said, "%.*s", (int)strcspn(answer, "\r\n"), answer);
    for (size_t i = 0; i < N_KINDS && kind->kind == MPI_KIND_UNKNOWN; i++) {
        if (!strstr(answer, kinds[i].words))
            continue;
        kind->kind = kinds[i].kind;
        const char *at = strstr(answer, kinds[i].before);
        if (at) {
            at += strlen(kinds[i].before);
            at += strspn(at, " \t");
            snprintf(kind->version, sizeof kind->version, "%.*s", (int)strcspn(at, " \t,\r\n"), at);
        }
    }
}

static void find_in_path(char *path, size_t size, const char *name)
{
    const char *at = environment_path();
    path[0] = 0;
    for (size_t n; *at; at += n + (at[n] == ':')) {
        n = strcspn(at, ":");
        snprintf(path, size, "%.*s/%s", (int)n, at, name);
        if (access(path, X_OK) == 0)
            return;
    }
    path[0] = 0;
}

int mpirun_kind_ask(struct mpirun_kind *kind, struct err *err)
{
    const char *const words[] = {"mpirun", "--version", NULL};
    struct question question;
    *kind = (struct mpirun_kind){0};
    find_in_path(kind->path, sizeof kind->path, words[0]);
    const int rc = question_ask(&question, words, answer_seconds, err);
    if (rc == 0)
        mpirun_kind_read(kind, question.text.bytes ? question.text.bytes : "");
    question_end(&question);
    return rc;
}
