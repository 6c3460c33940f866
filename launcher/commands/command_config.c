/* trireme config, config show. */
#include "launcher/commands/command.h"
#include "launcher/commands/newest_manifest.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"

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

/* The configuration in force: that of the newest checkpoint, with what was adopted by then; else
 * the run's own. */
static Trireme__Config *in_force(const char *run, struct err *err)
{
    Trireme__Manifest *manifest = NULL;
    if (newest_manifest(&manifest, run, err) < 0)
        return NULL;
    Trireme__Config *config = manifest ? message_copy(manifest->config) : run_config_of(run, err);
    message_free(manifest);
    return config;
}

int command_config_show(const void *request, void *reply, struct err *err)
{
    const Trireme__ConfigShowRequest *r = request;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    Trireme__Config *config = in_force(r->run, err), *out = reply, swapped = *out;
    if (!config)
        return -1;
    *out = *config;
    *config = swapped;
    message_free(config);
    return 0;
}

void print_config(const void *reply)
{
    fputs(((const Trireme__ConfigReply *)reply)->text, stdout);
}
