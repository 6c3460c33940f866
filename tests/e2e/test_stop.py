"""Requests to stop: whoever asks whichever process at whatever moment, there is a checkpoint of all
that was done, code 85, and the same line goes on as if nothing had happened."""
import json
import os
import pty
import shutil
import signal
import time
import unittest

import trireme
from stops import SIGNALS, begin_held, holds_back, mpirun_of
from trireme import Case, processes, rank_of, wait_for

STEPS = 4000
MPIRUN = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n"]
COORDINATOR, SERVER, WORKER = 0, 1, 2  # ranks with one server


class Stop(Case):
    """Cases that share a small run, and what it comes to undisturbed."""
    def setUp(self):
        super().setUp()
        self.once(self.make)
        self.line = ["train", "run.yaml", "--workers", 2, "--out"]

    def make(self):
        self.write_data()
        self.write_config(train={"steps": STEPS},
                          eval={"every": 1000},
                          checkpoint={"every": 1500, "keep": 2})
        self.succeed("train", "run.yaml", "--out", "whole", "--workers", 1)

    def begin_run(self, *more, steps=20, run="run", **options):
        """A launch that has done some steps."""
        before = self.steps_done(run)
        call = self.begin(*self.line, run, *more, **options)
        wait_for(lambda: self.steps_done(run) >= before + steps or call.process.poll() is not None,
                 "%d steps" % steps)
        self.assertIsNone(call.process.poll(), "the run ended before it could be disturbed")
        return call

    def assert_stopped(self, call, run="run", timeout=30):
        """Ended on request, with nothing lost. Returns the step."""
        done = call.end(timeout)
        self.assertEqual(done.code, 85, done)
        said = [line for line in done.err.splitlines() if line.startswith("trireme: ")]
        self.assertEqual(len(said), 1, done)
        self.assertIn("run the same line again", said[0])
        step = self.checkpoints(run)[-1]
        self.assertEqual(self.steps_done(run), step, done)
        return step

    def assert_goes_on(self, run="run", line=None):
        self.succeed(*(line or self.line), run)
        self.assertEqual(self.hash_of(run), self.hash_of("whole"))
        self.assertEqual(self.losses(run), self.losses("whole"))
        self.assert_whole(run, STEPS)
        self.assert_evaluations(run, "whole")

    def assert_evaluations(self, run, other):
        def evals(name):
            return [(m["step"], m["val_loss"]) for m in self.metrics(name, "eval")]

        self.assertEqual(evals(run), evals(other))


