/* The ranks of an MPI job. MPI is funneled: only the thread that opened it may use the endpoint. */
#pragma once
#include "proto/net/endpoint.h"

/* Starts MPI and makes a communicator of its own. Collective over the job. Freeing the endpoint
 * ends MPI; that is collective too, and a process that has not finished within ten seconds is ended
 * by a signal. */
struct endpoint *mpi_transport_open(void);

/* Ends the whole job at once, from any rank. Does not return. */
_Noreturn void mpi_transport_abort(int code);
