#include "launcher/commands/config_in_force.h"

#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include "files.pb-c.h"

#include <stdlib.h>

Trireme__Config *config_in_force(const char *run, struct err *err)
{
    size_t n = 0;
    Trireme__Config *config = NULL;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    if (!steps)
        return NULL;
    for (size_t i = n; i > 0 && !config; i--) {
        struct err damaged;
        char *folder = checkpoint_folder(run, steps[i - 1]);
        Trireme__Manifest *manifest = checkpoint_manifest(folder, &damaged);
        if (manifest)
            config = message_copy(manifest->config);
        message_free(manifest);
        free(folder);
    }
    free(steps);
    return config ? config : run_config_of(run, err);
}
