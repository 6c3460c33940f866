#include "coordinator/run/without_step.h"

#include "base/file.h"
#include "coordinator/run/run.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <stdlib.h>

static uint64_t newest_step(const struct run *run)
{
    size_t n = 0;
    struct err unread;
    uint64_t *steps = checkpoint_steps(run->folder, &n, &unread);
    uint64_t newest = steps && n ? steps[n - 1] : 0;
    free(steps);
    return newest;
}

/* As the launch before has it, unless one that wrote no status got on since. */
static uint32_t count_before(const struct run *run, uint64_t newest)
{
    char *path = file_join(run->folder, "status.json");
    struct err unread;
    size_t size = 0;
    char *text = file_exists(path) ? file_read(path, &size, ERR_MACHINE, &unread) : NULL;
    Trireme__Status *status = message_new(&trireme__status__descriptor);
    uint32_t count = 0;
    if (text && json_read(status, text, size, path, ERR_MACHINE, &unread) == 0 &&
        newest <= status->step)
        count = status->without_step;
    message_free(status);
    free(text);
    free(path);
    return count;
}

void without_step_count(struct run *run, uint64_t *kept, struct err *how)
{
    const uint64_t newest = newest_step(run);
    *kept = newest;
    run->without_step = count_before(run, newest) + 1;
    if (run->without_step > WITHOUT_STEP_MAX)
        err_set(how, ERR_MACHINE,
                "%s: %u launches in a row were asked to stop before they had done a step: what is "
                "given to a launch, expected more than its start takes",
                run->folder, run->without_step);
}
