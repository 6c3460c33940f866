/* RUN/incarnation: the number of the run's newest launch, in decimal and a line end. Each launch
 * adds one. An older launch that finds another number than its own has lost the run. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* The number; 0 where there is no such file. ERR_DATA if it holds no number, ERR_MACHINE if it
 * cannot be read. */
int incarnation_read(uint64_t *number, const char *run, struct err *err);

/* Writes it durably. */
int incarnation_write(const char *run, uint64_t number, struct err *err);

/* ERR_MACHINE unless the number is still this one: another launch has taken the run. */
int incarnation_check(const char *run, uint64_t number, struct err *err);
