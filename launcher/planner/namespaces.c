#include "launcher/planner/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(NAMESPACES_AT_CLONE == (CLONE_NEWUSER | CLONE_NEWPID), "flags of clone");

enum { MAP_SIZE = 32, CAPABILITIES = 64 };

/* Adds a number as text; what may be called after fork does not include printf. */
static char *put_number(char *end, unsigned number)
{
    char digits[MAP_SIZE];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while (number /= 10);
    while (n)
        *end++ = digits[--n];
    return end;
}

static int write_file(const char *path, const char *text, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    const int error = write(fd, text, size) == (ssize_t)size ? 0 : errno;
    close(fd);
    return error;
}

/* One number, which stands for itself inside. */
static int write_map(const char *path, unsigned number)
{
    char line[2 * MAP_SIZE], *end = put_number(line, number);
    *end++ = ' ';
    end = put_number(end, number);
    *end++ = ' ', *end++ = '1', *end++ = '\n';
    return write_file(path, line, (size_t)(end - line));
}

int namespaces_enter(uid_t user, gid_t group, bool network)
{
    int error = write_file("/proc/self/setgroups", "deny", sizeof "deny" - 1);
    if (error == ENOENT)
        error = 0; // kernels before 3.19
    if (error == 0)
        error = write_map("/proc/self/uid_map", user);
    if (error == 0)
        error = write_map("/proc/self/gid_map", group);
    if (error == 0 && unshare(CLONE_NEWNS | CLONE_NEWIPC | (network ? 0 : CLONE_NEWNET)) < 0)
        error = errno;
    if (error == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        error = errno;
    return error;
}

int namespaces_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    // these two need a capability, and need not be done where there is none
    for (int i = 0; i < CAPABILITIES; i++)
        prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? errno : 0;
}
