#include "launcher/planner/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What newer headers have: the machine that builds may be older than the one that runs. */
enum {
    ACCESS_TRUNCATE = 1 << 14,
    ACCESS_IOCTL_DEV = 1 << 15,
    ACCESS_BIND = 1,   /* bind of TCP */
    ACCESS_NET = 3,    /* the same and connect */
    SCOPE_SOCKETS = 1, /* abstract Unix sockets */
    SCOPE_SIGNALS = 2
};

struct ruleset {
    uint64_t files, net, scoped;
};

/* An ABI, the rights on files that it has in all, and how much of a ruleset it reads. */
struct abi {
    uint64_t files;
    size_t size;
};

enum {
    FILES_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
    FILES_2 = FILES_1 | LANDLOCK_ACCESS_FS_REFER,
    FILES_3 = FILES_2 | ACCESS_TRUNCATE,
    FILES_5 = FILES_3 | ACCESS_IOCTL_DEV,
    /* those that a rule for a file may have */
    OF_A_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV
};

static const struct abi abis[] = {
    {0,       0                     },
    {FILES_1, sizeof(uint64_t)      },
    {FILES_2, sizeof(uint64_t)      },
    {FILES_3, sizeof(uint64_t)      },
    {FILES_3, 2 * sizeof(uint64_t)  },
    {FILES_5, 2 * sizeof(uint64_t)  },
    {FILES_5, sizeof(struct ruleset)},
};
enum { NEWEST = sizeof abis / sizeof *abis - 1 };

static const uint64_t uses[] = {
    [LANDLOCK_READ] =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE,
    [LANDLOCK_WORK] =
        FILES_3 & ~(uint64_t)(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                              LANDLOCK_ACCESS_FS_MAKE_SOCK),
    [LANDLOCK_DEVICE] =
        LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE,
};

unsigned landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : (unsigned)abi;
}

static int add_place(int ruleset, uint64_t handled, const struct landlock_place *place)
{
    struct stat status;
    struct landlock_path_beneath_attr rule = {.allowed_access = uses[place->use] & handled};
    rule.parent_fd = open(place->path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
    int error = fstat(rule.parent_fd, &status) < 0 ? errno : 0;
    if (error == 0 && !S_ISDIR(status.st_mode))
        rule.allowed_access &= OF_A_FILE;
    if (error == 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        error = errno;
    close(rule.parent_fd);
    return error;
}

int landlock_restrict(unsigned abi, const struct landlock_place *places, size_t n, bool network)
{
    const struct abi *a = &abis[abi < NEWEST ? abi : NEWEST];
    const struct ruleset all = {a->files, network ? ACCESS_BIND : ACCESS_NET,
                                SCOPE_SOCKETS | SCOPE_SIGNALS};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, a->size, 0), error = 0;
    if (ruleset < 0)
        return errno;
    for (size_t i = 0; i < n && error == 0; i++)
        error = add_place(ruleset, a->files, &places[i]);
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        error = errno;
    close(ruleset);
    return error;
}
