"""What the end-to-end tests share: running the program with a time-out, small texts and
configurations, reading what a run leaves, and finding the processes of one call (they carry a token
of their own in their environment).

Every call of a test runs in the test's own folder, with a TMPDIR of its own; no test needs more
than Python's standard library, the program named by the variable TRIREME, and mpirun."""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ.get("TRIREME") or sys.exit(
    "TRIREME: found nothing, expected the path of the program to test")
FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures")
TOKEN = "TRIREME_E2E"
FOLDER = "trireme-e2e-"
TIMEOUT = 60  # seconds, before bound() scales them
LLMC_MAGIC = 20240520

# A model of a few thousand numbers, six leaves a step, a source with a dev part.
CONFIG = {
    "model": {"arch": "gpt2", "layers": 1, "heads": 2, "width": 16, "context": 16, "vocab": 256},
    "data": {"sources": [{"name": "text", "path": "data"}]},
    "train": {"steps": 12, "batch": 6, "microbatch": 1, "seed": 7},
    "schedule": {"warmup": 2},
    "eval": {"every": 5, "samples": 8},
    "checkpoint": {"every": 4, "keep": 3},
}


def slowness():
    """How many times slower Python runs here than where the bounds were chosen; at least 1."""
    best = float("inf")
    for _ in range(3):
        began = time.monotonic()
        sum(i * i for i in range(200000))
        best = min(best, time.monotonic() - began)
    return max(1, best / 0.015)


SLOWNESS = slowness()


def bound(seconds):
    """A bound that says that something hangs: generous, and more so on a slow or busy machine."""
    return 4 * SLOWNESS * seconds


def make_folder():
    """A fresh folder that carries this process's number. Those of tests that were killed go."""
    for name in os.listdir(tempfile.gettempdir()):
        pid = name[len(FOLDER):].split("-")[0] if name.startswith(FOLDER) else ""
        if pid.isdigit() and not os.path.exists("/proc/" + pid):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)
    return tempfile.mkdtemp(prefix="%s%d-" % (FOLDER, os.getpid()))


class Done:
    """How a call ended."""
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return "exit code %d\nstdout:\n%s\nstderr:\n%s" % (self.code, self.out, self.err)


def environment_of(pid):
    try:
        with open("/proc/%d/environ" % pid, "rb") as f:
            pairs = f.read().split(b"\0")
    except OSError:
        return {}
    return dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)


def arguments_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as f:
            return f.read().split("\0")
    except OSError:
        return []


def processes(token):
    """Process number -> environment of all that live and carry the token (a process that has ended
    carries none)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            environment = environment_of(int(name))
            if environment.get(TOKEN.encode()) == token.encode():
                found[int(name)] = environment
    return found


def rank_of(environment):
    rank = environment.get(b"OMPI_COMM_WORLD_RANK")
    return None if rank is None else int(rank)


def wait_for(condition, what, seconds=30):
    """The condition's first true value. Polls; the time is only a bound."""
    end = time.monotonic() + bound(seconds)
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("waited %g s in vain for %s" % (seconds, what))


