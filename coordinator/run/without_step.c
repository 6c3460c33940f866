#include "coordinator/run/without_step.h"

#include "coordinator/run/run.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

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
    struct err unread;
    Trireme__Status *status = run_status_read(run->folder, &unread);
    const uint32_t count = status && newest <= status->step ? status->without_step : 0;
    message_free(status);
    return count;
}

int without_step_stop(struct err *err)
{
    return err_set(err, ERR_STOPPED,
                   "stopped on request before training began: run the same line again to continue");
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
