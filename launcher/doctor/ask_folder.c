#include "launcher/doctor/ask_folder.h"

#include "base/mem.h"
#include "coordinator/run/file_lock.h"
#include "launcher/doctor/finding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static const double mebi = 1 << 20;
static const double room_wanted = 1024; /* mebibytes */

/* File systems of a single machine; what is written there no other host sees. */
static const struct {
    unsigned magic;
    const char *name;
    bool shared;
} systems[] = {
    {0xef53,     "ext",     false},
    {0x58465342, "xfs",     false},
    {0x9123683e, "btrfs",   false},
    {0x2fc12fc1, "zfs",     false},
    {0x01021994, "tmpfs",   false},
    {0x794c7630, "overlay", false},
    {0x6969,     "NFS",     true },
    {0x0bd00bd0, "Lustre",  true },
    {0x47504653, "GPFS",    true },
    {0x19830326, "BeeGFS",  true },
    {0x00c36400, "Ceph",    true },
    {0x65735546, "FUSE",    true },
};

static const char *name_of(const char *folder, bool *is_local)
{
    struct statfs s;
    *is_local = false;
    if (statfs(folder, &s) < 0)
        return "unknown";
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++)
        if ((unsigned)s.f_type == systems[i].magic) {
            *is_local = !systems[i].shared;
            return systems[i].name;
        }
    return "unknown";
}

static void ask_lock(Trireme__DoctorReply *reply, const char *folder)
{
    char *missing = file_lock_missing(folder);
    if (missing)
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "locks",
                    "mount it so that locks exclude (Lustre: -o flock); until then a run there is "
                    "held by its lock.json",
                    "%s", missing);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "locks", NULL, "flock, which excludes");
    free(missing);
}

static void ask_room(Trireme__DoctorReply *reply, const char *folder, bool hosts)
{
    struct statvfs v;
    bool is_local = false;
    const char *name = name_of(folder, &is_local);
    const double left =
        statvfs(folder, &v) == 0 ? (double)v.f_frsize * (double)v.f_bavail / mebi : 0;
    const char *advice = left < room_wanted ? "make room: a checkpoint has 12 bytes a parameter"
                         : is_local && hosts
                             ? "put runs and data on a file system that all hosts share"
                             : NULL;
    finding_add(reply, advice ? TRIREME__FINDING__LEVEL__warn : TRIREME__FINDING__LEVEL__ok,
                "file system", advice, "%s, %.0f MiB free", name, left);
}

void ask_folder(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    char *path = mem_format("%s/.trireme-doctor-XXXXXX", request->folder);
    const int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, "folder",
                    "give --folder a folder that can be written to", "%s: %s", request->folder,
                    strerror(errno));
    } else {
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "folder", NULL, "%s can be written to",
                    request->folder);
        ask_room(reply, request->folder, request->hostfile && *request->hostfile);
        ask_lock(reply, request->folder);
        unlink(path);
        close(fd);
    }
    free(path);
}
