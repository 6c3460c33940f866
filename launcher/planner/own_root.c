#include "launcher/planner/own_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/mount.h has these; it cannot be included together with sys/mount.h everywhere. */
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};
enum { READ_ONLY = 1, NO_SUID = 2, CLONE_TREE = 1, RECURSIVE = 0x8000, FROM_EMPTY_PATH = 4 };

/* Where it is built; what is there before is not looked at any more by then. */
#define BASE "/tmp"

/* A path below the new root. */
struct target {
    char path[sizeof BASE + PATH_MAX];
};

static int target_set(struct target *target, const char *path)
{
    const size_t size = strlen(path) + 1;
    if (size > PATH_MAX)
        return ENAMETOOLONG;
    memcpy(target->path, BASE, sizeof BASE - 1);
    memcpy(target->path + sizeof BASE - 1, path, size);
    return 0;
}

/* Makes the folders above it, and a folder or a file to mount on. */
static int target_make(struct target *target, bool folder)
{
    for (char *slash = target->path + sizeof BASE; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        const int error = mkdir(target->path, 0755) < 0 && errno != EEXIST ? errno : 0;
        *slash = '/';
        if (error)
            return error;
    }
    if (folder)
        return mkdir(target->path, 0755) < 0 && errno != EEXIST ? errno : 0;
    const int fd = open(target->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int set_attributes(int fd, const char *path, unsigned flags, uint64_t set)
{
    const struct attributes attributes = {.set = set};
    return syscall(SYS_mount_setattr, fd, path, flags, &attributes, sizeof attributes) < 0 ? errno
                                                                                           : 0;
}

/* A copy of what is mounted at the path, read only; -1: there is nothing. */
static int take_tree(int *tree, const char *path)
{
    *tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, CLONE_TREE | O_CLOEXEC | RECURSIVE);
    if (*tree < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
    return set_attributes(*tree, "", AT_EMPTY_PATH | RECURSIVE, READ_ONLY | NO_SUID);
}

static int put_tree(int tree, const char *path)
{
    struct target target;
    struct stat status;
    int error = target_set(&target, path);
    if (error == 0 && fstat(tree, &status) < 0)
        error = errno;
    if (error == 0)
        error = target_make(&target, S_ISDIR(status.st_mode));
    if (error == 0 && syscall(SYS_move_mount, tree, "", AT_FDCWD, target.path, FROM_EMPTY_PATH) < 0)
        error = errno;
    return error;
}

int own_root_mount_proc(const char *path)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
    return mount("proc", path, "proc", flags, "subset=pid,hidepid=invisible") < 0 ? errno : 0;
}

/* What is neither a place outside nor empty. */
static int furnish(bool *proc)
{
    // clang-format off
    static const char *const links[][2] = {
        {"/proc/self/fd",   BASE "/dev/fd"},
        {"/proc/self/fd/0", BASE "/dev/stdin"},
        {"/proc/self/fd/1", BASE "/dev/stdout"},
        {"/proc/self/fd/2", BASE "/dev/stderr"},
    };
    // clang-format on
    *proc = mkdir(BASE "/proc", 0555) == 0 && own_root_mount_proc(BASE "/proc") == 0;
    if (mkdir(BASE "/dev", 0755) < 0 && errno != EEXIST)
        return errno;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0)
            return errno;
    if (mkdir(BASE OWN_ROOT_WORK, 0700) < 0 ||
        mount("tmpfs", BASE OWN_ROOT_WORK, "tmpfs", MS_NOSUID | MS_NODEV,
              "size=64m,nr_inodes=8192,mode=0700") < 0)
        return errno;
    return set_attributes(AT_FDCWD, BASE, 0, READ_ONLY);
}

/* Makes it the root; the old one is nowhere then. */
static int turn(void)
{
    return chdir(BASE) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
                   umount2(".", MNT_DETACH) < 0 || chdir(OWN_ROOT_WORK) < 0
               ? errno
               : 0;
}

int own_root_enter(bool *proc, const char *const *places, size_t n)
{
    int trees[OWN_ROOT_PLACES_MAX], error = n > OWN_ROOT_PLACES_MAX ? E2BIG : 0;
    for (size_t i = 0; i < n && error == 0; i++)
        error = take_tree(&trees[i], places[i]);
    if (error == 0 &&
        mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,nr_inodes=8192,mode=0755") < 0)
        error = errno;
    for (size_t i = 0; i < n && error == 0; i++)
        if (trees[i] >= 0) {
            error = put_tree(trees[i], places[i]);
            close(trees[i]);
        }
    if (error == 0)
        error = furnish(proc);
    return error ? error : turn();
}
