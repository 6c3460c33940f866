#!/usr/bin/env python3
"""What tests leave on the machine: shared memory of MPI and of this program, folders of sessions
and of tests. `left.py before FILE` notes what is there; `left.py after FILE` prints what has come
since then, a line each, and ends with 1 if there is any. What a process that lives uses, or has in
its name, is not left."""
import os
import re
import sys
import tempfile

SHARED = "/dev/shm"
OURS = re.compile(r"(vader_segment\.|sm_segment\.|trireme\.)")
FOLDERS = re.compile(r"(trireme-(e2e|test)-|(ompi|prte)\.[^/]*\.%d$)" % os.geteuid())


def names():
    """All that may be left, as paths; a session's folder counts, not the one above it."""
    found = set()
    for folder, pattern in ((SHARED, OURS), (tempfile.gettempdir(), FOLDERS)):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, name)
            if not pattern.match(name):
                continue
            if name.startswith(("ompi.", "prte.")):
                found |= {os.path.join(path, session) for session in os.listdir(path)}
            else:
                found.add(path)
    return found


def used():
    """Text of all files that processes map or have open."""
    texts = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/maps" % pid, errors="replace") as f:
                texts.append(f.read())
            for fd in os.listdir("/proc/%s/fd" % pid):
                texts.append(os.readlink("/proc/%s/fd/%s" % (pid, fd)))
        except OSError:
            pass  # it has ended, or is another user's
    return "\n".join(texts)


def is_of_living(path):
    match = re.search(r"/(?:trireme\.\d+\.|pid\.|trireme-(?:e2e|test)-)(\d+)", path)
    return bool(match) and os.path.exists("/proc/" + match[1])


def prove():
    """Whether each kind of thing is found, and nothing else."""
    global SHARED
    with tempfile.TemporaryDirectory() as place:
        SHARED = tempfile.tempdir = place
        list_before, uid = os.path.join(place, "before"), os.geteuid()
        main("before", list_before)
        dead, alive = 2**22 + 1, os.getpid()
        left = {
            "vader_segment.h.%d.1abc0001.1" % uid,
            "trireme.%d.%d.abcdef" % (uid, dead),
            "ompi.h.%d/pid.%d" % (uid, dead),
            "trireme-e2e-%d-x" % dead, "trireme-test-abc"
        }
        for name in left | {
                "trireme.%d.%d.abcdef" %
            (uid, alive), "trireme-e2e-%d-x" % alive, "else"
        }:
            os.makedirs(os.path.join(place, name))
        found = find_left(list_before)
        tempfile.tempdir = None
    return 0 if {os.path.relpath(path, place) for path in found} == left else 1


def find_left(file):
    with open(file) as f:
        before = set(f.read().split("\n"))
    in_use = used()
    return [
        path for path in sorted(names() - before) if path not in in_use and not is_of_living(path)
    ]


def main(when, file=None):
    if when == "--prove":
        return prove()
    if when == "before":
        with open(file, "w") as f:
            f.write("\n".join(sorted(names())))
        return 0
    left = find_left(file)
    for path in left:
        print("left behind: " + path)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
