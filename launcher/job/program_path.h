/* The path of this program as people start it. Local. */
#pragma once
#include "base/err.h"

#include <stddef.h>

/* Writes the path, from the root. ERR_MACHINE where the system does not tell it. */
int program_path(char *path, size_t size, struct err *err);
