#include "proto/net/mpi_library.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

void mpi_library_version(char *text, size_t size)
{
    char all[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(all, &length);
    snprintf(text, size, "%.*s", (int)strcspn(all, "\r\n"), all);
}
