/* Which MPI this program is linked with. Local; may be called outside of a job. */
#pragma once
#include <stddef.h>

/* What the library says of itself, its first line: "Open MPI v4.1.4, package: ...". */
void mpi_library_version(char *text, size_t size);
