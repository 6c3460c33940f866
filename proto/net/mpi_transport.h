/* The ranks of an MPI job. MPI is funneled: only the thread that opened it may use the endpoint. */
#pragma once
#include "proto/net/endpoint.h"

/* Starts MPI and makes a communicator of its own. Collective over the job. Where that takes longer
 * than so many seconds, the process says the sentence (borrowed until then) and ends with
 * ERR_MACHINE; where MPI cannot start, it says why and ends the process by itself. */
struct endpoint *mpi_transport_open(double seconds, const char *sentence);

/* Ends MPI and frees the endpoint, as endpoint_free does. Collective over the job; a process that
 * the others do not let finish says the sentence (or nothing: NULL) and ends with the code. */
void mpi_transport_close(struct endpoint *endpoint, int code, const char *sentence);

/* Name and version of MPI's library, as far as it tells. */
const char *mpi_transport_library(void);

/* Whether this program was built for Open MPI. */
bool mpi_transport_is_open_mpi(void);

/* Ends the whole job at once, from any rank. Does not return. */
_Noreturn void mpi_transport_abort(int code);
