/* trireme doctor. */
#include "launcher/commands/command.h"
#include "launcher/doctor/doctor.h"

#include "command.pb-c.h"

#include <stdio.h>

int command_doctor(const void *request, void *reply, struct err *err)
{
    Trireme__DoctorReply *r = reply;
    size_t n_bad = 0;
    doctor_ask(r, request);
    for (size_t i = 0; i < r->n_findings; i++)
        n_bad += r->findings[i]->level == TRIREME__FINDING__LEVEL__bad;
    return n_bad == 0
               ? 0
               : err_set(err, ERR_MACHINE, "%zu of %zu findings are bad", n_bad, r->n_findings);
}

void print_doctor(const void *reply)
{
    const Trireme__DoctorReply *r = reply;
    for (size_t i = 0; i < r->n_findings; i++) {
        const Trireme__Finding *f = r->findings[i];
        printf("%-4s  %s: found %s",
               protobuf_c_enum_descriptor_get_value(&trireme__finding__level__descriptor, f->level)
                   ->name,
               f->what, f->found);
        if (f->advice)
            printf("; do: %s", f->advice);
        printf("\n");
    }
}
