/* This machine's name, and networks that other machines cannot reach. See doctor.h. */
#pragma once
#include "command.pb-c.h"

void ask_network(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);
