/* What a worker says of itself once it has everything: kernels, data, and what it can evaluate. */
#pragma once
#include "config.pb-c.h"

struct dataset;
struct link;

/* Sends READY, and a line for the log. */
void readiness_say(struct link *link, const struct dataset *dataset,
                   const Trireme__Compute *compute);
