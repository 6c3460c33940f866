#include "launcher/commands/loaded.h"

#include "base/warn.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include <stdio.h>
#include <stdlib.h>

int loaded_open(struct loaded *loaded, const char *name, bool with_moments, struct err *err)
{
    struct loaded l = {0};
    if (checkpoint_find(&l.folder, &l.manifest, name, warn_stderr, NULL, err) < 0)
        return -1;
    l.layout = layout_new(l.manifest->config->model);
    if (checkpoint_read(l.folder, l.manifest, l.layout, &l.weights, with_moments ? l.moments : NULL,
                        &l.n_moments, err) < 0) {
        loaded_close(&l);
        return -1;
    }
    *loaded = l;
    return 0;
}

void loaded_close(struct loaded *l)
{
    free(l->weights);
    free(l->moments[0]);
    free(l->moments[1]);
    layout_free(l->layout);
    message_free(l->manifest);
    free(l->folder);
    *l = (struct loaded){0};
}