class Call:
    """One run of the program, begun. Its processes can be found by rank; end() waits and checks
    that none is left."""

    count = 0

    def __init__(self, test, words, env=None, before=(), cwd=None, program=PROGRAM, pipes=True):
        Call.count += 1
        self.test, self.words = test, [str(word) for word in words]
        self.token = "%d-%d-%d" % (os.getpid(), Call.count, time.monotonic_ns())
        self.tmp = tempfile.mkdtemp(prefix="t", dir=test.tmp)
        # Open MPI's names of sockets are long; a run's own TMPDIR shows what it leaves
        environment = {
            k: v
            for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMIX_", "PMI_", "SLURM_"))
        }
        environment.update({TOKEN: self.token, "TMPDIR": self.tmp, "PLANNER_OF": self.tmp})
        if self.words and self.words[0] not in ("train", "resume") and not before:
            environment.pop("ASAN_OPTIONS", None)
        environment.update(env or {})
        pipe = subprocess.PIPE if pipes else None
        self.process = subprocess.Popen(list(before) + [program] + self.words,
                                        cwd=cwd or test.folder,
                                        env=environment,
                                        stdin=subprocess.DEVNULL,
                                        stdout=pipe,
                                        stderr=pipe)
        test.calls.append(self)

    def ranks(self):
        """Rank -> process number."""
        return {
            rank_of(e): pid
            for pid, e in processes(self.token).items() if rank_of(e) is not None
        }

    def rank(self, number):
        return wait_for(lambda: self.ranks().get(number), "rank %d" % number)

    def shared_files(self):
        """Files that the call's processes map below /dev/shm."""
        found = set()
        for pid in processes(self.token):
            try:
                with open("/proc/%d/maps" % pid) as f:
                    found |= {line.split(None, 5)[5].strip() for line in f if " /dev/shm/" in line}
            except OSError:
                pass
        return {name for name in found if not name.endswith("(deleted)")}

    def left(self):
        """What is left of the call: processes, and entries of its TMPDIR."""
        return sorted(processes(self.token)), os.listdir(self.tmp)

    def end(self, timeout=TIMEOUT):
        try:
            out, err = self.process.communicate(timeout=bound(timeout))
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.process.communicate()
            self.test.fail("trireme %s: not over after %g s\nstdout:\n%s\nstderr:\n%s" %
                           (" ".join(self.words), timeout, text_of(out), text_of(err)))
        done = Done(self.process.returncode, text_of(out), text_of(err))
        self.check_left(done)
        return done

    def check_left(self, done=""):
        """mpirun's helpers may need a moment after it; longer than that is a left-over."""
        try:
            wait_for(lambda: self.left() == ([], []), "the call's processes and files", 5)
        except AssertionError:
            self.test.fail("trireme %s: left processes and files %s\n%s" %
                           (" ".join(self.words), self.left(), done))

    def kill(self):
        for pid in [self.process.pid] + list(processes(self.token)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def text_of(data):
    return (data or b"").decode("utf-8", "replace")


class Case(unittest.TestCase):
    """A test with a folder of its own (self.folder), removed at its end together with whatever
    still runs."""

    maxDiff = None

    def setUp(self):
        self.tmp = make_folder()
        self.folder = os.path.join(self.tmp, "w")
        os.mkdir(self.folder)
        self.calls = []

    def tearDown(self):
        for call in self.calls:
            if call.process.poll() is None or processes(call.token):
                call.kill()
                call.process.wait()
            for pipe in (call.process.stdout, call.process.stderr):
                if pipe:
                    pipe.close()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def once(self, make):
        """The files that all tests of a class begin with: made by the first of them, copied for the
        others."""
        cls = type(self)
        if "kept" not in cls.__dict__:
            make()
            cls.kept = make_folder()
            cls.addClassCleanup(shutil.rmtree, cls.kept, ignore_errors=True)
            shutil.copytree(self.folder, cls.kept, dirs_exist_ok=True)
        else:
            shutil.copytree(cls.kept, self.folder, dirs_exist_ok=True)

    # Calls

    def begin(self, *words, **options):
        return Call(self, words, **options)

    def run_it(self, *words, timeout=TIMEOUT, **options):
        """A call, to its end."""
        return Call(self, words, **options).end(timeout)

    def succeed(self, *words, **options):
        done = self.run_it(*words, **options)
        self.assertEqual(done.code, 0, "trireme %s: %r" % (" ".join(map(str, words)), done))
        return done

    def refuse(self, code, parts, *words, **options):
        """A call that must end with the code and one sentence on stderr with all the parts."""
        done = self.run_it(*words, **options)
        self.assertEqual(done.code, code, "trireme %s: %r" % (" ".join(map(str, words)), done))
        self.assert_sentence(done.err, parts)
        return done

    def assert_sentence(self, err, parts):
        lines = err.splitlines()
        self.assertEqual(len(lines), 1, "expected one sentence on stderr, found:\n" + err)
        self.assertTrue(lines[0].startswith("trireme: "), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])

    def hash_of(self, checkpoint):
        text = self.succeed("ckpt", "hash", checkpoint).out.strip()
        self.assertRegex(text, r"\A[0-9a-f]{32}\Z")
        return text

    # Files of a test

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data):
        with open(self.path(name), "wb" if isinstance(data, bytes) else "w") as f:
            f.write(data)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def change(self, name, offset, data):
        """Overwrites bytes in a file; a negative offset counts from its end."""
        with open(self.path(name), "r+b") as f:
            f.seek(offset, os.SEEK_END if offset < 0 else os.SEEK_SET)
            f.write(data)

    def cut(self, name, size):
        """Cuts a file to that size; a negative one counts from its end."""
        os.truncate(self.path(name), size if size >= 0 else os.path.getsize(self.path(name)) + size)

    def write_config(self, name="run.yaml", base=CONFIG, **changes):
        """A configuration as YAML (JSON is YAML); changes are sections whose fields replace the
        base's."""
        config = json.loads(json.dumps(base))
        for section, fields in changes.items():
            config[section] = {**config.get(section, {}), **fields}
        return self.write(name, json.dumps(config, indent=1) + "\n")

    def write_data(self, name="data", seed=1, size=40000, *more):
        """A prepared folder of byte tokens from text that a model can learn something about."""
        text = self.write(name + ".txt", text_like(seed, size))
        self.succeed("data", "prepare", text, "--out", name, *more)
        return name

    def tree(self, name="."):
        """Every file below a folder with its bytes."""
        found = {}
        for folder, _, names in os.walk(self.path(name)):
            for file in names:
                path = os.path.join(folder, file)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, self.folder)] = f.read()
        return found

    def assert_nothing(self, name):
        self.assertFalse(os.path.lexists(self.path(name)), "%s: expected nothing there" % name)

    # Files of a run

    def metrics(self, run, kind=None):
        with open(self.path(run, "metrics.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        return [line for line in lines if kind in (None, line["kind"])]

    def steps_done(self, run):
        """Updates that metrics.jsonl shows while the run goes on."""
        try:
            with open(self.path(run, "metrics.jsonl")) as f:
                return sum(
                    line.startswith('{"kind":"train","trial":"trunk"') and line.endswith("\n")
                    for line in f)
        except FileNotFoundError:
            return 0

    def losses(self, run):
        """(step, loss, grad_norm, lr) of each step of the trunk: what must not depend on ranks or
        interruptions."""
        return [(m["step"], m["loss"], m["grad_norm"], m["lr"]) for m in self.trunk(run)]

    def trunk(self, run):
        """Its steps' lines; forks, where there are any, have lines of their own in between."""
        return [line for line in self.metrics(run, "train") if line["trial"] == "trunk"]

    def assert_whole(self, run, steps):
        """Each step exactly once and in order; no evaluation and no checkpoint twice."""
        self.assertEqual([m["step"] for m in self.trunk(run)], list(range(1, steps + 1)))
        for kind in ("eval", "checkpoint"):
            numbers = [m["step"] for m in self.metrics(run, kind)]
            self.assertEqual(numbers, sorted(set(numbers)), "%s lines of %s" % (kind, run))

    def checkpoints(self, run):
        names = os.listdir(self.path(run, "checkpoints"))
        return sorted(
            int(n[5:]) for n in names
            if os.path.exists(self.path(run, "checkpoints", n, "manifest.json")))

    def manifest(self, run, step):
        with open(self.path(run, "checkpoints", "step-%08d" % step, "manifest.json")) as f:
            return json.load(f)

    def shard(self, run, step, k=0, of=1):
        return os.path.join(run, "checkpoints", "step-%08d" % step,
                            "shard-%d-of-%d.safetensors" % (k, of))


def text_like(seed, size):
    """Words of a small vocabulary in random order, newlines now and then."""
    draw = random.Random(seed)
    words = [
        "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(1, 8)))
        for _ in range(60)
    ]
    text = ""
    while len(text) < size:
        text += draw.choice(words) + draw.choice("      \n")
    return text[:size]


def token_file(tokens, magic=LLMC_MAGIC, version=1, count=None):
    """Bytes of an llm.c file of 16-bit tokens."""
    header = [magic, version, len(tokens) if count is None else count] + [0] * 253
    return struct.pack("<256i", *header) + struct.pack("<%dH" % len(tokens), *tokens)


def safetensors(data):
    """(header, bytes of each tensor) of a safetensors file."""
    (size, ) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size:]
    return header, {
        name: body[e["data_offsets"][0]:e["data_offsets"][1]]
        for name, e in header.items()
    }


SKIPPED = 77  # what ctest is told where nothing could be tested


def main():
    # a time limit ends a test as an error does, so that it clears away what it made
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    result = unittest.main(verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.skipped and len(result.skipped) >= result.testsRun:
        sys.exit(SKIPPED)
    if result.skipped:  # tests/run counts them by this line
        reasons = sorted({reason for _, reason in result.skipped})
        print("skipped: %d of %d tests: %s" %
              (len(result.skipped), result.testsRun, "; ".join(reasons)))