class WhoeverAsks(Stop):
    def lives(self, targets):
        """One run, stopped once for each (signal, process numbers of a call)."""
        last = 0
        for name, number, pids in targets:
            call = self.begin_run()
            for pid in pids(call):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass  # those that were told first may be gone
            step = self.assert_stopped(call)
            self.assertGreater(step, last, name)
            last = step
        self.assert_goes_on()

    def test_each_signal_to_train_its_mpirun_and_all_ranks_at_once_is_one_request(self):
        self.lives([(s.name, s, lambda call: [call.process.pid] + list(processes(call.token)))
                    for s in SIGNALS])

    def test_each_signal_to_the_mpirun_that_train_started_is_a_request(self):
        self.lives([(s.name, s, lambda call: [mpirun_of(call)]) for s in SIGNALS])

    def test_a_signal_to_one_rank_alone_is_a_request(self):
        self.lives([(str(r), s, lambda call, r=r: [call.rank(r)])
                    for r, s in zip((COORDINATOR, SERVER, WORKER, WORKER + 1), SIGNALS)])

    def test_many_requests_are_one(self):
        call = self.begin_run()
        server = call.rank(SERVER)
        os.kill(server, signal.SIGSTOP)  # there is no checkpoint until it goes on
        for number in SIGNALS + SIGNALS:
            os.kill(call.process.pid, number)
            os.kill(mpirun_of(call), number)
            time.sleep(0.3)
        os.kill(server, signal.SIGCONT)
        self.assert_stopped(call)
        self.assert_goes_on()

    def test_when_train_is_killed_its_ranks_write_a_checkpoint_and_end(self):
        call = self.begin_run()
        call.process.kill()
        call.process.communicate()
        wait_for(lambda: not processes(call.token), "the ranks' end", 20)
        self.assertEqual(self.steps_done("run"), self.checkpoints("run")[-1])
        self.assertEqual(json.loads(self.read("run/status.json"))["code"], 85)
        self.assert_goes_on()

    def test_under_nohup_a_hangup_of_all_processes_changes_nothing(self):
        call = self.begin_run(before=["nohup"])
        for pid in processes(call.token):
            os.kill(pid, signal.SIGHUP)
        done = self.steps_done("run")
        wait_for(lambda: self.steps_done("run") > done + 100, "more steps")
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 85)
        self.assertEqual(self.steps_done("run"), self.checkpoints("run")[-1])

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_under_ones_own_mpirun_a_signal_to_the_ranks_is_a_request(self):
        line = ["train", "run.yaml", "--out", "run"]
        for number in SIGNALS:
            before = self.steps_done("run")
            call = self.begin(*line, before=MPIRUN + ["4"])
            wait_for(lambda: self.steps_done("run") >= before + 20, "steps")
            for pid in call.ranks().values():
                os.kill(pid, number)
            self.assert_stopped(call)
        self.assert_goes_on()

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_under_ones_own_mpirun_a_signal_to_one_worker_is_a_request(self):
        call = self.begin("train", "run.yaml", "--out", "run", before=MPIRUN + ["4"])
        wait_for(lambda: self.steps_done("run") >= 20, "steps")
        os.kill(call.rank(3), signal.SIGTERM)
        self.assert_stopped(call)


class Terminal(Stop):
    def on_terminal(self, *words):
        """Begins on a terminal of its own; its process number and the terminal."""
        environment = dict(os.environ)
        token = "%d-t%d" % (os.getpid(), time.monotonic_ns())
        environment[trireme.TOKEN] = token
        self.token = token
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(trireme.PROGRAM, [trireme.PROGRAM] + [str(w) for w in words], environment)
        return pid, terminal

    def test_only_a_second_ctrl_c_two_seconds_later_ends_at_once(self):
        try:
            pid, terminal = self.on_terminal(*self.line, "run", "--set", "checkpoint.every=10")
        except OSError as error:
            self.skipTest("this machine has no pseudo-terminals: %s" % error)
        os.set_blocking(terminal, False)
        shown = b""

        def read():
            nonlocal shown
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                pass
            return os.waitpid(pid, os.WNOHANG)

        wait_for(lambda: read() and self.steps_done("run") >= 30, "steps")
        for server, environment in processes(self.token).items():
            if rank_of(environment) == SERVER:
                os.kill(server, signal.SIGSTOP)
        os.write(terminal, b"\x03")
        time.sleep(0.5)
        os.write(terminal, b"\x03")
        end = time.monotonic() + 2.2
        while time.monotonic() < end:
            self.assertEqual(read(), (0, 0), shown)
            time.sleep(0.05)
        os.write(terminal, b"\x03")
        ended = wait_for(lambda: (lambda w: w if w[0] else None)(read()), "the end", 20)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(ended[1]), 5, shown)
        self.assertIn(b"stopped at once on request", shown)
        wait_for(lambda: not processes(self.token), "the ranks' end", 10)
        self.succeed("ckpt", "verify", "run")


