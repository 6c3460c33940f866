"""Briefings, and the time that a planner has for its answer."""
import json
import signal
import time

import experiments
import trireme
from experiments import Experiments
from trireme import wait_for

# Answers after a second: a rate at the first turn, nothing at the others.
SLOW = """import json, sys, time
for line in sys.stdin:
    time.sleep(%g)
    briefing = json.loads(line)
    new = [] if briefing.get("tried") else [{"id": "a", "patch": {"optimizer.lr": 0.000423}}]
    print(json.dumps({"proposals": new}), flush=True)
"""
SLEEPS = "#!/bin/sh\nexec sleep 1000\n"
# Writes down what it is told, proposes twice, and is silent from then on.
TELLS = """import json, sys, time
for n, line in enumerate(sys.stdin):
    sys.stderr.write(line)
    sys.stderr.flush()
    if n == 1:
        time.sleep(1000)
    new = [{"id": "a", "patch": {"optimizer.lr": 0.000423}, "hypothesis": "%s"},
           {"id": "b", "patch": {"train.seed": 1}, "hypothesis": "it\\nis\\tbetter"},
           {"id": "c", "patch": {"data.sources.b.weight": 0.8}}]
    print(json.dumps({"proposals": new}), flush=True)
"""
REFUSED = """import json, sys
for n, line in enumerate(sys.stdin):
    sys.stderr.write(line)
    sys.stderr.flush()
    new = [{"id": "no %d of %d" % (i, n), "patch": {"optimizer.beta1": 7}, "hypothesis": "x" * 400}
           for i in range(8)]
    print(json.dumps({"proposals": new}), flush=True)
"""


class Told(Experiments):
    """What a planner reads, and what `trireme briefing` prints."""
    def told(self):
        """The briefings, as the planner has written them to its stderr."""
        try:
            with open(self.path("run/planner.log")) as f:
                return [line[:-1] for line in f if line[0] == "{" and line[-1] == "\n"]
        except FileNotFoundError:
            return []

    def configure(self, program, **experiment):
        self.write_config(base=experiments.CONFIG,
                          experiment={
                              "planner": "script",
                              "command": [self.write_program("planner", program)], **experiment
                          })

    def test_the_command_prints_exactly_what_the_model_reads(self):
        self.configure(TELLS % "it is better", hold=1000, patience=1000)
        call = self.train("run")
        wait_for(lambda: len(self.told()) == 2 or call.process.poll() is not None,
                 "the second briefing")
        first, second = map(json.loads, self.told())
        line = self.succeed("briefing", "run", "--json", "--since", first["step"]).out
        text = self.succeed("briefing", "run", "--for", "llm", "--since", first["step"]).out
        whole = self.succeed("briefing", "run").out
        self.stop(call)
        shown = json.loads(line)
        self.assertEqual((first["step"], second["step"]), (20, 40))
        self.assertNotIn("since", first)
        self.assertEqual([(t["number"], t["is"]) for t in second["since"]["turned"]],
                         [(1, "queued"), (2, "refused"), (3, "queued")])
        self.assertEqual(second["tried"][2]["patch"], {"data.sources.1.weight": 0.8})
        # proposed at 20, after the planner had looked
        self.assertEqual(shown["since"]["turned"], [])
        del shown["since"], second["since"]
        self.maxDiff = None
        self.assertEqual(shown, second)
        self.assertLessEqual(len(line), 6145)
        self.assertLessEqual(len(text), 6144)
        for part in ("RUN      step 40 of 800",
                     'GOAL     lowest loss at the end, mean over 0.6 "a"',
                     "LAST CALL: plain by step", "TRIED    1 \"a\" \"optimizer.lr\"=\"0.000423\": "
                     "queued", '2 "b" "train.seed"="1": refused', "it\\nis\\u0009better",
                     "MAY BE CHANGED", 'optimizer.lr = "0.0003" (0..100) try'):
            self.assertIn(part, text)
        self.assertIn('meaning: "Learning rate at its highest."', whole)
        for text in (line, text, whole):
            self.assertNotIn(self.folder, text)

    def test_a_briefing_is_no_larger_than_experiment_briefing_says(self):
        self.configure(REFUSED, briefing=4096)
        self.trained("run")
        told = self.told()
        self.assertGreater(len(told), 2)
        for line in told:
            self.assertLessEqual(len(line), 4096)
        self.assertTrue(any("of tried" in cut for cut in json.loads(told[-1])["cut"]))
        self.assertLessEqual(len(self.succeed("briefing", "run", "--for", "llm").out), 4096)

    def test_what_cannot_be_paid_has_no_last_call_and_is_refused(self):
        self.write_config(base=experiments.CONFIG, gate={"stake": 0.01})
        call = self.begin_with("run", "optimizer.lr=0.000423", more=["--as", "planner"])
        wait_for(lambda: self.ledger("run", "validation") or call.process.poll() is not None,
                 "the answer")
        briefing = json.loads(self.succeed("briefing", "run", "--json").out)
        self.assertEqual(call.end().code, 0)
        self.assertNotIn("last_plain", briefing["budget"])
        self.assertEqual(briefing["budget"]["prices"], [])
        self.assertFalse(self.ledger("run", "validation")[0]["validation"]["accepted"])

    def test_arms_that_run_are_told_with_their_decision_and_their_lead(self):
        call = self.begin_with("run",
                               "optimizer.lr=0.003",
                               options=[
                                   "--set", "train.steps=20000", "--set", "train.batch=64", "--set",
                                   "schedule.warmup=300"
                               ])
        wait_for(
            lambda: self.read("run/metrics.jsonl").count(b'"trial":"h1.0"') > 4 or call.process.
            poll() is not None, "a fork's first steps")
        frozen = self.freeze(call)
        stretch = self.ledger("run", "stretch")[-1]
        briefing = json.loads(self.succeed("briefing", "run", "--json").out)
        self.thaw(frozen)
        self.stop(call)
        ends = stretch["step"] + stretch["stretch"]["horizon"]
        self.assertEqual(len(briefing["running"]), 1)
        arm = briefing["running"][0]
        self.assertEqual((arm["number"], arm["decided_at"], briefing["upcoming"]["decision"]),
                         (1, ends, ends))
        self.assertGreater(briefing["budget"]["reserved"], 0)
        losses = {(line["trial"], line["step"]): line["loss"]
                  for line in self.metrics("run", "train")}
        self.assertGreater(arm["lead_steps"], 1)
        self.assertLess(abs(arm["lead"]), 1)
        self.assertIn(("h1.0", stretch["step"] + 1), losses)


