/* Whose mpirun it is: that of Open MPI, which this program needs, or of another MPI. Local. */
#pragma once
#include "base/err.h"

#include <stddef.h>

enum mpi_kind { MPI_KIND_UNKNOWN, MPI_KIND_OPEN_MPI, MPI_KIND_MPICH, MPI_KIND_INTEL };

struct mpirun_kind {
    enum mpi_kind kind;
    char version[32]; /* "4.1.4", or "" */
    char path[512];   /* where PATH has it, or "" */
    char said[200];   /* the first line of what it answers to --version */
};

/* Asks the mpirun in PATH, for some seconds at most. ERR_MACHINE where there is none, it cannot be
 * executed or it does not answer; the kind is then UNKNOWN. */
int mpirun_kind_ask(struct mpirun_kind *kind, struct err *err);

/* Reads the answer to --version. Pure. */
void mpirun_kind_read(struct mpirun_kind *kind, const char *answer);

/* "Open MPI", "MPICH", "Intel MPI", "an unknown MPI". */
const char *mpirun_kind_name(enum mpi_kind kind);
