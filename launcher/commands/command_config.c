/* trireme config, trireme data prepare: thin hands over libraries below. */
#include "base/mem.h"
#include "base/text.h"
#include "launcher/commands/command.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"
#include "worker/data/prepare.h"

#include "command.pb-c.h"

#include <stdio.h>

int command_config(const void *request, void *reply, struct err *err)
{
    const Trireme__ConfigRequest *r = request;
    Trireme__ConfigReply *out = reply;
    if (r->schema) {
        out->text = json_schema_write(&trireme__config__descriptor);
        return 0;
    }
    Trireme__Config *config = run_config_read(r->config, r->set, r->n_set, err);
    if (!config)
        return -1;
    out->text = yaml_write(config, r->comments);
    message_free(config);
    return 0;
}

int command_data_prepare(const void *request, void *reply, struct err *err)
{
    struct text notes = {0};
    int rc = prepare(request, reply, &notes, err);
    if (rc == 0 && notes.size)
        fputs(notes.bytes, stderr);
    text_clear(&notes);
    return rc;
}
