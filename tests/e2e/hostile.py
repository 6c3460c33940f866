#!/usr/bin/env python3
"""A planner that tries to get out: each attack is a function, and what became of it is a line on
stderr, "NAME: refused WHY" or "NAME: done". Its argument is a JSON file with what it is to attack:

    files: to read and write
    folders: to list, and to write into
    ports, sockets, datagrams, abstract: to connect to
    processes: to signal and look into, beside all that are found
    only, skip: names of attacks
    alone: do them at once, without a briefing"""
import ctypes
import errno
import json
import mmap
import os
import platform
import signal
import socket
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
X86, ARM = "x86_64", "aarch64"
# name -> (number on x86_64, on aarch64, arguments)
CALLS = {
    "unshare": (272, 97, (0x10000000, )), "mount": (165, 40, (b"x", b"/", b"tmpfs", 0, 0)),
    "chroot": (161, 51, (b"/", )), "setns": (308, 268, (0, 0)), "bpf": (321, 280, (0, 0, 0)),
    "io_uring_setup": (425, 425, (1, 0)), "keyctl": (250, 219, (0, -3, 0)),
    "add_key": (248, 217, (b"user", b"x", b"y", 1, -3)), "userfaultfd": (323, 282, (1, )),
    "perf_event_open": (298, 241, (0, 0, -1, -1, 0)), "memfd_create": (319, 279, (b"x", 0)),
    "open_by_handle_at": (304, 265, (-100, 0, 0)), "personality": (135, 92, (0, )),
    "shmget": (29, 194, (0, 1 << 20, 0o1600)), "shmctl": (31, 195, (-1, 0, 0)),
    "semctl": (66, 191, (-1, 0, 0, 0)), "semop": (65, 193, (-1, 0, 0)),
    "semtimedop": (220, 192, (-1, 0, 0, 0)), "msgctl": (71, 187, (-1, 0, 0)),
    "msgsnd": (69, 189, (-1, 0, 0, 0)), "msgrcv": (70, 188, (-1, 0, 0, 0,
                                                             0)), "mq_unlink": (241, 181, (b"x", )),
    "ptrace": (101, 117, (0, 0, 0, 0)), "ioctl to close a file to writing": (16, 29, (0, 0x40806685,
                                                                                      0)),
    "process_vm_readv": (310, 270, (1, 0, 0, 0, 0, 0)), "clone3": (435, 435, (0, 0)),
    "clone with a namespace": (56, 220, (0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)),
    "clone beside itself": (56, 220, (0x8000 | signal.SIGCHLD, 0, 0, 0,
                                      0)), "a call that is too new": (462, 462, (0, 0, 0))
}


class Done(Exception):
    """What should have been refused was not."""


def must_fail(attempt, *arguments):
    """Raises Done unless it raises OSError; returns why that was."""
    try:
        value = attempt(*arguments)
    except (OSError, MemoryError, OverflowError) as e:
        return str(e) or type(e).__name__
    raise Done(repr(value)[:100])


def call(name):
    number, on_arm, arguments = CALLS[name]
    if platform.machine() == ARM:
        number = on_arm
    if LIBC.syscall(ctypes.c_long(number),
                    *[a if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]) < 0:
        error = ctypes.get_errno()
        if error not in (errno.EPERM, errno.ENOSYS):
            raise Done("it failed, but by itself: " + os.strerror(error))
        raise OSError(error, os.strerror(error))


def read(path, size=100):
    with open(path, "rb", buffering=0) as f:
        return f.read(size)


def write(path):
    with open(path, "wb") as f:
        return f.write(b"x")


def all_of(attempt, things):
    """Each must fail; the last reason. Nothing to attack is a success of nobody."""
    why = "there is nothing of it"
    for thing in things:
        why = must_fail(attempt, thing)
    return why


def processes(known):
    """Those that it knows of, whoever started it, and all that /proc shows, but its own."""
    shown = set()
    try:
        shown = {int(n) for n in os.listdir("/proc") if n.isdigit()}
    except OSError:
        pass
    return sorted((shown | set(known) | {1, os.getppid()}) - {os.getpid(), 0})


