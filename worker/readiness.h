/* What a worker reports when it is set up: its kernels, its data, and what it can evaluate. */
#pragma once
#include "config.pb-c.h"

struct dataset;
struct link;

/* Sends READY and a line for the run's log. */
void readiness_say(struct link *link, const struct dataset *dataset,
                   const Trireme__Compute *compute);
