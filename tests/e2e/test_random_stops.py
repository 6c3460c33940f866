"""Stops at random moments, from the first millisecond of a launch to its end: while it starts and
loads, in steps, evaluations, checkpoints, forks, pairs and at the end; by each of the signals, to
train, to its mpirun, to one rank, to all at once. A run that goes on by the same line comes to
the bits, lines and ledger of the undisturbed one.

usage: test_random_stops.py [STOPS [SEED]]. Without numbers 40 where TRIREME_LONG is set, else 5,
and 10 under the sanitizers."""
import collections
import os
import random
import statistics
import sys
import time

import trireme
from experiments import CONFIG, Experiments
from stops import SIGNALS, begin_held, holds_back, is_mpirun
from trireme import processes, rank_of, wait_for

NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
sys.argv = sys.argv[:1]
LONG = 10 if os.environ.get("ASAN_OPTIONS") else 40
STOPS = NUMBERS[0] if NUMBERS else LONG if os.environ.get("TRIREME_LONG") else 5
SEED = NUMBERS[1] if len(NUMBERS) > 1 else 1
WITHOUT_STEP_MAX = 2  # launches in a row; the next one would be an error


class RandomStops(Experiments):
    def make(self):
        super().make()
        self.write_config(base=CONFIG,
                          experiment={"planner": "random", "forks": 2},
                          eval={"every": 40, "samples": 200},
                          checkpoint={"every": 30, "keep": 3})
        self.succeed("train", "run.yaml", "--out", "whole", "--workers", 2)

    def targets(self, call, draw):
        """Who is asked, and the processes. Those that are not there yet cannot be: a rank is from
        the first line of its main on."""
        found = processes(call.token)
        mpirun = [pid for pid in found if is_mpirun(pid)]
        ranks = [
            pid for pid, environment in found.items()
            if rank_of(environment) is not None and holds_back(pid)
        ]
        kinds = {
            "train": [call.process.pid], "mpirun": mpirun,
            "one rank": [draw.choice(ranks)] if ranks else [],
            "all": [call.process.pid] + mpirun + ranks
        }
        kind = draw.choice([k for k, pids in kinds.items() if pids])
        return kind, kinds[kind], bool(ranks)

    def life(self, run, draw, in_a_row):
        """One launch, stopped. Returns its code, and whether it did a step."""
        before = self.steps_done(run)
        call = begin_held(self, "train", "run.yaml", "--out", run, "--workers", 2)
        if in_a_row >= WITHOUT_STEP_MAX:
            wait_for(lambda: self.steps_done(run) > before or call.process.poll() is not None,
                     "a step")
        # half of them while it starts and loads, the others over all of a launch
        delay = draw.random() * draw.choice((0.05, 0.6, 1.5, 4))
        end = time.monotonic() + delay
        while time.monotonic() < end and call.process.poll() is None:
            time.sleep(0.001)
        number = draw.choice(SIGNALS)
        kind, pids, has_ranks = self.targets(
            call, draw) if call.process.poll() is None else ("nobody", [], True)
        stepped = self.steps_done(run) > before
        where = "training" if stepped else "loading" if has_ranks else "starting"
        asked = time.monotonic()
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        done = call.end()
        seconds = time.monotonic() - asked
        what = "%s to %s after %.3f s, while %s: %r" % (number.name, kind, delay, where, done)
        self.assertIn(done.code, (0, 85), what)
        if done.code == 85:
            self.assertTrue(pids, what)
            self.assert_sentence(done.err, ["stopped on request", "run the same line again"])
            self.times.append(seconds)
            self.seen[where, kind] += 1
        kept = os.path.isdir(self.path(run, "checkpoints")) and self.checkpoints(run)
        self.assertEqual(kept[-1] if kept else 0, self.steps_done(run), what)
        return done.code, self.steps_done(run) > before

    def test_no_stop_at_any_moment_loses_or_changes_anything(self):
        draw, runs = random.Random(SEED), 0
        self.times, self.seen = [], collections.Counter()
        while len(self.times) < STOPS:
            run, code, in_a_row = "run%d" % runs, 85, 0
            while code == 85:
                code, stepped = self.life(run, draw, in_a_row)
                in_a_row = 0 if stepped else in_a_row + 1
            self.assert_as_undisturbed(run)
            runs += 1
        print("%d stops in %d runs; from the signal to the end: median %.2f s, worst %.2f s" %
              (len(self.times), runs, statistics.median(self.times), max(self.times)))
        for (where, kind), n in sorted(self.seen.items()):
            print("  %3d while %s, to %s" % (n, where, kind))

    def assert_as_undisturbed(self, run):
        self.assertEqual(self.hash_of(run), self.hash_of("whole"))
        self.assertEqual(self.losses(run), self.losses("whole"))
        self.assert_whole(run, self.last_step("whole"))
        self.assertEqual(self.bodies(run), self.bodies("whole"))

        def evals(name):
            return [(m["step"], m["val_loss"]) for m in self.metrics(name, "eval")]

        self.assertEqual(evals(run), evals("whole"))


if __name__ == "__main__":
    trireme.main()