class Hold(Experiments):
    """experiment.hold: the training rests at the planner's turns."""
    def configure(self, program, steps=160, **experiment):
        self.write_config(base=experiments.CONFIG,
                          train={"steps": steps},
                          experiment={
                              "planner": "script",
                              "command": [self.write_program("planner", program)], **experiment
                          })

    def held(self, run):
        """Seconds by the step before which the trunk rested."""
        return {
            line["step"]: line["held_seconds"]
            for line in self.metrics(run, "train") if line.get("held_seconds")
        }

    def test_a_slow_planner_is_taken_at_the_same_step_on_every_run_and_a_replay_holds_nothing(self):
        self.configure(SLOW % 1, hold=60)
        for run in ("one", "two"):
            self.trained(run)
        proposals = [self.ledger(run, "proposal") for run in ("one", "two")]
        self.assertEqual([len(found) for found in proposals], [1, 1])
        first, second = proposals[0][0]["step"], proposals[1][0]["step"]
        self.assertEqual(first, second)
        self.assertEqual(first % 20, 0)
        self.assertEqual(self.hash_of("one"), self.hash_of("two"))
        for run in ("one", "two"):
            held = self.held(run)
            self.assertIn(first + 1, held)
            for step, seconds in held.items():
                self.assertEqual(step % 20, 1)
                self.assertGreater(seconds, 0.9)
                self.assertLess(seconds, 60)
            told = [r for r in self.ledger(run, "event") if r.get("held_seconds")]
            self.assertEqual(told[0]["step"], first)
            self.assertAlmostEqual(told[0]["held_seconds"], held[first + 1], 6)
        self.succeed("ledger", "replay", "one", "--out", "again")
        self.assertEqual(self.held("again"), {})
        self.assertEqual(self.hash_of("again"), self.hash_of("one"))

    def test_without_an_answer_the_run_goes_on_after_so_many_seconds(self):
        self.configure(SLEEPS, steps=100, hold=0.3, patience=1000)
        self.trained("run")
        held = self.held("run")
        self.assertEqual(list(held), [21])  # it was asked once, and asked no more
        self.assertGreaterEqual(held[21], 0.3)
        self.assertLess(held[21], 20)
        told = [r["held_seconds"] for r in self.ledger("run", "event")]
        self.assertEqual(len(told), 1)
        self.assertAlmostEqual(told[0], held[21], 6)

    def test_a_planner_that_is_ended_is_not_waited_for(self):
        self.configure("#!/bin/sh\nexit 3\n", steps=100, hold=100)
        begun = time.monotonic()
        self.trained("run")
        self.assertLess(time.monotonic() - begun, 60)

    def test_a_stop_ends_a_hold_at_once_and_the_next_launch_asks_again(self):
        self.configure(SLEEPS, hold=1000, patience=1000)
        call = self.train("run")
        wait_for(lambda: self.steps_done("run") == 20 or call.process.poll() is not None, "a hold")
        wait_for(lambda: self.planners(call) or call.process.poll() is not None, "the planner")
        time.sleep(0.5)
        self.assertEqual(self.steps_done("run"), 20)
        begun = time.monotonic()
        call.process.send_signal(signal.SIGINT)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assertLess(time.monotonic() - begun, 2)
        self.configure(SLOW % 0.01, hold=1000)
        self.succeed("resume", "run")
        self.assertEqual([r["step"] for r in self.ledger("run", "proposal")], [20])

    def test_people_are_heard_while_the_training_rests(self):
        self.configure(SLEEPS, hold=1000, patience=1000)
        call = self.train("run")
        wait_for(lambda: self.planners(call) or call.process.poll() is not None, "the planner")
        self.propose("run", "optimizer.lr=0.000423")
        self.assertEqual([r["step"] for r in self.ledger("run", "proposal")], [20])
        self.stop(call)

    def test_ranks_that_wait_with_the_trunk_are_not_taken_for_dead(self):
        self.configure(SLEEPS, steps=100, hold=4, patience=1000)
        done = self.trained("run", "--set", "wait.patience=1")
        self.assertEqual(done.err, "")


if __name__ == "__main__":
    trireme.main()
