#include "launcher/doctor/finding.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void finding_add(Trireme__DoctorReply *reply, Trireme__Finding__Level level, const char *what,
                 const char *advice, const char *found, ...)
{
    Trireme__Finding *f = message_new(&trireme__finding__descriptor);
    va_list arguments;
    va_start(arguments, found);
    if (vasprintf(&f->found, found, arguments) < 0)
        f->found = mem_strdup(found);
    va_end(arguments);
    f->has_level = 1, f->level = level;
    f->what = mem_strdup(what);
    f->advice = mem_strdup(advice);
    reply->findings = mem_resize(reply->findings, reply->n_findings + 1, sizeof *reply->findings);
    reply->findings[reply->n_findings++] = f;
}
