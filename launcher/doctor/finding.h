/* A line of what `doctor` says. Local. */
#pragma once
#include "command.pb-c.h"

/* Adds one finding. advice: what to do, or NULL. */
void finding_add(Trireme__DoctorReply *reply, Trireme__Finding__Level level, const char *what,
                 const char *advice, const char *found, ...) __attribute__((format(printf, 5, 6)));
