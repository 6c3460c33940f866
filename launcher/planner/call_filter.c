#include "launcher/planner/call_filter.h"

#include "base/check.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

enum { CODE_MAX = 1024, NEWEST = 450 /* of both architectures */, TYPE_MASK = 0xf, ANY = -1 };

/* What makes a call one that is refused. */
enum test {
    ALWAYS,
    EQUAL,    /* (argument & mask) == value */
    DIFFERENT /* it is not */
    ,
    OTHERS, /* the argument, a process, is neither 0 nor the program nor its group */
};

/* In which case it is. */
enum hole { NO_MATTER, FILES, PROCESSES, SIGNALS, NETWORK, NO_NETWORK };

struct row {
    int call;
    enum test test;
    int argument; /* from 0; its lower 32 bits are looked at */
    uint32_t mask, value;
    enum hole hole;
    int error;
};

enum {
    NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                 CLONE_NEWUTS | CLONE_NEWCGROUP,
    IOCTL_SET_OWNER = 0x8901, /* FIOSETOWN */
    IOCTL_SET_GROUP = 0x8902  /* SIOCSPGRP */
};

#define NEVER(call)                                                                                \
    {                                                                                              \
        SYS_##call, ALWAYS, 0, 0, 0, NO_MATTER, EPERM                                              \
    }
#define NEVER_IN(hole, call)                                                                       \
    {                                                                                              \
        SYS_##call, ALWAYS, 0, 0, 0, hole, EPERM                                                   \
    }
#define UNKNOWN(call)                                                                              \
    {                                                                                              \
        SYS_##call, ALWAYS, 0, 0, 0, NO_MATTER, ENOSYS                                             \
    }
#define WITH(call, argument, mask, value)                                                          \
    {                                                                                              \
        SYS_##call, EQUAL, argument, mask, value, NO_MATTER, EPERM                                 \
    }
#define BUT_WITH(hole, call, argument, mask, value)                                                \
    {                                                                                              \
        SYS_##call, DIFFERENT, argument, mask, value, hole, EPERM                                  \
    }
#define TO_OTHERS(call)                                                                            \
    {                                                                                              \
        SYS_##call, OTHERS, 0, 0, 0, SIGNALS, EPERM                                                \
    }

