"""A planner's program is locked in: it cannot read the run, its data or its processes, change
anything outside, reach anybody or take the machine, with whatever the kernel offers."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import experiments
import trireme
from experiments import Experiments

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
CAGED, WITHOUT = os.environ.get("CAGED"), os.environ.get("WITHOUT")
# at most; letters as tests/caged/caged.c has them
LAYERS = {
    "all": (99, "cnrp"), "Landlock of Linux 6.1": (2, "cnrp"), "no root of its own": (99, "cnp"),
    "no root of its own, Landlock of Linux 6.1": (2, "cnp"), "no namespaces": (99, "c"),
    "no namespaces, Landlock of Linux 6.1": (2, "c"), "no Landlock": (0, "cnrp")
}
# what must succeed where there is no cage, or the attacks are none
OUTSIDE = [
    "reads files", "lists folders", "writes new files", "changes modes", "looks into processes",
    "connects by TCP", "connects to a socket's path", "connects to an abstract socket",
    "sends a datagram to a socket's path", "listens", "calls memfd_create", "calls personality"
]

BOMB = """import os, sys
refused = False
while True:
    try:
        os.fork()
    except OSError:
        if not refused:
            print("refused", file=sys.stderr, flush=True)
        refused = True
"""


def said(text):
    """Attack -> what became of it."""
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


class Cage(Experiments):
    def setUp(self):
        super().setUp()
        self.open_ones = []

    def tearDown(self):
        for s in self.open_ones:
            s.close()
        super().tearDown()

    def listen(self, family, address, kind=socket.SOCK_STREAM):
        s = socket.socket(family, kind)
        self.open_ones.append(s)
        s.bind(address)
        if kind == socket.SOCK_STREAM:
            s.listen()
        return s.getsockname()

    def aim(self, **more):
        """What it is to attack, as a file beside its program: RUN and the data that are not there
        yet are."""
        shutil.copy(os.path.join(HERE, "hostile.py"), self.path("programs/hostile.py"))
        os.chmod(self.path("programs/hostile.py"), 0o755)
        path = self.path("socket")
        abstract = "trireme-test-%d" % os.getpid()
        aim = {
            "files": [
                self.path(*name.split("/"))
                for name in ("a/val_000000.bin", "a/data.yaml", "run/ledger.jsonl", "run/secret",
                             "run/config.yaml", "run/metrics.jsonl", "run.yaml")
            ], "folders": [self.path(name) for name in ("run", "run/inbox", "a")],
            "ports": [self.listen(socket.AF_INET, ("127.0.0.1", 0))[1]], "sockets": [path],
            "datagrams": [path + ".datagrams"], "abstract": [abstract],
            "processes": [os.getpid(), self.bystander()], **more
        }
        self.listen(socket.AF_UNIX, path)
        self.listen(socket.AF_UNIX, path + ".datagrams", socket.SOCK_DGRAM)
        self.listen(socket.AF_UNIX, "\0" + abstract)
        self.write("programs/aim.json", json.dumps(aim))
        return aim

    def bystander(self):
        process = subprocess.Popen(["sleep", "600"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process.pid

    def write_programs(self):
        os.makedirs(self.path("programs"), exist_ok=True)

    def write_secret(self):
        """A run that is there, with a secret in it."""
        os.makedirs(self.path("run/inbox"), exist_ok=True)
        for name in ("ledger.jsonl", "secret", "config.yaml", "metrics.jsonl"):
            self.write(os.path.join("run", name), "x")
        os.chmod(self.path("run/secret"), 0o600)

    def assert_refused(self, text, least=50):
        outcomes = said(text)
        self.assertIn("that is all", text)
        self.assertGreaterEqual(len(outcomes), least, text)
        for name, outcome in outcomes.items():
            self.assertTrue(outcome.startswith("refused "), "%s: %s" % (name, outcome))

    def contents(self):
        """Of what is attacked: kind, mode, time and bytes of all in RUN and the data."""
        found = {}
        for folder in ("run", "a", "programs"):
            for at, _, names in os.walk(self.path(folder)):
                for name in [".", *names]:
                    path = os.path.join(at, name)
                    status = os.lstat(path)
                    text = b"" if name == "." else self.read(path)
                    found[path] = (status.st_mode, status.st_mtime_ns, text)
        return found


class Hostile(Cage):
    """In a run, at what this kernel offers."""
    def make(self):
        super().make()
        self.trained("plain")

    def test_a_hostile_planner_is_refused_everything_and_the_run_is_that_without_a_planner(self):
        self.write_programs()
        # a run that is continued, so that all that it is to attack is there at the first briefing
        self.write_config(base=experiments.CONFIG)
        self.assertEqual(self.train("run", "--max-seconds", 0.01).end().code, 85)
        secret = self.read("run/secret")
        self.write("run/ledger.jsonl", "")
        os.makedirs(self.path("run/inbox"), exist_ok=True)
        self.aim(skip=["forks for ever"])
        command = ["./programs/hostile.py", "programs/aim.json"]
        settings = [
            "--set", "experiment.planner=script", "--set",
            "experiment.command=" + json.dumps(command)
        ]
        call = self.begin("resume", "run", *settings, "--workers", 2, "--servers", 1)
        self.assertEqual(call.end().code, 0)
        self.assert_no_planners(call)
        self.assert_refused(self.read("run/planner.log").decode())
        self.assertEqual(self.read("run/secret"), secret)
        self.assertEqual(self.hash_of("run"), self.hash_of("plain"))
        self.assertEqual(self.losses("run"), self.losses("plain"))
        self.assertEqual(os.listdir(self.path("run/inbox")), [])
        self.assertNotIn("planner.work", os.listdir(self.path("run")))

    def test_one_that_forks_for_ever_is_ended_with_all_that_it_forked_and_training_goes_on(self):
        planner = self.write_program("bomb", "#!%s -S\n%s" % (sys.executable, BOMB))
        # steps that take a while, so that the planner's time ends before the run
        for run, experiment in (("without", {}),
                                ("bombed",
                                 {"planner": "script", "command": [planner], "patience": 3})):
            self.write_config(base=experiments.CONFIG, train={"batch": 32}, experiment=experiment)
            self.trained(run)
        self.assertIn("gave no answer within 3 s", self.events("bombed")[0])
        self.assertIn("refused", self.read("bombed/planner.log").decode())
        self.assertEqual(self.hash_of("bombed"), self.hash_of("without"))
        self.assertEqual(self.losses("bombed"), self.losses("without"))


class Masked(Cage):
    """The same attacks, with less than this kernel offers."""
    def setUp(self):
        if not CAGED:
            self.skipTest("CAGED names no tests/caged/caged")
        super().setUp()
        self.write_programs()
        self.write_secret()

    def attack(self, layers, **aim):
        abi, letters = LAYERS[layers]
        self.aim(alone=True, **aim)
        before = self.contents()
        done = subprocess.run([
            CAGED,
            str(abi), letters,
            self.path("run"),
            self.path("a"),
            self.path("programs/hostile.py"),
            self.path("programs/aim.json")
        ],
                              capture_output=True,
                              text=True,
                              timeout=trireme.bound(60),
                              cwd=self.path(""))
        self.assertEqual(done.returncode, 0, done.stderr)
        shutil.rmtree(self.path("run/planner.work"), ignore_errors=True)
        after = self.contents()
        self.assertEqual({k: v[::2]
                          for k, v in after.items()}, {k: v[::2]
                                                       for k, v in before.items()})
        return done.stderr

    def assert_holds(self, layers):
        # once is enough of what takes long; outside a pid namespace nothing bounds root's processes
        skip = [] if layers == "Landlock of Linux 6.1" else ["forks for ever"]
        self.assert_refused(self.attack(layers, skip=skip))

    def test_outside_of_a_cage_the_attacks_succeed(self):
        self.aim(alone=True, only=OUTSIDE)
        done = subprocess.run(
            [sys.executable,
             self.path("programs/hostile.py"),
             self.path("programs/aim.json")],
            capture_output=True,
            text=True,
            timeout=trireme.bound(60),
            cwd=self.path(""))
        outcomes = said(done.stderr)
        self.assertEqual(set(outcomes), set(OUTSIDE))
        for name, outcome in outcomes.items():
            self.assertTrue(outcome.startswith("done"), "%s: %s" % (name, outcome))


def add_tests():
    for layers in LAYERS:
        name = "test_each_attack_is_refused_with_" + layers.replace(",", " and").replace(
            " ", "_").replace(".", "_")
        setattr(Masked, name, lambda self, layers=layers: self.assert_holds(layers))


class Refused(Cage):
    """What is refused before a run begins, or warned of."""
    def planner(self, command, **experiment):
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "script", "command": command, **experiment})

    def refuse_program(self, folder, *parts):
        """One that lies in that folder."""
        os.makedirs(self.path(folder), exist_ok=True)
        name = self.write(os.path.join(folder, "planner"), "#!/bin/sh\n")
        os.chmod(self.path(name), 0o755)
        self.refuse(2, ["experiment.command", *parts], "resume", "run", "--set",
                    "experiment.planner=script", "--set",
                    "experiment.command=" + json.dumps(["./" + name]))
        os.unlink(self.path(name))

    def test_a_program_in_the_run_or_beside_run_or_data_is_refused(self):
        self.write_config(base=experiments.CONFIG)
        self.assertEqual(self.train("run", "--max-seconds", 0.01).end().code, 85)
        self.refuse_program("run", "run, the folder of the program, lies in run, which no planner")
        self.refuse_program("run/deep", "lies in run")
        self.refuse_program("a", "the folder of the program, lies in a, which no planner may read")
        self.refuse_program(".", "the folder of the program, holds run, which no planner may read")
        self.write("script.py", "")
        for command, part in ((["python3", "script.py"], "the folder of the program, holds"),
                              (["/bin/sh", "-c", "cat", "a/data.yaml"], "lies in a, which no")):
            self.refuse(2, ["experiment.command", part], "resume", "run", "--set",
                        "experiment.planner=script", "--set",
                        "experiment.command=" + json.dumps(command))

    def test_a_program_beside_the_secret_of_persons_is_refused(self):
        self.write_programs()
        name = self.write("programs/planner", "#!/bin/sh\n")
        os.chmod(self.path(name), 0o755)
        self.write("programs/secret", "0123456789abcdef" * 4 + "\n")
        os.chmod(self.path("programs/secret"), 0o600)
        secret = os.path.realpath(self.path("programs/secret"))
        self.planner(["./programs/planner"], secret=secret)
        self.refuse(2, [
            "experiment.command", "the folder of the program, holds " + secret,
            "which no planner may read"
        ], "train", "run.yaml", "--out", "run")
        self.assert_nothing("run")

    def without(self, letters, *words):
        if not WITHOUT:
            self.skipTest("WITHOUT names no tests/caged/without")
        return self.begin("train",
                          "run.yaml",
                          "--out",
                          "run",
                          "--workers",
                          1,
                          "--servers",
                          1,
                          "--max-seconds",
                          2,
                          *words,
                          before=[WITHOUT, letters])

    def test_where_it_can_read_the_run_a_planner_that_needs_approval_is_refused(self):
        self.planner([os.path.join(EXAMPLES, "minimal.py")], mode="approve")
        done = self.without("ln").end()
        self.assertEqual(done.code, 2, done)
        for part in ("cannot be kept from reading the run", "experiment.mode is approve",
                     "Landlock", "namespaces (Operation not permitted)", "experiment.unlocked"):
            self.assertIn(part, done.err)
        self.assert_nothing("run")

    def test_a_person_may_have_it_so_and_is_warned(self):
        self.planner([os.path.join(EXAMPLES, "minimal.py")], mode="approve", unlocked=True)
        done = self.without("ln").end()
        self.assertIn(done.code, (0, 85), done)
        self.assertEqual(done.err.count("WARNING"), 1, done)
        self.assertIn(
            "WARNING: the planner is not wholly locked in and can read the run: missing "
            "here: Landlock, namespaces (Operation not permitted)", done.err)

    def test_what_is_missing_is_one_warning(self):
        self.planner([os.path.join(EXAMPLES, "minimal.py")], mode="approve")
        done = self.without("n").end()
        self.assertIn(done.code, (0, 85), done)
        self.assertEqual(done.err.count("WARNING"), 1, done)
        self.assertIn(
            "WARNING: the planner is not wholly locked in: missing here: namespaces "
            "(Operation not permitted)", done.err)


add_tests()
if __name__ == "__main__":
    trireme.main()
