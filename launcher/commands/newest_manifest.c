#include "launcher/commands/newest_manifest.h"

#include "proto/file/checkpoint.h"

#include <stdlib.h>

int newest_manifest(Trireme__Manifest **manifest, const char *run, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    *manifest = NULL;
    if (!steps)
        return -1;
    for (size_t i = n; i > 0 && !*manifest; i--) {
        struct err damaged;
        char *folder = checkpoint_folder(run, steps[i - 1]);
        *manifest = checkpoint_manifest(folder, &damaged);
        free(folder);
    }
    free(steps);
    return 0;
}
