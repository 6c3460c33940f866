/* trireme export: a checkpoint as a Hugging Face directory. */
#include "base/file.h"
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/commands/loaded.h"
#include "proto/file/hugging_face_write.h"
#include "proto/tensor/layout.h"

#include "command.pb-c.h"

int command_export(const void *request, void *reply, struct err *err)
{
    const Trireme__ExportRequest *r = request;
    Trireme__ExportReply *out = reply;
    struct loaded l;
    if (loaded_open(&l, r->checkpoint, false, err) < 0)
        return -1;
    int rc = file_make_dirs(r->out, ERR_USAGE, err);
    if (rc == 0)
        rc = hugging_face_write(r->out, l.manifest->config->model, l.layout, l.weights, NULL, err);
    if (rc == 0) {
        out->out = mem_strdup(r->out);
        out->has_parameters = 1, out->parameters = l.layout->n_params;
    }
    loaded_close(&l);
    return rc;
}
