/* What keeps a run from starting, or makes it slow: questions to this machine, to the MPI, to Slurm
 * and to the hosts. Each question adds its findings to the reply; none fails, and each that asks
 * another program or host is bounded by request->patience. Nothing is changed, but for files that
 * are made in the folder and removed. Local. */
#pragma once
#include "command.pb-c.h"

/* Asks all. */
void doctor_ask(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
