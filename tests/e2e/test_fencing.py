"""One launch of a run at a time, also where the file system's locks do not exclude; an older launch
that lost the run touches nothing more; and what killed processes leave goes."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import trireme
from trireme import Case, processes, rank_of, wait_for

STUBS = os.environ.get("FLOCK_STUBS")
ROUNDS = 20 if os.environ.get("TRIREME_NIGHT") else 3
STEPS, LONG_STEPS = 1600, 4000  # some seconds: a launch waits one for the lock
SHARED = "/dev/shm"


def flock_that(name):
    return {"LD_PRELOAD": os.path.join(STUBS, "flock_%s.so" % name)}


def shared_names():
    return set(os.listdir(SHARED)) if os.path.isdir(SHARED) else set()


class Fencing(Case):
    def setUp(self):
        super().setUp()
        self.line = ["train", "run.yaml", "--workers", 2, "--out"]
        self.once(self.make)

    def make(self):
        self.write_data()
        self.write_config(train={"steps": STEPS},
                          eval={"every": 150},
                          checkpoint={"every": 40, "keep": 2})
        self.succeed("train", "run.yaml", "--out", "whole", "--workers", 1)

    def assert_as_undisturbed(self, run="run", whole="whole", steps=STEPS):
        self.assertEqual(self.hash_of(run), self.hash_of(whole))
        self.assertEqual(self.losses(run), self.losses(whole))
        self.assert_whole(run, steps)
        names = os.listdir(self.path(run, "checkpoints"))
        self.assertEqual([name for name in names if "damaged" in name], [])

    def begin_run(self, steps=20, run="run", **options):
        call = self.begin(*self.line, run, **options)
        wait_for(lambda: self.steps_done(run) >= steps or call.process.poll() is not None,
                 "%d steps" % steps)
        self.assertIsNone(call.process.poll(), "the run ended before it could be disturbed")
        return call


@unittest.skipUnless(STUBS, "FLOCK_STUBS says nothing")
class TwoAtOnce(Fencing):
    def end_of_two(self, env):
        """How two launches of one line ended that met; where one had the whole run before the other
        came, they are begun anew."""
        for _ in range(5):
            shutil.rmtree(self.path("run"), ignore_errors=True)
            calls = [self.begin(*self.line, "run", env=env) for _ in range(2)]
            done = sorted((call.end(120) for call in calls), key=lambda d: d.code)
            if not any("nothing to do" in d.out for d in done):
                return done
        self.fail("two launches did not meet in five times")

    def two_at_once(self, name, *parts):
        for _ in range(ROUNDS):
            done = self.end_of_two(flock_that(name) if name else None)
            self.assertEqual([d.code for d in done], [0, 2], done)
            self.assert_sentence(done[1].err, [
                "trireme: run: this run is being trained by another process (process ", "launch 1",
                "since "
            ])
            self.assertEqual(done[0].err, "")
            for part in parts:
                self.assertIn(part, done[0].out)
            self.assertEqual(self.read("run/incarnation"), b"1\n")
            self.assertEqual(json.loads(self.read("run/status.json"))["code"], 0)
            self.assert_nothing("run/lock.json")
            self.assert_as_undisturbed()

    def test_of_two_launches_at_once_one_is_refused_where_flock_excludes(self):
        self.two_at_once(None)

    def test_of_two_launches_at_once_one_is_refused_where_everybody_gets_the_lock(self):
        self.two_at_once("succeeds",
                         "note: run: flock succeeds, but does not keep a second one out")

    def test_of_two_launches_at_once_one_is_refused_where_there_is_no_flock(self):
        self.two_at_once("fails_enosys", "note: run: flock fails (Function not implemented)")

    def test_of_two_launches_at_once_one_is_refused_where_flock_has_io_errors(self):
        self.two_at_once("fails_eio", "note: run: flock fails (Input/output error)")

    def test_a_killed_launch_is_relieved_where_there_is_no_flock(self):
        call = self.begin_run(60, env=flock_that("fails_enosys"))
        call.kill()
        call.process.communicate()
        wait_for(lambda: not processes(call.token), "the ranks' end")
        self.assertTrue(os.path.exists(self.path("run/lock.json")))
        done = self.succeed(*self.line, "run", env=flock_that("fails_enosys"))
        self.assertIn("the launch before is dead and was relieved: process ", done.out)
        self.assert_as_undisturbed()

    def older_and_newer(self, steps):
        """A launch that loses the run to another, as by a lock that was let go while it slept."""
        first = self.begin_run(steps, env=flock_that("succeeds"))
        os.unlink(self.path("run/lock.json"))
        second = self.begin(*self.line, "run", env=flock_that("succeeds"))
        old = first.end(60)
        new = second.end(120)
        self.assertEqual(old.code, 5, old)
        # which of the two it is depends on whether the number was there by then
        self.assert_sentence(old.err, ["trireme: run: ", " launch ", " has taken this run"])
        self.assertEqual((new.code, new.err), (0, ""), new)
        self.assertEqual(json.loads(self.read("run/status.json"))["incarnation"], 2)
        self.assertNotIn(b"has taken this run", self.read("run/log.txt"))
        self.assertEqual(self.metrics("run", "event"), [])

    def test_an_older_launch_ends_with_a_sentence_and_the_newer_ones_run_is_as_undisturbed(self):
        # so many that both are there for a while
        self.write_config(train={"steps": LONG_STEPS},
                          eval={"every": 500},
                          checkpoint={"every": 100, "keep": 2})
        self.succeed("train", "run.yaml", "--out", "whole-long", "--workers", 1)
        for steps in (20, 150, 400):
            shutil.rmtree(self.path("run"), ignore_errors=True)
            self.older_and_newer(steps)
            self.assert_as_undisturbed("run", "whole-long", LONG_STEPS)

    def test_an_older_launch_touches_nothing_while_a_newer_one_has_the_run(self):
        call = self.begin_run(60)
        self.write("run/incarnation", "7\n")
        done = call.end(60)
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(
            done.err, ["run: a newer launch (incarnation 7, this one is 1) has taken this run"])
        self.assert_nothing("run/status.json")
        self.assertEqual(self.read("run/incarnation"), b"7\n")


class Seeing(Fencing):
    @unittest.skipUnless(
        os.geteuid() == 0
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0,
        "needs root and mount namespaces")
    def test_a_server_that_does_not_see_the_run_is_named_before_the_first_step(self):
        os.mkdir(self.path("run"), 0o700)
        train = [trireme.PROGRAM] + [str(word) for word in self.line] + ["run"]
        hidden = [
            "unshare", "-m", "sh", "-c", "mount -t tmpfs none run && cd . && exec \"$@\"", "sh"
        ]
        before = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n", "1"
                  ] + train + [":", "-n", "1"] + hidden + train + [":", "-n", "2"]
        done = self.run_it(*self.line, "run", before=before)
        self.assertEqual(done.code, 2, done)
        sentences = [line for line in done.err.splitlines() if line.startswith("trireme: ")]
        self.assertEqual(len(sentences), 1, done)
        for part in ("server 0 (rank 1 on ", "run (in ", "found no run, expected launch 1 of one",
                     "all nodes share"):
            self.assertIn(part, sentences[0])
        self.assertEqual(self.steps_done("run"), 0)

    def test_a_run_and_its_inbox_are_their_owners_alone_whatever_the_umask(self):
        before = ["sh", "-c", "umask 0; exec \"$@\"", "sh"]
        done = self.run_it(*self.line, "run", "--set", "train.steps=2", before=before)
        self.assertEqual(done.code, 0, done)
        self.run_it("propose", "run", "--set", "optimizer.lr=1e-3", "--why", "x", before=before)
        for name in ("run", "run/inbox"):
            self.assertEqual(os.stat(self.path(name)).st_mode & 0o777, 0o700, name)

    def test_a_checkpoint_that_cannot_be_read_is_refused_and_nothing_is_renamed(self):
        self.succeed(*self.line, "run", "--set", "train.steps=200")
        shard = self.path(self.shard("run", 200))
        os.rename(shard, shard + ".kept")
        os.symlink("/proc/self/mem", shard)  # reading it is an I/O error
        before = self.tree("run/checkpoints/step-00000160")
        self.refuse(5, [self.shard("run", 200), "cannot read: Input/output error"], "resume", "run",
                    "--set", "train.steps=300")
        self.assertEqual(sorted(os.listdir(self.path("run/checkpoints"))),
                         ["step-00000160", "step-00000200"])
        self.assertEqual(self.tree("run/checkpoints/step-00000160"), before)
        os.rename(shard + ".kept", shard)
        done = self.succeed("resume", "run", "--set", "train.steps=300")
        self.assertIn("continuing from run/checkpoints/step-00000200", done.out)


class Leftovers(Fencing):
    """What is in shared memory after processes were killed with signal 9."""
    def setUp(self):
        super().setUp()
        self.endless = ["--set", "train.steps=1000000"]

    def begin_marked(self, run, **options):
        """An endless launch, and the files that are its own in shared memory."""
        call = self.begin(*self.line, run, *self.endless, **options)
        wait_for(lambda: self.steps_done(run) >= 20, "20 steps")
        own = {os.path.basename(name) for name in call.shared_files()}
        pids = {str(pid) for pid in processes(call.token)}
        own |= {
            name
            for name in shared_names() if name.startswith("trireme.") and name.split(".")[2] in pids
        }
        self.assertEqual(len([name for name in own if name.startswith("trireme.")]), 5, own)
        self.assertGreater(len(own), 5, "found no segments")
        return call, own

    def mpirun_of(self, call):
        def find():
            for pid, environment in processes(call.token).items():
                if rank_of(environment) is None and pid != call.process.pid:
                    with open("/proc/%d/comm" % pid) as f:
                        if f.read().strip() in ("mpirun", "orterun"):
                            return pid
            return None

        return wait_for(find, "mpirun")

    def kill(self, call, whom):
        mpirun, ranks = self.mpirun_of(call), call.ranks()
        for pid in {
                "train": [call.process.pid], "mpirun": [mpirun], "rank": [ranks[2]],
                "coordinator": [ranks[0]], "both": [call.process.pid, mpirun],
                "all": [call.process.pid, mpirun, *ranks.values()]
        }[whom]:
            os.kill(pid, signal.SIGKILL)

    def test_what_a_killed_mpirun_or_rank_leaves_goes_at_once(self):
        other, others = self.begin_marked("other")
        for whom in ("mpirun", "rank", "coordinator"):
            call, own = self.begin_marked("run-" + whom)
            self.kill(call, whom)
            done = call.end(30)  # which checks processes and the session's folder
            self.assertEqual(done.code, 5, done)
            self.assertEqual(own & shared_names(), set(), whom)
        self.assertEqual(others - shared_names(), set())
        other.process.send_signal(signal.SIGINT)
        self.assertEqual(other.end().code, 85)
        self.assertEqual(others & shared_names(), set())

    def test_what_a_killed_train_leaves_goes_with_the_next_launch_of_any_run(self):
        other, others = self.begin_marked("other")
        for whom in ("train", "both", "all"):
            call, own = self.begin_marked("run-" + whom)
            self.kill(call, whom)
            call.process.communicate()
            wait_for(lambda: not processes(call.token), "the end of all after %s" % whom)
            self.succeed("train", "run.yaml", "--out", "next-" + whom, "--workers", 1, "--set",
                         "train.steps=2")
            self.assertEqual(own & shared_names(), set(), whom)
            self.assertEqual(os.listdir(call.tmp), [], whom)
        self.assertEqual(others - shared_names(), set())
        other.process.send_signal(signal.SIGINT)
        self.assertEqual(other.end().code, 85)

    def test_a_stopped_rank_of_a_killed_mpirun_is_ended(self):
        call, own = self.begin_marked("run")
        os.kill(call.rank(3), signal.SIGSTOP)
        began = time.monotonic()
        self.kill(call, "mpirun")
        self.assertEqual(call.end(30).code, 5)
        self.assertLess(time.monotonic() - began, trireme.bound(20))
        self.assertEqual(own & shared_names(), set())


if __name__ == "__main__":
    trireme.main()