def connect(family, kind, address):
    with socket.socket(family, kind) as s:
        s.settimeout(5)
        s.connect(address)
        return s.getpeername()


def bind(_):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()


def datagram(address):
    """A pair of datagram sockets could be sent elsewhere."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with a, b:
        return a.sendto(b"x", address)


def push(_):
    """Characters into the terminal, if there is one; the call comes before the descriptor."""
    import fcntl
    import termios
    try:
        fcntl.ioctl(0, termios.TIOCSTI, b"x")
    except OSError as e:
        if e.errno != errno.EPERM:
            raise Done("it failed, but by itself: %s" % e)
        raise


def signal_it(pid):
    os.kill(pid, 0)  # no more than that: where it is not refused it may be anybody's


def fork_bomb(_):
    children = []
    try:
        for _ in range(3000):
            pid = os.fork()
            if pid == 0:
                signal.pause()
                os._exit(0)
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def much_memory(_):
    return len(bytearray(6 << 30))


def much_shared_memory(_):
    mmap.mmap(-1, 9 << 30)


def much_disk(name):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open(name, "wb", buffering=0) as f:
            for _ in range(300):
                if f.write(bytes(1 << 20)) < 1 << 20:
                    raise OSError(errno.EFBIG, "written in part")
    finally:
        os.unlink(name)


def many_files(_):
    files = []
    try:
        for _ in range(2000):
            files.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for f in files:
            os.close(f)


def own_file(_):
    """What it is made of is not its own to change, in any way."""
    me = os.path.realpath(__file__)
    for attempt in (lambda: write(me), lambda: os.chmod(me, 0o777), lambda: os.utime(me, (0, 0)),
                    lambda: os.truncate(me, 0), lambda: os.open(me, os.O_RDONLY | os.O_TRUNC),
                    lambda: os.open(me, os.O_ACCMODE | os.O_TRUNC),
                    lambda: os.setxattr(me, "user.x", b"y"), lambda: os.unlink(me),
                    lambda: os.rename(me, me + ".x"), lambda: os.link(me, me + ".y")):
        why = must_fail(attempt)
    raise OSError(0, why)


def descriptors(_):
    """Of whoever started it none may be open."""
    open_ones = [fd for fd in range(3, 1 << 10) if is_open(fd)]
    if open_ones:
        return open_ones
    raise OSError(0, "none")


def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


def attacks(aim):
    """Name -> function without arguments."""
    files, folders, pids = aim["files"], aim["folders"], processes(aim["processes"])
    new = [os.path.join(folder, "x") for folder in folders]
    found = {
        "reads files": lambda: all_of(read, files),
        "maps files": lambda: all_of(lambda p: os.open(p, os.O_RDONLY), files),
        "writes files": lambda: all_of(write, files),
        "truncates files": lambda: all_of(lambda p: os.truncate(p, 0), files),
        "truncates files by opening": lambda: all_of(lambda p: os.open(p, os.O_RDONLY | os.O_TRUNC),
                                                     files),
        "truncates files by opening for nothing": lambda: all_of(
            lambda p: os.open(p, os.O_ACCMODE | os.O_TRUNC), files),
        "changes modes": lambda: all_of(lambda p: os.chmod(p, 0o666), files + folders),
        "changes owners": lambda: all_of(lambda p: os.chown(p, os.getuid(), os.getgid()), files),
        "changes times": lambda: all_of(lambda p: os.utime(p, (0, 0)), files + folders),
        "sets attributes": lambda: all_of(lambda p: os.setxattr(p, "user.x", b"y"), files),
        "removes files": lambda: all_of(os.unlink, files),
        "renames files": lambda: all_of(lambda p: os.rename(p, p + ".x"), files),
        "links files": lambda: all_of(lambda p: os.link(p, "linked"), files),
        "follows a link": lambda: all_of(through_link, files),
        "lists folders": lambda: all_of(os.listdir, folders),
        "writes new files": lambda: all_of(write, new),
        "makes folders": lambda: all_of(os.mkdir, new),
        "makes links": lambda: all_of(lambda p: os.symlink("/", p), new),
        "makes pipes": lambda: all_of(os.mkfifo, new),
        "looks into processes": lambda: all_of(look_into, [(pid, name) for pid in pids for name in (
            "environ", "mem", "maps", "auxv", "stack", "syscall", "root/etc", "cwd/", "fd/0")]),
        "opens descriptors of processes": lambda: all_of(open_descriptors, pids),
        "signals processes": lambda: all_of(signal_it,
                                            ({*pids, *range(2, 5000)} - {1, os.getpid()})),
        "signals all": lambda: must_fail(os.kill, -1, 0),
        "limits processes": lambda: all_of(limit, pids),
        "connects by TCP": lambda: all_of(
            lambda port: connect(socket.AF_INET, socket.SOCK_STREAM,
                                 ("127.0.0.1", port)), aim["ports"]),
        "sends by UDP": lambda: all_of(
            lambda port: connect(socket.AF_INET, socket.SOCK_DGRAM,
                                 ("127.0.0.1", port)), aim["ports"]),
        "connects to a socket's path": lambda: all_of(
            lambda path: connect(socket.AF_UNIX, socket.SOCK_STREAM, path), aim["sockets"]),
        "connects to an abstract socket": lambda: all_of(
            lambda name: connect(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name), aim["abstract"]),
        "sends a datagram to a socket's path": lambda: all_of(datagram, aim["datagrams"]),
        "listens": lambda: all_of(bind, [0]),
        "pushes characters": lambda: all_of(push, [0]),
        "takes much memory": lambda: all_of(much_memory, [0]),
        "takes much shared memory": lambda: all_of(much_shared_memory, [0]),
        "takes much disk": lambda: all_of(much_disk, ["large"]),
        "opens many files": lambda: all_of(many_files, [0]),
        "changes its own file": lambda: all_of(own_file, [0]),
        "inherits descriptors": lambda: all_of(descriptors, [0]),
        "forks for ever": lambda: all_of(fork_bomb, [0]),
    }
    for name in CALLS:
        found["calls " + name] = lambda name=name: must_fail(call, name)
    wanted = set(aim.get("only", found)) - set(aim.get("skip", ()))
    return {name: f for name, f in found.items() if name in wanted}


def through_link(path):
    os.symlink(path, "link")
    try:
        return read("link")
    finally:
        os.unlink("link")


def look_into(what):
    path = "/proc/%d/%s" % what
    if path.endswith(("root/etc", "cwd/")):
        return os.listdir(path)
    return read(path)


def open_descriptors(pid):
    """Of root's processes the numbers may be listed; what they stand for must not be reached."""
    for fd in os.listdir("/proc/%d/fd" % pid):
        os.close(os.open("/proc/%d/fd/%s" % (pid, fd), os.O_RDWR))
    raise OSError(0, "it has none")


def limit(pid):
    import resource
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)


def attack(aim):
    for name, attempt in attacks(aim).items():
        begin = time.monotonic()
        try:
            said = "refused " + attempt()
        except Done as e:
            said = "done " + str(e)
        except Exception as e:  # a mistake in here is no success of the cage
            said = "failed %s %s" % (type(e).__name__, e)
        print("%s: %s" % (name, said.replace("\n", " ") + " %.2f" % (time.monotonic() - begin)),
              file=sys.stderr,
              flush=True)
    print("that is all", file=sys.stderr, flush=True)


def main():
    with open(sys.argv[1]) as f:
        aim = json.load(f)
    if aim.get("alone"):
        attack(aim)
        return
    attacked = False
    for _ in sys.stdin:
        if not attacked:
            attack(aim)
        attacked = True
        print(json.dumps({"proposals": []}), flush=True)


if __name__ == "__main__":
    main()
