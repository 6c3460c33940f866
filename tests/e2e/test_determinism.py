"""Same inputs, same bits: on any numbers of workers and servers, and however often a run was
stopped on the way."""
import signal

import trireme
from trireme import Case, wait_for

STEPS = 14
RANKS = [(1, 1), (2, 1), (3, 2), (4, 3), (5, 1)]  # workers, servers


class SameBits(Case):
    def setUp(self):
        super().setUp()
        self.write_data("data", size=40000)
        self.write_data("more", seed=2, size=40000)

    def config(self, leaves):
        return self.write_config(model={"layers": 2, "arch": "llama"},
                                 train={"steps": STEPS, "batch": 2 * leaves, "microbatch": 2},
                                 data={
                                     "sources": [{"name": "a", "path": "data", "weight": 3},
                                                 {"name": "b", "path": "more"}]
                                 })

    def check(self, leaves):
        config = self.config(leaves)
        results = {}
        for workers, servers in RANKS:
            run = "run-%d-%d" % (workers, servers)
            self.succeed("train", config, "--out", run, "--workers", workers, "--servers", servers)
            self.assert_whole(run, STEPS)
            evals = [(m["step"], m["val_loss"], m["val_bpb"], m["sources"])
                     for m in self.metrics(run, "eval")]
            self.assertEqual([e[0] for e in evals], [5, 10, STEPS])
            results[workers, servers] = (self.hash_of(run), self.losses(run), evals)
        first = results[RANKS[0]]
        for ranks, result in results.items():
            self.assertEqual(result[0], first[0], "ckpt hash of %d workers x %d servers" % ranks)
            self.assertEqual(result[1:], first[1:], "curves of %d workers x %d servers" % ranks)
        self.assertNotEqual(first[0], self.hash_of("run-1-1@12"),
                            "two steps of the run have one hash")

    def test_six_leaves_give_the_same_bits_on_all_numbers_of_ranks(self):
        self.check(6)

    def test_five_leaves_give_the_same_bits_on_all_numbers_of_ranks(self):
        self.check(5)

    def test_another_seed_gives_other_bits(self):
        config = self.config(2)
        for seed in (1, 2):
            self.succeed("train", config, "--out", "run%d" % seed, "--workers", 1, "--set",
                         "train.seed=%d" % seed, "--set", "train.steps=2")
        self.assertNotEqual(self.hash_of("run1"), self.hash_of("run2"))


class StopAndGoOn(Case):
    """A run of enough steps to be stopped in its middle, and the same run that nobody disturbs."""

    steps = 250

    def setUp(self):
        super().setUp()
        self.line = ["train", "run.yaml", "--out"]
        self.once(self.make)

    def make(self):
        self.write_data()
        self.write_config(model={"width": 32, "context": 64},
                          train={"steps": self.steps},
                          eval={"every": 30},
                          checkpoint={"every": 40, "keep": 2})
        self.succeed(*self.line, "whole", "--workers", 2)

    def stop(self, run, *signals, workers=2, servers=1):
        """Trains until a few steps are done, sends the signals, and returns how it ended."""
        before = self.steps_done(run)
        call = self.begin(*self.line, run, "--workers", workers, "--servers", servers)
        wait_for(lambda: self.steps_done(run) >= before + 20 or call.process.poll() is not None,
                 "twenty steps")
        for number in signals:
            call.process.send_signal(number)
        return call.end()

    def assert_stopped(self, done, run):
        self.assertEqual(done.code, 85, done)
        self.assert_sentence(
            done.err, ["stopped on request at step ", "checkpoint", "run the same line again"])
        step = int(done.err.split("at step ")[1].split(",")[0])
        self.assertLess(step, self.steps)
        self.assertEqual(self.checkpoints(run)[-1], step)
        self.assert_whole(run, step)
        return step

    def assert_as_if_undisturbed(self, run):
        self.assertEqual(self.hash_of(run), self.hash_of("whole"))
        self.assertEqual(self.losses(run), self.losses("whole"))
        self.assert_whole(run, self.steps)

        def evals(name):
            return [(m["step"], m["val_loss"]) for m in self.metrics(name, "eval")]

        self.assertEqual(evals(run), evals("whole"))

    def test_interrupt_and_terminate_stop_after_a_checkpoint_and_others_go_on_with_equal_bits(self):
        first = self.assert_stopped(self.stop("run", signal.SIGINT), "run")
        second = self.assert_stopped(self.stop("run", signal.SIGTERM, workers=3, servers=2), "run")
        self.assertGreater(second, first)
        third = self.assert_stopped(self.stop("run", signal.SIGUSR1, workers=1, servers=3), "run")
        self.assertGreater(third, second)
        self.succeed(*self.line, "run", "--workers", 4)
        self.assert_as_if_undisturbed("run")

    def test_an_interrupt_before_the_first_step_is_not_lost(self):
        call = self.begin(*self.line, "run", "--workers", 2)
        call.rank(0)
        call.process.send_signal(signal.SIGINT)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_sentence(done.err, ["stopped on request", "run the same line again"])
        self.succeed(*self.line, "run", "--workers", 1)
        self.assert_as_if_undisturbed("run")

    def test_max_seconds_stops_after_a_checkpoint_and_the_same_line_goes_on_to_the_same_bits(self):
        stops = 0
        while True:  # the first ends after a step, since the start counts; then they get longer
            done = self.run_it(*self.line, "run", "--workers", 2, "--max-seconds", 0.15 + stops)
            if done.code == 0:
                break
            self.assert_stopped(done, "run")
            stops += 1
            self.assertLess(stops, 100)
        self.assertGreater(stops, 0)
        self.assert_as_if_undisturbed("run")

    def test_a_run_that_is_over_says_so_and_changes_nothing(self):
        before = self.read("whole/metrics.jsonl")
        done = self.succeed(*self.line, "whole", "--workers", 1)
        self.assertIn("nothing to do", done.out)
        self.assertEqual(self.read("whole/metrics.jsonl"), before)


if __name__ == "__main__":
    trireme.main()
