"""Ranks that die, hang or never start: a sentence that names them, nothing left over, and a run
that goes on as if nothing had happened."""
import fcntl
import json
import os
import shutil
import signal
import time

import trireme
from trireme import Case, processes, wait_for

STEPS = 250
WORKERS, SERVERS = 2, 2
# role and number of each rank of 1 + 2 + 2, as the sentences call them
COORDINATOR, SERVER_1, WORKER_0, WORKER_1 = 0, 2, 3, 4


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.line = ["train", "run.yaml", "--workers", WORKERS, "--servers", SERVERS, "--out"]
        self.endless = ["--set", "train.steps=1000000"]
        self.once(self.make)

    def make(self):
        self.write_data()
        self.write_config(model={"width": 32, "context": 64},
                          train={"steps": STEPS},
                          eval={"every": 50},
                          checkpoint={"every": 20, "keep": 2})
        self.succeed("train", "run.yaml", "--out", "whole", "--workers", 1)

    def begin_run(self, steps=45, *more, **options):
        """A run that has done some steps."""
        call = self.begin(*self.line, "run", *more, **options)
        wait_for(lambda: self.steps_done("run") >= steps or call.process.poll() is not None,
                 "%d steps" % steps)
        self.assertIsNone(call.process.poll(), "the run ended before it could be disturbed")
        self.shared = call.shared_files()
        return call

    def tearDown(self):
        left = [name for name in getattr(self, "shared", ()) if os.path.exists(name)]
        super().tearDown()
        self.assertEqual(left, [], "files left in shared memory")

    def assert_goes_on(self):
        self.succeed(*self.line, "run")
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        self.assertEqual(self.losses("run"), self.losses("whole"))
        self.assert_whole("run", STEPS)

    def kill_rank(self, rank, *parts):
        manifest = self.path("run/checkpoints/step-00000040/manifest.json")
        call = self.begin_run()
        wait_for(lambda: os.path.exists(manifest), "the checkpoint of step 40")
        os.kill(call.rank(rank), signal.SIGKILL)
        done = call.end(30)
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(done.err, [*parts, "lost", "signal 9", "run the same line again"])
        self.assertTrue(os.path.exists(manifest))
        self.assert_goes_on()

    def test_a_killed_worker_is_named_and_the_same_line_goes_on_to_the_same_bits(self):
        self.kill_rank(WORKER_1, "worker 1 (rank 4 on ")

    def test_a_killed_server_is_named_and_the_same_line_goes_on_to_the_same_bits(self):
        self.kill_rank(SERVER_1, "server 1 (rank 2 on ")

    def test_a_killed_coordinator_is_named_and_the_same_line_goes_on_to_the_same_bits(self):
        self.assertEqual(self.run_it(*self.line, "run", "--max-seconds", 0.01).code, 85)
        self.kill_rank(COORDINATOR, "the coordinator (rank 0 on ")

    def test_a_stopped_worker_is_named_within_bounded_time_and_nothing_is_left(self):
        call = self.begin_run(45, "--set", "wait.patience=2", *self.endless)
        pid = call.rank(WORKER_0)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        done = call.end(30)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(
            done.err,
            ["worker 0 (rank 3 on ",
             "process %d)" % pid, "silent for ", "its part of a step"])

    def test_a_stopped_server_is_named_within_bounded_time_and_nothing_is_left(self):
        call = self.begin_run(45, "--set", "wait.patience=2", *self.endless)
        pid = call.rank(SERVER_1)
        os.kill(pid, signal.SIGSTOP)
        done = call.end(30)
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(done.err, ["server 1 (rank 2 on ", "process %d)" % pid, "silent for "])

    def test_a_stopped_coordinator_ends_the_run_within_bounded_time_and_nothing_is_left(self):
        call = self.begin_run(45, "--set", "wait.patience=2", *self.endless)
        os.kill(call.rank(COORDINATOR), signal.SIGSTOP)
        done = call.end(30)
        self.assertEqual(done.code, 5, done)
        self.assertIn("coordinator", done.err)

    def test_a_worker_that_is_stopped_for_less_than_the_patience_goes_on(self):
        call = self.begin_run(30)
        pid = call.rank(WORKER_1)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1.5)  # a pause that the ranks notice, far below the patience of 60 seconds
        os.kill(pid, signal.SIGCONT)
        done = call.end()
        self.assertEqual((done.code, done.err), (0, ""), done)
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))

    def test_when_train_itself_is_killed_its_ranks_end_too_and_the_same_line_goes_on(self):
        call = self.begin_run(45)
        call.process.kill()
        call.process.wait()
        wait_for(lambda: not processes(call.token), "the ranks' end", 20)
        call.process.communicate()
        # mpirun, interrupted twice on its way out, may leave its folder of sockets;
        # processes and memory must be gone
        self.assert_goes_on()

    def test_mpirun_that_is_missing_is_said_with_the_package_that_has_it(self):
        self.refuse(5, ["mpirun", "PATH", "openmpi-bin"],
                    *self.line,
                    "run",
                    env={"PATH": "/nonexistent"})

    def test_an_mpirun_that_fails_is_quoted(self):
        os.mkdir(self.path("bin"))
        self.write("bin/mpirun", "#!/bin/sh\necho no slots today >&2\nexit 7\n")
        os.chmod(self.path("bin/mpirun"), 0o755)
        done = self.run_it(*self.line, "run", env={"PATH": self.path("bin") + ":/bin:/usr/bin"})
        self.assertEqual(done.code, 5, done)
        self.assertIn("no slots today", done.err)
        self.assertIn("trireme: mpirun ended with code 7", done.err)

    def test_an_mpirun_that_hangs_when_its_ranks_are_gone_is_ended(self):
        os.mkdir(self.path("bin"))
        # what rank 0 says when the run is over: an mpirun without children may have ranks elsewhere
        self.write("bin/mpirun", "#!/bin/sh\necho trireme-ended >&2\nsleep 1.2\nkill -STOP $$\n")
        os.chmod(self.path("bin/mpirun"), 0o755)
        self.refuse(5, ["ranks ended", "mpirun did not", "killed"],
                    *self.line,
                    "run",
                    timeout=30,
                    env={"PATH": self.path("bin") + ":/bin:/usr/bin"})

    def test_an_mpirun_that_waits_for_its_daemons_for_ever_changes_nothing_when_the_run_is_over(
            self):
        os.mkdir(self.path("bin"))
        self.write("bin/mpirun",
                   "#!/bin/sh\n%s \"$@\"\nwhile :; do sleep 1000; done\n" % shutil.which("mpirun"))
        os.chmod(self.path("bin/mpirun"), 0o755)
        path = {"PATH": self.path("bin") + ":" + os.environ["PATH"]}
        call = self.begin_run(30, *self.endless, env=path)
        os.kill(call.rank(SERVER_1), signal.SIGTERM)
        began = time.monotonic()
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assertIn("stopped on request", done.err)
        self.assertLess(time.monotonic() - began, 25)  # batch systems kill 30 s after they asked
        self.assert_whole("run", self.checkpoints("run")[-1])

    def test_a_second_train_on_a_run_that_is_being_trained_is_refused_and_the_first_goes_on(self):
        call = self.begin_run(30, *self.endless)
        incarnation = self.read("run/incarnation")
        self.refuse(2, ["run", "being trained by another process"], *self.line, "run",
                    *self.endless)
        self.refuse(2, ["run", "being trained by another process"], "resume", "run", "--set",
                    "train.steps=5")
        self.assertEqual(self.read("run/incarnation"), incarnation)
        done = self.steps_done("run")
        wait_for(lambda: self.steps_done("run") > done, "the first one's next step")
        call.process.send_signal(signal.SIGINT)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_sentence(done.err, ["stopped on request"])

    def test_how_an_earlier_launch_ended_says_nothing_about_this_one(self):
        self.succeed(*self.line, "run", "--set", "train.steps=1")
        self.assertEqual(json.loads(self.read("run/status.json"))["code"], 0)
        with open(self.path("run/lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refuse(2, ["being trained by another process"], *self.line, "run", "--set",
                        "train.steps=1")
        self.succeed(*self.line, "run", "--set", "train.steps=1")

    def test_training_that_diverges_ends_with_its_step_and_keeps_the_run(self):
        done = self.run_it(*self.line, "run", "--set", "optimizer.lr=100", "--set",
                           "optimizer.clip=0", "--set", "optimizer.name=sgd", "--set",
                           "schedule.kind=constant")
        self.assertEqual(done.code, 4, done)
        self.assert_sentence(done.err, ["step ", "diverged", "run keeps step "])
        self.assertTrue(os.path.exists(self.path("run/metrics.jsonl")))

    def test_an_unfinished_checkpoint_and_a_torn_line_of_a_crash_are_cleared_away(self):
        self.succeed(*self.line, "run", "--set", "train.steps=40")
        torn = self.path("run/checkpoints/step-00000060")
        shutil.copytree(self.path("run/checkpoints/step-00000040"), torn)
        os.unlink(os.path.join(torn, "manifest.json"))
        with open(self.path("run/metrics.jsonl"), "a") as f:
            f.write('{"kind":"train","trial":"trunk","step":41,"loss":1}\n{"kind":"train","tri')
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=80")
        self.assert_whole("run", 80)
        self.assertEqual(self.checkpoints("run"), [60, 80])
        self.succeed("ckpt", "verify", "run@60")


if __name__ == "__main__":
    trireme.main()
