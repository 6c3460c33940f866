/* The file system of the runs: writable, locks that exclude, room. See doctor.h. */
#pragma once
#include "command.pb-c.h"

void ask_folder(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
