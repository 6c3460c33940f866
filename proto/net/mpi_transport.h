/* The ranks of an MPI job. MPI is funneled: only the thread that opened it may use the endpoint. */
#pragma once
#include "proto/net/endpoint.h"

/* What a process says where MPI holds it up. Borrowed while the job lasts. */
struct mpi_transport_bounds {
    double seconds;   /* to connect the ranks */
    const char *late; /* the sentence where they pass; the process then ends with ERR_MACHINE */
    const char *impossible; /* where MPI ends the process because it cannot start; NULL: nothing */
};

/* Starts MPI and makes a communicator of its own. Collective over the job. Ends the process with a
 * sentence where MPI cannot, or takes longer than bounds say. */
struct endpoint *mpi_transport_open(const struct mpi_transport_bounds *bounds);

/* Ends MPI and frees the endpoint, as endpoint_free does. Collective over the job; a process that
 * the others do not let finish says the sentence (or nothing: NULL) and ends with the code. */
void mpi_transport_close(struct endpoint *endpoint, int code, const char *sentence);

/* Name and version of MPI's library, as far as it tells. */
const char *mpi_transport_library(void);

/* Ends the whole job at once, from any rank. Does not return. */
_Noreturn void mpi_transport_abort(int code);
