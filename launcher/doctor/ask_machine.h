/* This machine: cores and quotas, memory, /dev/shm, limits of processes, kernels. See doctor.h. */
#pragma once
#include "command.pb-c.h"

void ask_machine(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
