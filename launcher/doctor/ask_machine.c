#include "launcher/doctor/ask_machine.h"

#include "base/file.h"
#include "launcher/doctor/finding.h"
#include "launcher/machine/cores.h"
#include "math/kernels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

enum { LINE_SIZE = 256 };
static const double mebi = 1 << 20;
static const double shm_wanted = 64; /* mebibytes: what Open MPI's ranks of a node share */

static void ask_cores(Trireme__DoctorReply *reply)
{
    struct cores cores;
    cores_read(&cores, "");
    if (cores.quota > 0 && cores.quota < cores.allowed)
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "cores",
                    "raise the container's or the job's quota of CPU time; until then more workers "
                    "than that slow each other down",
                    "%u, of which a control group allows the time of %.3g", cores.allowed,
                    cores.quota);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "cores", NULL, "%u", cores.allowed);
}

static void ask_kernels(Trireme__DoctorReply *reply)
{
    char line[LINE_SIZE];
    kernels_fingerprint(line, sizeof line, kernels_best(), "fp32");
    finding_add(reply, TRIREME__FINDING__LEVEL__ok, "kernels", NULL, "%s", line);
}

/* /dev/shm is 64 MB in containers that nobody told otherwise. */
static void ask_shm(Trireme__DoctorReply *reply)
{
    struct statvfs v;
    const char *advice = "mount a tmpfs at /dev/shm (containers: --shm-size=1g)";
    if (statvfs("/dev/shm", &v) < 0) {
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "/dev/shm", advice, "%s",
                    strerror(errno));
        return;
    }
    const double size = (double)v.f_frsize * (double)v.f_blocks / mebi,
                 left = (double)v.f_frsize * (double)v.f_bavail / mebi;
    const bool small = left < shm_wanted || (v.f_flag & ST_RDONLY);
    finding_add(reply, small ? TRIREME__FINDING__LEVEL__warn : TRIREME__FINDING__LEVEL__ok,
                "/dev/shm",
                !small              ? NULL
                : size < shm_wanted ? advice
                                    : "remove what other programs left there",
                "%.0f MiB free of %.0f%s", left, size, v.f_flag & ST_RDONLY ? ", read only" : "");
}

/* The first number behind a name of a file of lines "name: number"; 0 if it is not there. */
static double number_behind(const char *path, const char *name)
{
    char line[LINE_SIZE];
    double number = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)))
            number = strtod(line + strlen(name), NULL);
    if (f)
        fclose(f);
    return number;
}

static void ask_memory(Trireme__DoctorReply *reply)
{
    // of a control group of version 2, and of 1; "max" reads as 0, "none" of version 1 is huge
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    const double kibi = 1024, available = number_behind("/proc/meminfo", "MemAvailable:") * kibi;
    double limit = 0;
    for (size_t i = 0; i < sizeof limits / sizeof *limits && limit <= 0; i++)
        limit = number_behind(limits[i], "");
    if (limit > 0 && limit < available)
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "memory",
                    "raise the container's or the job's limit if the model needs more",
                    "%.0f MiB available, of which a control group allows %.0f", available / mebi,
                    limit / mebi);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "memory", NULL, "%.0f MiB available",
                    available / mebi);
}

/* A limit of processes, and the least that a run of many ranks needs. */
struct limit {
    int resource;
    const char *what, *advice;
    rlim_t least;
};

static void ask_limit(Trireme__DoctorReply *reply, const struct limit *limit)
{
    struct rlimit found;
    if (getrlimit((__rlimit_resource_t)limit->resource, &found) < 0)
        return;
    const bool low = found.rlim_cur != RLIM_INFINITY && found.rlim_cur < limit->least;
    const Trireme__Finding__Level level =
        low ? TRIREME__FINDING__LEVEL__warn : TRIREME__FINDING__LEVEL__ok;
    if (found.rlim_cur == RLIM_INFINITY)
        finding_add(reply, level, limit->what, NULL, "no limit");
    else
        finding_add(reply, level, limit->what, low ? limit->advice : NULL, "%" PRIu64,
                    (uint64_t)found.rlim_cur);
}

static void ask_limits(Trireme__DoctorReply *reply)
{
    // clang-format off
    static const struct limit limits[] = {
        {RLIMIT_NOFILE, "open files",     "ulimit -n 4096: each rank has dozens", 1024},
        {RLIMIT_NPROC,  "processes",      "ulimit -u 4096",                       1024},
        {RLIMIT_FSIZE,  "size of a file", "ulimit -f unlimited",                  RLIM_INFINITY},
        {RLIMIT_AS,     "address space",  "ulimit -v unlimited",                  RLIM_INFINITY},
    };
    // clang-format on
    static const struct limit memlock = {
        RLIMIT_MEMLOCK, "locked memory",
        "memlock unlimited in /etc/security/limits.conf: InfiniBand needs it", RLIM_INFINITY};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        ask_limit(reply, &limits[i]);
    if (file_exists("/sys/class/infiniband"))
        ask_limit(reply, &memlock);
}

void ask_machine(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    (void)request;
    ask_cores(reply);
    ask_kernels(reply);
    ask_memory(reply);
    ask_shm(reply);
    ask_limits(reply);
}