class AtAnyMoment(Stop):
    def test_from_the_first_line_on_a_signal_is_a_request(self):
        for number in SIGNALS:
            for delay in (0, 0.01, 0.1):
                shutil.rmtree(self.path("run"), ignore_errors=True)
                call = begin_held(self, *self.line, "run")
                time.sleep(delay)
                call.process.send_signal(number)
                done = call.end()
                self.assertEqual(done.code, 85, done)
                self.assert_sentence(done.err, ["stopped on request", "run the same line again"])
        self.assert_goes_on()

    def test_a_signal_to_the_first_rank_before_it_has_the_run_is_a_request(self):
        for number in SIGNALS:
            shutil.rmtree(self.path("run"), ignore_errors=True)
            call = self.begin(*self.line, "run")
            rank = call.rank(COORDINATOR)
            wait_for(lambda: holds_back(rank), "the first line of main", 5)
            os.kill(rank, number)
            done = call.end()
            self.assertEqual(done.code, 85, done)
            self.assert_sentence(done.err, ["stopped on request", "run the same line again"])

    def test_three_launches_in_a_row_that_do_no_step_are_an_error_and_a_step_begins_anew(self):
        def stop_at_once():
            call = begin_held(self, *self.line, "run")
            call.process.send_signal(signal.SIGUSR1)
            return call.end()

        for _ in range(2):
            done = stop_at_once()
            self.assertEqual(done.code, 85, done)
            self.assert_sentence(done.err, ["before training began", "run the same line again"])
        done = stop_at_once()
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(done.err,
                             ["run", "3 launches in a row", "before they had done a step"])
        done = self.run_it(*self.line, "run", "--max-seconds", 0.001)
        self.assertEqual(done.code, 85, done)
        self.assertGreaterEqual(self.checkpoints("run")[-1], 1)
        self.assertEqual(stop_at_once().code, 85)
        self.assert_goes_on()

    def test_a_limit_of_time_counts_the_start_and_lets_one_step_be_done(self):
        late = [
            "mpirun", "--oversubscribe", "--allow-run-as-root", "-n", "3", trireme.PROGRAM, "train",
            "run.yaml", "--out", "run", "--max-seconds", "1", ":", "-n", "1", "sh", "-c",
            'sleep 4; exec "$0" train run.yaml --out run --max-seconds 1'
        ]
        done = self.run_it(before=late)
        self.assertEqual(done.code, 85, done)
        self.assertIn(self.checkpoints("run")[-1], (1, 2))
        for life in range(3):
            before = self.checkpoints("run")[-1]
            done = self.run_it(*self.line, "run", "--max-seconds", 0.001)
            self.assertEqual(done.code, 85, done)
            self.assertIn(self.checkpoints("run")[-1], (before + 1, before + 2))
        self.assert_goes_on()


class InAnEvaluation(Case):
    """Evaluations that take seconds: a stop does not wait for them, whoever goes on does them."""
    def setUp(self):
        super().setUp()
        self.once(self.make)
        self.line = ["train", "run.yaml", "--workers", 2, "--out"]

    def make(self):
        self.write_data("data", 1, 800000, "--val", "0.5")
        self.write_config(model={"layers": 3, "heads": 4, "width": 96, "context": 64},
                          train={"steps": 6, "batch": 4},
                          eval={"every": 3, "samples": 100000},
                          checkpoint={"every": 2, "keep": 3})
        self.succeed("train", "run.yaml", "--out", "whole", "--workers", 2)

    def stop_in_evaluation(self, step, ask=lambda call: call.process.send_signal(signal.SIGTERM)):
        call = self.begin(*self.line, "run")
        wait_for(lambda: self.steps_done("run") == step, "step %d" % step)
        time.sleep(0.1)
        ask(call)
        return call

    def evals(self, run):
        return [(m["step"], m["val_loss"]) for m in self.metrics(run, "eval")]

    def assert_left_out(self, call, step):
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assertEqual(self.checkpoints("run")[-1], step)
        self.assertTrue(self.manifest("run", step)["unfinished"])
        self.assertNotIn(step, [s for s, _ in self.evals("run")])

    def assert_goes_on(self):
        self.succeed(*self.line, "run")
        self.assertEqual(self.evals("run"), self.evals("whole"))
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        self.assert_whole("run", 6)

    def test_a_stop_abandons_an_evaluation_and_the_next_launch_does_it_anew(self):
        call = self.stop_in_evaluation(3)
        self.assert_left_out(call, 3)
        self.assert_goes_on()

    def test_also_that_of_the_last_step(self):
        call = self.stop_in_evaluation(6)
        self.assert_left_out(call, 6)
        self.assert_goes_on()
        self.assertIn("nothing to do", self.succeed(*self.line, "run").out)

    def test_a_stop_in_the_evaluation_that_was_left_leaves_it_again(self):
        self.assert_left_out(self.stop_in_evaluation(3), 3)
        ready = self.read("run/log.txt").count(b" is ready")
        call = self.begin(*self.line, "run")
        wait_for(lambda: self.read("run/log.txt").count(b" is ready") == 2 * ready,
                 "the readiness of all ranks")
        call.process.send_signal(signal.SIGTERM)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_sentence(done.err, ["before step 4", "run the same line again"])
        self.assert_goes_on()

    def test_a_rank_that_does_not_come_to_the_end_does_not_change_the_code(self):
        call = self.stop_in_evaluation(3, lambda call: os.kill(call.rank(WORKER), signal.SIGSTOP))
        call.process.send_signal(signal.SIGTERM)
        self.assert_left_out(call, 3)
        self.assert_goes_on()


