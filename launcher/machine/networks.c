#include "launcher/machine/networks.h"

#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/machine/bridges.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BRIDGES_MAX = 32 };

/* Whether a file of parameters says which networks Open MPI may use. */
static bool file_says(const char *path, const char *parameter)
{
    char line[1024];
    bool says = false;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        says = says || !strncmp(line + strspn(line, " \t"), parameter, strlen(parameter));
    if (f)
        fclose(f);
    return says;
}

static bool files_say(const char *parameter)
{
    char *own = mem_format("%s/.openmpi/mca-params.conf", environment_home());
    const bool says =
        file_says(own, parameter) || file_says("/etc/openmpi/openmpi-mca-params.conf", parameter);
    free(own);
    return says;
}

char *networks_leave_out(void)
{
    struct bridge bridges[BRIDGES_MAX];
    if (!environment_spans_hosts() || files_say("btl_tcp_if_"))
        return NULL;
    const size_t n = bridges_find(bridges, BRIDGES_MAX);
    char *names = bridges_for_mpi(bridges, n),
         *with_own = mem_format("127.0.0.0/8,sppp,%s", names); // its default, and ours
    const bool set = environment_set_mca("btl_tcp_if_exclude", with_own, "btl_tcp_if_include");
    free(with_own);
    free(names);
    return set && n ? bridges_list(bridges, n) : NULL;
}

void networks_leave_out_of_daemons(void)
{
    struct bridge bridges[BRIDGES_MAX];
    if (files_say("oob_tcp_if_"))
        return;
    char *names = bridges_for_mpi(bridges, bridges_find(bridges, BRIDGES_MAX));
    environment_set_mca("oob_tcp_if_exclude", names, "oob_tcp_if_include");
    free(names);
}
