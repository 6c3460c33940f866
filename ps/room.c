#include "ps/room.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

uint64_t room_available(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    if (!file)
        return UINT64_MAX;
    char line[256];
    uint64_t kib = 0;
    bool found = false;
    while (!found && fgets(line, sizeof line, file))
        found = sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1;
    fclose(file);
    return found ? kib * 1024 : UINT64_MAX;
}

char *room_refusal(uint64_t bytes, uint64_t others, uint64_t limit, uint64_t available)
{
    if (limit && bytes + others > limit)
        return mem_format("a fork takes %" PRIu64 " bytes beside %" PRIu64
                          " of other forks, and experiment.memory "
                          "allows %" PRIu64 " for all",
                          bytes, others, limit);
    if (!limit && bytes > available / 2)
        return mem_format("a fork takes %" PRIu64 " bytes, more than half of the %" PRIu64
                          " that are free",
                          bytes, available);
    return NULL;
}
