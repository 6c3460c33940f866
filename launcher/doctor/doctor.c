#include "launcher/doctor/doctor.h"

#include "launcher/doctor/ask_cage.h"
#include "launcher/doctor/ask_folder.h"
#include "launcher/doctor/ask_hosts.h"
#include "launcher/doctor/ask_machine.h"
#include "launcher/doctor/ask_mpi.h"
#include "launcher/doctor/ask_network.h"

#include <stddef.h>

typedef void (*ask_fn)(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request);

static const ask_fn questions[] = {ask_mpi,     ask_machine, ask_cage,
                                   ask_network, ask_folder,  ask_hosts};

void doctor_ask(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        questions[i](reply, request);
}