// clang-format off
static const struct row rows[] = {
    /* sockets */
    NEVER_IN(NO_NETWORK, socket), NEVER_IN(NO_NETWORK, connect),
    BUT_WITH(NETWORK, socket, 0, ~(uint32_t)(AF_INET ^ AF_INET6), AF_INET & AF_INET6),
    NEVER(bind), NEVER(listen), NEVER(accept), NEVER(accept4),
    BUT_WITH(NO_MATTER, socketpair, 0, UINT32_MAX, AF_UNIX),
    BUT_WITH(NO_MATTER, socketpair, 1, TYPE_MASK, SOCK_STREAM),
    /* other processes */
    NEVER(ptrace), NEVER(process_vm_readv), NEVER(process_vm_writev), NEVER(process_madvise),
    NEVER(process_mrelease), NEVER(kcmp), NEVER(pidfd_getfd), NEVER(migrate_pages),
    NEVER(move_pages), NEVER(perf_event_open), NEVER(lookup_dcookie),
    /* mounts, namespaces, the system */
    NEVER(mount), NEVER(umount2), NEVER(pivot_root), NEVER(chroot), NEVER(move_mount),
    NEVER(open_tree), NEVER(fsopen), NEVER(fsconfig), NEVER(fsmount), NEVER(fspick),
    NEVER(mount_setattr), NEVER(unshare), NEVER(setns), UNKNOWN(clone3),
    BUT_WITH(NO_MATTER, clone, 0, NAMESPACES | CLONE_PARENT, 0),
    NEVER(swapon), NEVER(swapoff), NEVER(reboot), NEVER(kexec_load), NEVER(kexec_file_load),
    NEVER(init_module), NEVER(finit_module), NEVER(delete_module), NEVER(acct), NEVER(quotactl),
    NEVER(quotactl_fd), NEVER(settimeofday), NEVER(clock_settime), NEVER(clock_adjtime),
    NEVER(adjtimex), NEVER(sethostname), NEVER(setdomainname), NEVER(syslog), NEVER(vhangup),
    NEVER(personality),
    /* large doors into the kernel */
    NEVER(bpf), NEVER(userfaultfd), NEVER(io_uring_setup), NEVER(io_uring_enter),
    NEVER(io_uring_register), NEVER(keyctl), NEVER(add_key), NEVER(request_key),
    NEVER(fanotify_init), NEVER(name_to_handle_at), NEVER(open_by_handle_at),
    /* memory that no limit of a process counts */
    NEVER(memfd_create), NEVER(memfd_secret), NEVER(shmget), NEVER(shmat), NEVER(msgget),
    NEVER(semget), NEVER(mq_open),
    /* what others have of that kind, whose numbers can be guessed */
    NEVER(shmctl), NEVER(semctl), NEVER(semop), NEVER(semtimedop), NEVER(msgctl), NEVER(msgsnd),
    NEVER(msgrcv), NEVER(mq_unlink),
    /* a terminal's input; signals to whom a descriptor is said to belong; flags of files */
    WITH(ioctl, 1, UINT32_MAX, TIOCSTI), WITH(ioctl, 1, UINT32_MAX, TIOCLINUX),
    WITH(ioctl, 1, UINT32_MAX, IOCTL_SET_OWNER), WITH(ioctl, 1, UINT32_MAX, IOCTL_SET_GROUP),
    WITH(ioctl, 1, UINT32_MAX, FS_IOC_SETFLAGS), WITH(ioctl, 1, UINT32_MAX, FS_IOC_FSSETXATTR),
    WITH(ioctl, 1, UINT32_MAX, FS_IOC_ENABLE_VERITY),
    WITH(fcntl, 1, UINT32_MAX, F_SETOWN), WITH(fcntl, 1, UINT32_MAX, F_SETOWN_EX),
    WITH(fcntl, 1, UINT32_MAX, F_SETSIG), WITH(fcntl, 1, UINT32_MAX, F_SETLEASE),
    /* that it dies with whoever started it */
    WITH(prctl, 0, UINT32_MAX, PR_SET_PDEATHSIG),
    /* files outside; Landlock governs truncation from its third ABI on, the others never */
    UNKNOWN(openat2), WITH(openat, 2, O_TRUNC | O_ACCMODE, O_TRUNC | O_RDONLY),
    /* the fourth mode of opening is neither reading nor writing to Landlock, and yet truncates */
    WITH(openat, 2, O_ACCMODE, O_ACCMODE),
    NEVER_IN(FILES, truncate), NEVER_IN(FILES, fchmod), NEVER_IN(FILES, fchmodat),
    NEVER_IN(FILES, fchown), NEVER_IN(FILES, fchownat), NEVER_IN(FILES, utimensat),
    NEVER_IN(FILES, setxattr), NEVER_IN(FILES, lsetxattr), NEVER_IN(FILES, fsetxattr),
    NEVER_IN(FILES, removexattr), NEVER_IN(FILES, lremovexattr), NEVER_IN(FILES, fremovexattr),
    /* processes outside */
    NEVER_IN(PROCESSES, setsid), NEVER_IN(PROCESSES, setpgid),
    BUT_WITH(NO_MATTER, prlimit64, 0, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, setpriority, 0, UINT32_MAX, PRIO_PROCESS),
    BUT_WITH(PROCESSES, setpriority, 1, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, ioprio_set, 1, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, sched_setaffinity, 0, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, sched_setscheduler, 0, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, sched_setparam, 0, UINT32_MAX, 0),
    BUT_WITH(PROCESSES, sched_setattr, 0, UINT32_MAX, 0),
    {SYS_kill, EQUAL, 0, UINT32_MAX, UINT32_MAX, PROCESSES, EPERM}, /* -1: all */
    TO_OTHERS(kill), TO_OTHERS(tgkill), TO_OTHERS(rt_sigqueueinfo), TO_OTHERS(rt_tgsigqueueinfo),
    NEVER_IN(SIGNALS, tkill), NEVER_IN(SIGNALS, pidfd_send_signal),
#ifdef __x86_64__
    /* what newer architectures do not have */
    WITH(open, 1, O_TRUNC | O_ACCMODE, O_TRUNC | O_RDONLY), WITH(open, 1, O_ACCMODE, O_ACCMODE),
    NEVER_IN(FILES, chmod), NEVER_IN(FILES, chown), NEVER_IN(FILES, lchown),
    NEVER_IN(FILES, utime), NEVER_IN(FILES, utimes), NEVER_IN(FILES, futimesat),
    NEVER(iopl), NEVER(ioperm), NEVER(uselib), NEVER(_sysctl),
#endif
};
// clang-format on

