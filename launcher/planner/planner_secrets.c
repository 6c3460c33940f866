#include "launcher/planner/planner_secrets.h"

#include "base/mem.h"
#include "coordinator/memory/memory.h"

#include <stdlib.h>

struct planner_secrets planner_secrets_of(const Trireme__Config *config, const char *run)
{
    const size_t n = config->data ? config->data->n_sources : 0;
    const char *secret = config->experiment->secret;
    char **data = mem_new(n + 1, sizeof *data);
    for (size_t i = 0; i < n; i++)
        data[i] = config->data->sources[i]->path; // borrowed
    char *notes = memory_path(run, config->experiment->notes);
    data[n] = notes;
    return (struct planner_secrets){.run = run,
                                    .data = data,
                                    .n_data = n + (notes ? 1 : 0),
                                    .file = secret && secret[0] == '/' ? secret : NULL,
                                    .notes = notes};
}

void planner_secrets_clear(struct planner_secrets *secrets)
{
    free(secrets->notes);
    free((void *)secrets->data);
}
