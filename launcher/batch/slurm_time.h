/* Times as Slurm writes them: "M", "M:SS", "H:MM:SS", "D-HH", "D-HH:MM", "D-HH:MM:SS". Pure. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* Reads a time limit. ERR_USAGE, with the option's name, where it is none of these forms, or no
 * limit at all (0, UNLIMITED). */
int slurm_time_read(uint64_t *seconds, const char *option, const char *text, struct err *err);

enum { SLURM_TIME_SIZE = 32 };

/* "D-HH:MM:SS", which means the same to every version of Slurm. */
void slurm_time_write(char text[SLURM_TIME_SIZE], uint64_t seconds);
