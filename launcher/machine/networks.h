/* Networks between hosts: those that each host has for itself (bridges.h) are left out, unless the
 * user chose networks for Open MPI, by variables or in its files of parameters. Local. */
#pragma once

/* For the messages of this rank, before MPI is opened. Each rank leaves out those of its own host.
 * Returns their list for people, which the caller frees; NULL if there are none, the job is on one
 * host, or the user chose. */
char *networks_leave_out(void);

/* For mpirun and its daemons on other hosts, before mpirun is started. */
void networks_leave_out_of_daemons(void);