/* Of the comparisons of OTHERS: with itself and with its group, whose numbers the child puts in. */
struct itself {
    unsigned short self, group;
};

enum { N_OTHERS = 4 };

struct call_filter {
    struct sock_filter code[CODE_MAX];
    unsigned short n;
    struct itself itself[N_OTHERS];
    size_t n_itself;
};

static unsigned short add(struct call_filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    ASSERT(f->n < CODE_MAX);
    f->code[f->n] = (struct sock_filter){code, yes, no, k};
    return f->n++;
}

enum { LOAD = BPF_LD | BPF_W | BPF_ABS, IS = BPF_JMP | BPF_JEQ | BPF_K, RETURN = BPF_RET | BPF_K };

/* The lower half of an argument: of int, the kernel looks at no more. */
static uint32_t argument_at(int i)
{
    const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    return (uint32_t)(offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t) +
                      (big ? sizeof(uint32_t) : 0));
}

/* Begins and ends with the call's number loaded. */
static void add_row(struct call_filter *f, const struct row *row)
{
    const uint32_t refuse = SECCOMP_RET_ERRNO | (uint32_t)row->error;
    const unsigned short begin = add(f, IS, (uint32_t)row->call, 0, 0);
    if (row->test != ALWAYS)
        add(f, LOAD, argument_at(row->argument), 0, 0);
    if (row->test == EQUAL || row->test == DIFFERENT) {
        add(f, BPF_ALU | BPF_AND | BPF_K, row->mask, 0, 0);
        const bool equal = row->test == EQUAL;
        add(f, IS, row->value, equal ? 0 : 1, equal ? 1 : 0);
    } else if (row->test == OTHERS) {
        struct itself *itself = &f->itself[f->n_itself++];
        add(f, IS, 0, 3, 0);
        itself->self = add(f, IS, 0, 2, 0);
        itself->group = add(f, IS, 0, 1, 0);
    }
    add(f, RETURN, refuse, 0, 0);
    if (row->test != ALWAYS)
        add(f, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
    f->code[begin].jf = (uint8_t)(f->n - begin - 1);
}

bool call_filter_works(void)
{
    const uint32_t action = SECCOMP_RET_ERRNO;
    return ARCHITECTURE && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

struct call_filter *call_filter_new(const struct call_filter_holes *holes)
{
    const bool open[] = {
        [NO_MATTER] = true,         [FILES] = holes->files,     [PROCESSES] = holes->processes,
        [SIGNALS] = holes->signals, [NETWORK] = holes->network, [NO_NETWORK] = !holes->network,
    };
    struct call_filter *f = mem_new(1, sizeof *f);
    add(f, LOAD, offsetof(struct seccomp_data, arch), 0, 0);
    add(f, IS, ARCHITECTURE, 1, 0);
    add(f, RETURN, SECCOMP_RET_KILL_PROCESS, 0, 0);
    add(f, LOAD, offsetof(struct seccomp_data, nr), 0, 0);
    add(f, BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1);
    add(f, RETURN, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (open[rows[i].hole])
            add_row(f, &rows[i]);
    add(f, RETURN, SECCOMP_RET_ALLOW, 0, 0);
    return f;
}

int call_filter_install(struct call_filter *filter)
{
    const struct sock_fprog program = {filter->n, filter->code};
    const uint32_t self = (uint32_t)getpid();
    for (size_t i = 0; i < filter->n_itself; i++) {
        filter->code[filter->itself[i].self].k = self;
        filter->code[filter->itself[i].group].k = -self;
    }
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? errno : 0;
}
