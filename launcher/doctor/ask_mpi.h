/* The MPI: the library, mpirun, and what srun offers where Slurm is. See doctor.h. */
#pragma once
#include "command.pb-c.h"

void ask_mpi(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
