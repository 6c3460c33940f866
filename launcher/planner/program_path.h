/* Where a planner's program is. Local. */
#pragma once
#include "base/err.h"

/* The file that a program's name stands for, looked up in PATH where it has no slash; fresh. NULL
 * with a sentence (ERR_USAGE) where there is none that can be executed. */
char *program_path_find(const char *name, struct err *err);
