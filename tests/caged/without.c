/* Runs a program as on a machine without some of what a planner is locked in by:
 *
 *     without LETTERS PROGRAM [ARGUMENT...]
 *
 * LETTERS: l Landlock (ENOSYS, as a kernel that was built without it), n user namespaces (EPERM,
 * as where the administrator forbids them). The calls are refused by seccomp, to all that it
 * starts. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USAGE = 2 };

/* Calls fail with the errno where their first argument has one of the bits; bits 0: always. */
static int refuse(unsigned call, unsigned bits, unsigned error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | (bits ? BPF_JSET : BPF_JGE) | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return USAGE;
    int rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (rc == 0 && strchr(argv[1], 'l'))
        rc = refuse(SYS_landlock_create_ruleset, 0, ENOSYS);
    if (rc == 0 && strchr(argv[1], 'n'))
        rc = refuse(SYS_clone, CLONE_NEWUSER, EPERM) < 0 ||
                     refuse(SYS_unshare, CLONE_NEWUSER, EPERM) < 0
                 ? -1
                 : 0;
    if (rc == 0)
        execvp(argv[2], argv + 2);
    perror("without");
    return USAGE;
}
