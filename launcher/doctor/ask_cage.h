/* What this machine offers to lock a planner's program in. */
#pragma once
#include "command.pb-c.h"

void ask_cage(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
