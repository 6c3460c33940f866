/* A rank's way into its job: MPI is opened within a bound, and what it finds is compared with what
 * the environment says. */
#pragma once
#include "base/err.h"

struct endpoint;
struct job;

enum { ENTRY_SECONDS = 120 }; /* the bound where wait.launch cannot be read */

/* Line of a supervised rank on stderr, followed by its number and host: it has begun. */
#define ENTRY_BEGUN "trireme-begun "

/* Opens MPI. Collective. Ends the process with a sentence that names host, networks and what to set
 * where the ranks are not connected within wait.launch. NULL with ERR_MACHINE where MPI found
 * another number of ranks than the environment says, or does not know the job's PMI. */
struct endpoint *entry_open(const struct job *job, struct err *err);

/* The networks that this rank left out when it opened MPI, for the log; NULL: none. Borrowed. */
const char *entry_left_out(void);
