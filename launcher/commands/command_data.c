/* trireme data prepare. */
#include "base/text.h"
#include "launcher/commands/command.h"
#include "worker/data/prepare.h"

#include "command.pb-c.h"

#include <stdio.h>

int command_data_prepare(const void *request, void *reply, struct err *err)
{
    struct text notes = {0};
    int rc = prepare(request, reply, &notes, err);
    if (rc == 0 && notes.size)
        fputs(notes.bytes, stderr);
    text_clear(&notes);
    return rc;
}
