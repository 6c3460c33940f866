#include "launcher/commands/set_option.h"

#include "base/mem.h"
#include "proto/schema/message.h"

#include <string.h>

/* "a.b=c" into the change that it says. */
static int read_change(Trireme__Change *change, const char *setting, struct err *err)
{
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting)
        return err_set(err, ERR_USAGE, "--set: found '%s', expected PATH=VALUE", setting);
    change->path = mem_format("%.*s", (int)(equals - setting), setting);
    change->value = mem_strdup(equals + 1);
    return 0;
}

int set_option_read(Trireme__Proposal *proposal, char *const *set, size_t n_set, struct err *err)
{
    if (!n_set)
        return err_set(err, ERR_USAGE,
                       "found no --set, expected PATH=VALUE once for each value of the change");
    proposal->patch = mem_new(n_set, sizeof *proposal->patch);
    for (size_t i = 0; i < n_set; i++) {
        Trireme__Change *change = proposal->patch[proposal->n_patch++] =
            message_new(&trireme__change__descriptor);
        if (read_change(change, set[i], err) < 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (strcmp(proposal->patch[k]->path, change->path) == 0)
                return err_set(err, ERR_USAGE, "--set: found %s twice, expected each path once",
                               change->path);
    }
    return 0;
}
