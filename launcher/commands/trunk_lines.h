/* The trunk's lines of RUN/metrics.jsonl (metrics_lines.h). Local. */
#pragma once
#include "launcher/commands/metrics_lines.h"

#include <stdint.h>

int trunk_lines_read(const char *run, metrics_lines_fn hear, void *context, struct err *err);

/* The step of the last one. */
int trunk_lines_step(uint64_t *step, const char *run, struct err *err);