class StopCommand(Stop):
    def test_trireme_stop_asks_waits_and_says_what_came_of_it(self):
        call = self.begin_run()
        said = self.succeed("stop", "run")
        self.assertRegex(said.out, r"\Astopped on request at step \d+, with a checkpoint: ")
        self.assert_stopped(call)
        self.assertEqual(os.listdir(self.path("run/inbox")), [])
        call = self.begin_run()
        reply = json.loads(self.succeed("stop", "run", "--json").out)
        self.assertEqual((reply["code"], reply["step"]), (85, self.assert_stopped(call)))
        self.assert_goes_on()

    def test_where_nobody_trains_it_says_so_and_leaves_no_request(self):
        self.refuse(2, ["whole", "nobody trains this run now"], "stop", "whole")
        self.assertFalse(os.path.exists(self.path("whole/inbox")))

    def test_a_run_that_does_not_end_in_time_is_told_so(self):
        call = self.begin_run()
        server = call.rank(SERVER)
        os.kill(server, signal.SIGSTOP)
        self.refuse(5, ["run", "has not ended yet"], "stop", "run", "--wait", 1)
        os.kill(server, signal.SIGCONT)
        self.assert_stopped(call)

    def test_a_request_to_a_launch_that_is_over_stops_no_other(self):
        call = self.begin_run()
        self.write("request", json.dumps({"stop": 7, "by": "person"}))
        os.makedirs(self.path("run/inbox"), exist_ok=True)
        os.rename(self.path("request"), self.path("run/inbox/1.stop.json"))
        answer = self.path("run/inbox/1.stop.answer.json")
        wait_for(lambda: os.path.exists(answer), "the answer")
        with open(answer) as f:
            said = json.load(f)
        self.assertFalse(said["accepted"])
        self.assertIn("launch 7 is over", said["text"])
        done = self.steps_done("run")
        wait_for(lambda: self.steps_done("run") > done, "more steps")
        call.process.send_signal(signal.SIGTERM)
        self.assert_stopped(call)


class Sentences(Stop):
    def test_after_going_back_the_sentence_of_a_lost_rank_leaves_the_step_out(self):
        self.assert_stopped_at_a_checkpoint()
        step = self.checkpoints("run")[-1]
        call = self.begin("resume", "run@%d" % step, "--workers", 2)
        wait_for(lambda: self.steps_done("run") > step + 20, "steps")
        os.kill(call.rank(WORKER), signal.SIGKILL)
        done = call.end()
        self.assertEqual(done.code, 5, done)
        self.assert_sentence(done.err, ["lost", "run `trireme resume` without the step again"])

    def assert_stopped_at_a_checkpoint(self):
        call = self.begin_run()
        call.process.send_signal(signal.SIGTERM)
        self.assert_stopped(call)


if __name__ == "__main__":
    trireme.main()
