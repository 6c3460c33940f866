"""What the tests of stops share: the processes of a launch, and whether signals end them."""
import signal

from trireme import processes, wait_for

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


def is_mpirun(pid):
    try:
        with open("/proc/%d/comm" % pid) as f:
            return f.read().strip() == "mpirun"
    except OSError:
        return False


def mpirun_of(call):
    return wait_for(lambda: [p for p in processes(call.token) if is_mpirun(p)], "mpirun")[0]


def holds_back(pid):
    """Whether the process is past the moment in which a signal would end it."""
    try:
        with open("/proc/%d/status" % pid) as f:
            masks = dict(line.split(":", 1) for line in f if line.startswith("Sig"))
    except OSError:
        return False
    held = int(masks["SigBlk"], 16) | int(masks["SigCgt"], 16)
    return all(held & (1 << (s - 1)) for s in SIGNALS)


def begin_held(test, *words):
    """A launch, as soon as a signal does not end it."""
    call = test.begin(*words)
    wait_for(lambda: holds_back(call.process.pid), "the first line of main", 5)
    return call
