/* What mpirun prints when it fails, as one sentence. Open MPI's pages are long and for developers;
 * those that users of Trireme meet are known here. Pure. */
#pragma once
#include "base/err.h"

#include <stdbool.h>

/* Writes the sentence of the first page in the text that is known, with ERR_MACHINE. False, with
 * err untouched, if there is none. text may be NULL. */
bool mpirun_page_known(struct err *err, const char *text);

/* The last line of the text that says something, in place; *size: its length. NULL if none does. */
const char *mpirun_page_last_line(const char *text, int *size);
