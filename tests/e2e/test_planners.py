"""Planners that are programs: whatever they do, training goes on to its bits; what they are told
keeps the gate's secrets."""
import json
import os
import signal

import experiments
import trireme
from experiments import Experiments
from trireme import wait_for

PLANNERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")
SLEEPS = "#!/bin/sh\nsleep 1000\n"
ENDS = "#!/bin/sh\nexit 3\n"
DIES = """import json, os, signal, sys
sys.stdin.readline()
print('{"proposals": [{"id": "a", "pat', end="", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
FLOODS = "#!/bin/sh\nexec yes '{\"proposals\": []}'\n"
FLOODS_A_LINE = "#!/bin/sh\nexec tr '\\000' x </dev/zero\n"
BABBLES = """import sys
for line in sys.stdin:
    sys.stdout.buffer.write(b"\\xff\\x00 {{{ good morning\\n")
    sys.stdout.flush()
"""
ANSWERS = """import json, sys
for line in sys.stdin:
    print(json.dumps({"proposals": %s}), flush=True)
"""
TELLS = """import json, sys
for line in sys.stdin:
    sys.stderr.write(line)
    patches = [{"optimizer.lr": 0.000423}, {"data.sources.0.weight": 0.2}, {"train.seed": 1}]
    if json.loads(line).get("tried"):
        patches = []
    print(json.dumps({"proposals": [{"id": str(n), "patch": p} for n, p in enumerate(patches)]}),
          flush=True)
