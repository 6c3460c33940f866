/* Each host of the hostfile: whether it answers, has this version of the program, and sees the
 * folder. See doctor.h. */
#pragma once
#include "command.pb-c.h"

void ask_hosts(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