"""


class Troubles(Experiments):
    def make(self):
        super().make()
        self.trained("plain")

    def configure(self, text, *arguments, **experiment):
        command = [self.write_program("planner", text), *arguments]
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "script", "command": command, **experiment})

    def run_with(self, text, **experiment):
        """A training with that planner, of which nothing may come but what the ledger says."""
        self.configure(text, **experiment)
        done = self.trained("run")
        self.assertEqual(done.err, "")
        self.assertEqual((self.ledger("run", "hypothesis"), self.spent("run")), ([], 0))
        self.assertEqual(self.hash_of("run"), self.hash_of("plain"))
        self.assertEqual(self.losses("run"), self.losses("plain"))
        self.succeed("ledger", "verify", "run")

    def assert_events(self, *parts):
        events = self.ledger("run", "event")
        self.assertNotEqual(events, [])
        for event in events:
            self.assertRegex(event["by"], r"\Aplanner script uid \d+ pid \d+\Z")
            for part in parts:
                self.assertIn(part, event["text"])

    def test_a_planner_that_sleeps_for_ever_is_ended_and_training_does_not_wait(self):
        self.run_with(SLEEPS, patience=0.1)
        self.assert_events("gave no answer within 0.1 s")

    def test_a_planner_that_ends_at_once_is_an_event(self):
        self.run_with(ENDS)
        self.assert_events("ended with exit status 3 without an answer", "planner.log")
        self.assertEqual([e["what"] for e in self.metrics("run", "event")],
                         [self.ledger("run", "event")[-1]["text"]])  # it is asked no more

    def test_a_planner_that_dies_in_the_middle_of_an_answer_is_an_event(self):
        self.run_with(DIES)
        self.assert_events("was ended by signal 9 without an answer")

    def test_a_planner_that_floods_is_ended(self):
        self.run_with(FLOODS_A_LINE)
        self.assert_events("bytes in a line")

    def test_a_planner_that_answers_before_it_is_asked_is_borne_with_or_ended(self):
        self.run_with(FLOODS)

    def test_a_planner_that_babbles_is_an_event(self):
        self.run_with(BABBLES)
        self.assert_events("the planner's answer")

    def test_proposals_that_are_not_legal_are_refused_each_with_its_reason(self):
        self.run_with(ANSWERS % [{"id": "a", "patch": {"optimizer.lr": 1e6}},
                                 {"id": "b", "patch": {"train.seed": 2}}, {"id": "c"}])
        reasons = [r["validation"]["reason"] for r in self.ledger("run", "validation")]
        for part, reason in zip(("optimizer.lr", "train.seed"), reasons):
            self.assertIn(part, reason)
        self.assert_events("found no change")
        self.assertEqual({r["validation"]["accepted"]
                          for r in self.ledger("run", "validation")}, {False})

    def test_the_same_proposal_a_thousand_times_is_cut_short(self):
        self.run_with(ANSWERS % '[{"id": "a", "patch": {"optimizer.beta1": 1}}] * 1000')
        self.assertLess(len(self.ledger("run", "proposal")), 100)
        self.assert_events("came at once")
        self.assertIn("1000 proposals in one answer", self.read("run/planner.log").decode())

    def test_a_legal_proposal_a_thousand_times_is_tried_once(self):
        self.configure(ANSWERS % '[{"id": "a", "patch": {"optimizer.lr": 1e-4}}] * 1000')
        self.trained("run")
        self.assertEqual(self.states("run")[1], "beaten")
        self.assertEqual([r["number"] for r in self.ledger("run", "hypothesis")], [1])
        reasons = [r["validation"].get("reason", "") for r in self.ledger("run", "validation")][1:]
        self.assertNotEqual(reasons, [])
        for reason in reasons:
            self.assertIn("duplicate: proposal 1 says the same", reason)

    def test_what_a_planner_says_on_stderr_is_kept(self):
        self.run_with("#!/bin/sh\necho what is this >&2\n")
        self.assertIn("what is this", self.read("run/planner.log").decode())

    def test_a_planner_that_is_not_there_is_refused_before_anything_is_written(self):
        self.write("not-a-program", "x")
        for command, parts in ((["./nothing"], ["./nothing", "nothing there"]),
                               (["no-such-planner"], ["no such program in PATH"]),
                               (["./not-a-program"], ["chmod +x"]), ([], ["experiment.command"])):
            self.write_config(base=experiments.CONFIG,
                              experiment={"planner": "script", "command": command})
            self.refuse(2, parts, "train", "run.yaml", "--out", "run")
            self.assert_nothing("run")

    def begin_asked(self, n):
        """A training whose planner runs, in so many processes."""
        call = self.train("run", "--set", "train.steps=2000", "--set", "train.batch=32")
        wait_for(lambda: len(self.planners(call)) == n or call.process.poll() is not None,
                 "the planner's processes")
        return call

    def test_no_process_of_a_planner_outlives_an_interrupted_training(self):
        self.configure(SLEEPS, patience=1000)
        call = self.begin_asked(2)
        self.stop(call)
        self.assert_no_planners(call)

    def test_a_planner_does_not_outlive_a_killed_coordinator(self):
        self.configure("#!/bin/sh\nexec sleep 1000\n", patience=1000)
        call = self.begin_asked(1)
        os.kill(call.rank(0), signal.SIGKILL)
        done = call.end(30)
        self.assertEqual(done.code, 5, done)
        self.assert_no_planners(call)


class Told(Experiments):
    """What a planner is told, and `trireme briefing`, which shows the same."""

    SECRET = {
        "seed", "alpha", "t", "mean", "deviation", "probability", "margin", "windows", "trunk_loss",
        "fork_loss", "window_variance", "half_width", "student_t", "p", "command"
    }

    def walk(self, value, path=""):
        """(path, leaf) of everything in a JSON value."""
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from self.walk(inner, path + "/" + key)
        elif isinstance(value, list):
            for inner in value:
                yield from self.walk(inner, path + "/-")
        else:
            yield path, value

    def measured(self, run):
        """Everything that the gate has measured or concluded."""
        numbers = set()
        for record in self.ledger(run):
            for part in ("observation", "judgement", "claim"):
                numbers |= {
                    v
                    for _, v in self.walk(record.get(part, {}))
                    if isinstance(v, float) and v != round(v, 3)  # none that anything may be
                }
        return numbers

    def assert_keeps_secrets(self, briefing, run):
        measured = self.measured(run)
        self.assertGreater(len(measured), 5)
        for path, value in self.walk(briefing):
            name = path.split("/")[-1]
            if path.startswith("/tried/-/patch/"):
                continue  # it proposed that itself
            self.assertNotIn(name.split(".")[-1], self.SECRET, path)
            self.assertFalse(
                name.endswith(".path") or name.startswith(("gate.", "experiment.", "init.")), path)
            self.assertNotIn(value, measured, path)
            if isinstance(value, str):
                self.assertNotIn(self.folder, value, path)
                self.assertNotIn("/", value.replace("1/step", ""), path)
                if name == "reason":
                    self.assertNotRegex(value, r"\d\.\d", path)

    def test_briefings_hold_no_seed_no_path_and_nothing_of_the_gate(self):
        planner = self.write_program("tells", TELLS)
        self.write_config(base=experiments.CONFIG,
                          train={"seed": 4},
                          experiment={"planner": "script", "command": [planner]})
        self.trained("run")
        with open(self.path("run/planner.log")) as f:
            told = [json.loads(line) for line in f]
        shown = json.loads(self.succeed("briefing", "run", "--json").out)
        others = {"since", "cut", "outlook", "running"}  # which are there where there is something
        self.assertEqual(set(shown) - others, set(told[-1]) - others)
        self.assertEqual(shown["step"], self.last_step("run"))
        for briefing in [*told, shown]:
            self.assert_keeps_secrets(briefing, "run")
        self.assertEqual([t["number"] for t in shown["tried"][:3]], [1, 2, 3])
        self.assertEqual(shown["tried"][2]["outcome"], "refused")
        self.assertIn("train.seed", shown["tried"][2]["reason"])
        self.assertEqual(shown["sources"][0]["name"], "a")

    def test_a_policy_narrows_what_a_briefing_says_and_what_is_taken(self):
        self.write(
            "policy.yaml", "allow:\n  - {path: optimizer.lr, min: 0.0001, max: 0.001}\n"
            "  - {path: data.sources.*.weight, max: 2}\n")
        self.write_config(base=experiments.CONFIG, experiment={"policy": "policy.yaml"})
        call = self.train("run", "--set", "train.steps=1000000")
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        may = {
            m["path"]: m
            for m in json.loads(self.succeed("briefing", "run", "--json").out)["may_change"]
        }
        self.assertEqual(set(may),
                         {"optimizer.lr", "data.sources.0.weight", "data.sources.1.weight"})
        self.assertEqual((may["optimizer.lr"]["min"], may["optimizer.lr"]["max"]), (0.0001, 0.001))
        self.assertEqual((may["data.sources.1.weight"]["min"], may["data.sources.1.weight"]["max"]),
                         (0, 2))
        self.propose_refused(
            ["optimizer.lr: found 0.002, expected a number from 0.0001 to 0.001", "policy"], "run",
            "optimizer.lr=0.002")
        self.propose_refused(["optimizer.beta2", "policy lets no experiment change"], "run",
                             "optimizer.beta2=0.9")
        self.propose("run", "optimizer.lr=0.001")
        self.stop(call)

    def test_a_bad_policy_is_refused_before_anything_is_written(self):
        for policy, parts in (("allow:\n  - {path: train.seed}\n",
                               ["policy.yaml", "train.seed", "no experiment may change"
                                ]), ("allow:\n  - {path: optimizer.beta1, max: 2}\n",
                                     ["policy.yaml", "optimizer.beta1", "can only narrow"
                                      ]), ("allow:\n  - {path: optimizer.lr, min: 2, max: 1}\n",
                                           ["policy.yaml", "min 2 above max 1"]),
                              ("allow:\n  - {path: optimizer.speed}\n", ["policy.yaml", "speed"]),
                              ("allow: optimizer.lr\n",
                               ["policy.yaml"]), ("forbid: []\n", ["policy.yaml", "forbid"])):
            self.write("policy.yaml", policy)
            self.refuse(2, parts, "train", "run.yaml", "--out", "run", "--set",
                        "experiment.policy=policy.yaml")
            self.assert_nothing("run")
        self.refuse(2, ["experiment.policy", "none.yaml"], "train", "run.yaml", "--out", "run",
                    "--set", "experiment.policy=none.yaml")
        self.assert_nothing("run")


class Ours(Experiments):
    """The programs in examples."""
    def campaign(self, program, *arguments):
        command = [os.path.join(PLANNERS, program), *arguments]
        # steps that take a while: on a busy machine the first answer may need a second
        self.write_config(base=experiments.CONFIG,
                          train={"batch": 64},
                          experiment={"planner": "script", "command": command})
        self.trained("run")
        self.assertEqual(self.events("run"), [])
        rows = self.rows("run")
        self.assertEqual({" ".join(row["by"].split()[:2])
                          for row in rows.values()}, {"planner script"})
        return rows

    def assert_measured(self, *numbers):
        self.assertLessEqual(set(numbers), {r["number"] for r in self.ledger("run", "observation")})

    def test_minimal_has_half_the_rate_tried_once(self):
        rows = self.campaign("minimal.py")
        self.assertEqual([float(row["patch"]["optimizer.lr"]) for row in rows.values()], [0.00015])
        self.assert_measured(1)

    def test_sweep_has_each_value_tried_in_turn(self):
        rows = self.campaign("sweep.py", "optimizer.beta2", "0.8", "0.99")
        self.assertEqual([float(row["patch"]["optimizer.beta2"]) for row in rows.values()][:2],
                         [0.8, 0.99])
        self.assert_measured(1, 2)


if __name__ == "__main__":
    trireme.main()
