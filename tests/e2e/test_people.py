"""People propose, approve, veto and kill while a run trains or stands still, and read what became
of it."""
import json
import os
import re

import experiments
import trireme
from experiments import Experiments
from trireme import wait_for

# A run that nobody waits for the end of, nor for the first stretch.
ENDLESS = ["--set", "train.steps=1000000", "--set", "schedule.warmup=500000"]
# A run whose first stretch has 34 steps, and steps that take a while: it can be stopped in it.
LONG = ["--set", "schedule.warmup=200", "--set", "train.batch=32"]
LONG_STEP_TOKENS = 32 * 32
# What proposes once, and then nothing.
ONCE = """import json, sys
for line in sys.stdin:
    tried = json.loads(line).get("tried", [])
    one = {"id": "one", "patch": {"optimizer.lr": 0.0012}, "hypothesis": "the rate is far too low",
           "predicted": "less"}
    two = {"id": "two", "patch": {"optimizer.beta2": 0.8},
           "hypothesis": "the mean of squares is too slow"}
    print(json.dumps({"proposals": [] if tried else [one, two]}), flush=True)
"""


class People(Experiments):
    def begin_endless(self, *more):
        call = self.train("run", *ENDLESS, *more)
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        return call

    def test_proposals_to_a_run_that_trains_are_taken_or_refused_with_the_sentence_that_says_why(
            self):
        call = self.begin_endless()
        refused = [
            (["optimizer.speed: unknown key", "lr, beta1"], "optimizer.speed=2"),
            (["train.seed: no experiment may change this", "trireme briefing"], "train.seed=1"),
            (["data.sources.0.path: no experiment may change this"], "data.sources.0.path=b"),
            (["gate.margin: no experiment may change this"], "gate.margin=0"),
            (["data.sources.2.weight: the run has no such element"], "data.sources.2.weight=1"),
            (["optimizer.beta1", "expected", "0.999999"], "optimizer.beta1=1.5"),
            (["optimizer.lr: found 'fast', expected a number"], "optimizer.lr=fast"),
            (["optimizer.lr: found", "has already"], "optimizer.lr=0.0003"),
            (["optimizer.momentum: has no effect, since optimizer.name is adamw"],
             "optimizer.momentum=0.5"),
            (["schedule.min_lr"], "schedule.min_lr=1"),
            (["train.batch", "microbatch"], "train.batch=6"),
        ]
        for parts, change in refused:
            self.propose_refused(parts, "run", change)
        answer = self.propose("run",
                              "optimizer.lr=0.001",
                              "optimizer.beta2=0.9",
                              why="it is too slow",
                              more=["--predict", "less"])
        self.assertEqual((answer["accepted"], answer["number"]), (True, len(refused) + 1))
        self.propose_refused(["duplicate: proposal %d says the same" % answer["number"]], "run",
                             "optimizer.beta2=9e-1", "optimizer.lr=1e-3")
        self.stop(call)
        records = self.ledger("run")
        proposals = [r for r in records if r["kind"] == "proposal"]
        validations = [r["validation"]["accepted"] for r in records if r["kind"] == "validation"]
        self.assertEqual({re.sub(r"\d+", "N", r["by"])
                          for r in proposals}, {"person uid N pid N unseparated"})
        self.assertEqual(validations, [False] * len(refused) + [True, False])
        taken = proposals[answer["number"] - 1]["proposal"]
        self.assertEqual((taken["hypothesis"], taken["predicted"]), ("it is too slow", "less"))
        self.assertEqual([n for n, state in self.states("run").items() if state == "queued"],
                         [answer["number"]])
        self.assertEqual(os.listdir(self.path("run", "inbox")), [], "left in the inbox")

    def test_what_is_no_proposal_is_refused_before_anybody_is_asked(self):
        self.trained("run", "--set", "train.steps=2")
        before = self.tree("run")
        self.refuse(2, ["found no --set"], "propose", "run", "--why", "x")
        self.refuse(2, ["--set", "expected PATH=VALUE"], "propose", "run", "--set", "optimizer.lr",
                    "--why", "x")
        twice = ["--set", "optimizer.lr=1", "--set", "optimizer.lr=2"]
        self.refuse(2, ["optimizer.lr twice"], "propose", "run", *twice, "--why", "x")
        self.refuse(2, ["nowhere: found no run"], "propose", "nowhere", "--set", "optimizer.lr=1",
                    "--why", "x")
        self.refuse(2, ["nowhere"], "proposals", "kill", "nowhere", 1)
        done = self.run_it("propose", "run", "--set", "optimizer.lr=1")
        self.assertEqual(done.code, 2, done)
        self.assertIn("--why", done.err)
        self.assertEqual(self.tree("run"), before)

    def test_a_proposal_to_a_run_that_nobody_trains_waits_and_is_taken_by_the_next_launch(self):
        self.stop(self.begin_endless())
        done = self.succeed("propose", "run", "--set", "optimizer.lr=0.001", "--why", "later",
                            "--wait", 0.1)
        self.assertIn("nobody trains this run now", done.out)
        self.assertIn("run/inbox", done.out)
        again = self.propose("run", "optimizer.lr=0.001", more=["--wait", 0.1])
        self.assertNotIn("accepted", again)
        self.assertIn("nothing has been proposed", self.succeed("proposals", "ls", "run").out)
        call = self.begin("resume", "run")
        self.wait_records(call, "run", 2, "validation")
        self.assertIn("duplicate", self.rows("run")[2]["reason"])
        self.assertEqual(self.rows("run")[1]["hypothesis"], "later")
        self.stop(call)

    def test_a_queued_trial_is_killed_and_another_vetoed_and_orders_that_fit_nothing_are_refused(
            self):
        call = self.begin_endless()
        self.propose("run", "optimizer.lr=0.001")
        self.propose("run", "optimizer.beta2=0.9")
        self.assertEqual(self.states("run"), {1: "queued", 2: "queued"})
        answer = json.loads(self.succeed("proposals", "kill", "run", 1, "--json").out)
        self.assertEqual((answer["accepted"], answer["number"]), (True, 1))
        self.assertIn("proposal 2", self.succeed("proposals", "veto", "run", 2).out)
        self.refuse(2, ["proposal 1 is killed, expected one that waits, is deferred,"],
                    "proposals", "kill", "run", 1)
        self.refuse(2, ["run: found no proposal 7, there are 2"], "proposals", "veto", "run", 7)
        self.refuse(2, ["proposal 2 is"], "proposals", "approve", "run", 2)
        self.stop(call)
        self.assertEqual(self.states("run"), {1: "killed", 2: "vetoed"})
        self.assertEqual([r["order"] for r in self.ledger("run", "order")], ["kill", "veto"])
        self.assertEqual(self.ledger("run", "application"), [])
        self.assertEqual(self.spent("run"), 0)

    def test_orders_end_open_trials_in_the_middle_of_a_stretch_and_what_these_cost_stays_spent(
            self):
        self.assertEqual(self.train("run", *LONG, "--max-seconds", 0.01).end().code, 85)
        for change in ("optimizer.beta2=0.9", "optimizer.beta1=0.8"):
            self.succeed("propose", "run", "--set", change, "--why", "x", "--wait", 0)
        call = self.train("run", *LONG)
        self.wait_records(call, "run", 2, "application")
        self.stop(call)
        self.assertEqual(self.states("run"), {1: "open", 2: "open"})
        self.assertEqual(self.ledger("run", "observation"), [], "the stretch was over by then")
        self.succeed("proposals", "kill", "run", 1, "--wait", 0)
        self.succeed("proposals", "veto", "run", 2, "--wait", 0)
        done = self.trained("run", *LONG)
        self.assertIn("hypothesis 1: killed", done.out)
        self.assertEqual(self.states("run"), {1: "killed", 2: "vetoed"})
        first, second = self.ledger("run", "verdict")
        began = self.ledger("run", "stretch")[0]["step"]
        for verdict, cause in ((first, "killed"), (second, "vetoed")):
            self.assertEqual((verdict["judgement"]["outcome"], verdict["judgement"]["cause"]),
                             ("closed", cause))
            self.assertEqual(verdict["judgement"].get("tokens", 0),
                             (verdict["step"] - began) * LONG_STEP_TOKENS)
        self.assertEqual(self.ledger("run", "observation"), [])
        self.assert_all_is_spent("run", step_tokens=LONG_STEP_TOKENS)

    def test_what_was_killed_may_be_proposed_again_and_what_was_vetoed_or_is_tried_may_not(self):
        call = self.begin_endless()
        self.propose("run", "optimizer.lr=0.001")
        self.propose("run", "optimizer.beta2=0.9")
        self.succeed("proposals", "kill", "run", 1)
        self.succeed("proposals", "veto", "run", 2)
        self.propose("run", "optimizer.lr=0.001")
        self.propose_refused(["duplicate: proposal 2"], "run", "optimizer.beta2=0.9")
        for more in (["optimizer.lr=0.0010000000000001"],
                     ["optimizer.lr=0.001", "optimizer.clip=1"]):
            self.propose_refused(["duplicate: proposal 3"], "run", *more)
        self.stop(call)
        states = self.states("run")
        self.assertEqual([states[n] for n in (1, 2, 3, 4)],
                         ["killed", "vetoed", "queued", "refused"])

    def test_a_killed_trial_gives_its_fork_back_and_the_trunk_is_that_of_a_run_without_experiments(
            self):
        """With a rate that does not depend on how long the run becomes; what the fork cost is
        missing at the end."""
        constant = LONG + ["--set", "schedule.kind=constant"]
        self.trained("plain", *constant)
        call = self.begin_with("run", "optimizer.clip=0.5", options=constant)
        self.wait_records(call, "run", 1, "application")
        self.stop(call)
        self.succeed("proposals", "kill", "run", 1, "--wait", 0)
        self.trained("run", *constant)
        self.assertEqual(self.states("run"), {1: "killed"})
        self.assert_all_is_spent("run", step_tokens=LONG_STEP_TOKENS)
        self.assertLess(self.last_step("run"), experiments.STEPS)
        self.assertEqual(self.losses("run"), self.losses("plain")[:self.last_step("run")])

    def test_a_kill_ends_the_watch_and_the_claim_of_what_was_adopted_which_stays(self):
        longer = LONG + ["--set", "train.steps=1600"]  # which can pay for a claim
        call = self.begin_with("run", "optimizer.lr=0.003", options=longer)
        self.wait_records(call, "run", 1, "promotion")
        self.stop(call)
        self.assertEqual(self.states("run"), {1: "adopted"})
        self.refuse(2, ["proposal 1 is adopted"], "proposals", "veto", "run", 1)
        self.succeed("proposals", "kill", "run", 1, "--wait", 0)
        self.trained("run", *longer)
        self.assertEqual(self.states("run"), {1: "kept"})
        self.assertEqual(self.claims("run"), [(1, "open"), (1, "unproven")])
        self.assertEqual(self.verdicts("run")[-1], (1, "kept", "killed"))
        last = self.manifest("run", self.last_step("run"))
        self.assertEqual(last["config"]["optimizer"]["lr"], 0.003)
        self.assert_all_is_spent("run", 1600, LONG_STEP_TOKENS)
        self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assert_same_campaign("again", "run")

    def test_what_was_killed_before_its_first_stretch_cost_nothing(self):
        late = ["--set", "schedule.warmup=400", "--set", "train.batch=32"]
        self.trained("plain", *late)
        call = self.train("run", *late)
        wait_for(lambda: self.steps_done("run") >= 3, "the first steps")
        self.propose("run", "optimizer.clip=0.5")
        self.succeed("proposals", "kill", "run", 1)
        self.assertEqual(call.end().code, 0)
        self.assertEqual((self.states("run"), self.spent("run")), ({1: "killed"}, 0))
        self.assertEqual(self.last_step("run"), experiments.STEPS)
        self.assertEqual(self.hash_of("run"), self.hash_of("plain"))
        self.assertEqual(self.losses("run"), self.losses("plain"))

    def test_what_waits_for_approval_is_tried_once_a_person_approves_and_never_if_one_vetoes(self):
        planner = self.write_program("once.py", ONCE)
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "script", "command": [planner], "mode": "approve"},
                          train={"steps": 100000})
        call = self.train("run")
        self.wait_records(call, "run", 2, "validation")
        self.assertEqual(self.states("run"), {1: "waiting", 2: "waiting"})
        self.assertEqual([r["validation"]["next"] for r in self.ledger("run", "validation")],
                         ["waiting", "waiting"])
        self.assertIn("waiting", self.succeed("proposals", "ls", "run").out)
        self.succeed("proposals", "veto", "run", 2)
        self.assertEqual(self.ledger("run", "hypothesis"), [])
        self.assertIn("approved", self.succeed("proposals", "approve", "run", 1).out)
        self.assertEqual(self.states("run")[2], "vetoed")
        self.refuse(2, ["proposal 2 is vetoed"], "proposals", "approve", "run", 2)
        self.wait_records(call, "run", 1, "observation")
        self.stop(call)
        self.assertEqual({r["number"] for r in self.ledger("run", "hypothesis")}, {1})
        self.assertEqual({r["number"] for r in self.ledger("run", "application")}, {1})

    def test_a_persons_own_proposal_needs_no_approval(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        self.propose("run", "optimizer.lr=0.001")
        self.assertEqual(self.states("run"), {1: "queued"})
        self.stop(call)

    def test_a_run_that_observes_writes_down_tries_none_and_ends_as_one_without_experiments(self):
        self.trained("plain")
        self.trained("run", "--set", "experiment.planner=random", "--set",
                     "experiment.mode=observe")
        states = list(self.states("run").values())
        self.assertEqual(states[0], "observed")
        self.assertLessEqual(set(states), {"observed", "refused"})
        self.assertEqual({r["kind"] for r in self.ledger("run")}, {"proposal", "validation"})
        self.assertEqual(self.hash_of("run"), self.hash_of("plain"))
        self.assertEqual(self.losses("run"), self.losses("plain"))

    def test_a_run_in_which_nobody_proposes_has_no_ledger_and_stays_as_it_was(self):
        self.trained("run", "--set", "train.steps=60")
        self.assert_nothing("run/ledger.jsonl")
        self.assert_nothing("run/inbox")
        self.assert_nothing("run/planner.log")
        self.assertIn("nothing has been proposed", self.succeed("proposals", "ls", "run").out)
        self.assertEqual(self.succeed("ledger", "show", "run").out.strip(), "")
        self.assertIn("0 records", self.succeed("ledger", "verify", "run").out)
        self.refuse(2, ["found no proposal 1"], "proposals", "show", "run", 1)
        self.succeed("resume", "run", "--set", "train.steps=80", "--workers", 1)
        self.assert_nothing("run/ledger.jsonl")


class Reading(Experiments):
    """What people read before, during and after."""
    def read_trials(self, run):
        return [
            self.succeed("proposals", *words).out
            for words in (("ls", run), ("show", run, 1), ("diff", run, 1))
        ]

    def test_trials_tell_how_far_it_is_while_it_goes_on(self):
        call = self.begin_with("run",
                               "optimizer.lr=0.000423",
                               why="the rate is far too low",
                               more=["--predict", "a lower loss"],
                               options=LONG)
        self.wait_records(call, "run", 1, "application")
        frozen = self.freeze(call)
        ls, show, diff = self.read_trials("run")
        brief = self.succeed("briefing", "run").out
        story = self.succeed("ledger", "show", "run").out
        self.thaw(frozen)
        self.stop(call)
        self.assertRegex(ls, r"1 +open .*optimizer.lr=0.000423\n +the rate is far too low")
        self.assertRegex(
            show, r"\A1: open, proposed by person uid \d+ pid \d+ unseparated at step \d+\n")
        for word in ("why", "the rate is far too low", "a lower loss", "optimizer.lr=0.000423"):
            self.assertIn(word, show)
        for told in (ls, show):
            self.assertNotIn("gain", told)
        self.assertEqual(diff, "optimizer.lr: 0.0003 -> 0.000423\n")
        for word in ("step: ", "steps: %d" % experiments.STEPS, "may_change:", "outcome: open",
                     "hypotheses_left: 63"):
            self.assertIn(word, brief)
        self.assertRegex(
            story,
            r"person uid \d+ pid \d+ unseparated: optimizer.lr=0.000423.*the rate is far too low")

    def test_trials_and_the_ledger_tell_the_story_when_it_is_over(self):
        call = self.begin_with("run", "optimizer.lr=0.000423", why="the rate is far too low")
        done = call.end()
        self.assertEqual(done.code, 0, done)
        for part in ("hypothesis 1: optimizer.lr=0.000423",
                     "hypothesis 1: adopted (screening) at step", "hypothesis 1: kept after",
                     "hypothesis 1: claimed: it gains"):
            self.assertIn(part, done.out)
        self.assertEqual(self.states("run"), {1: "claimed"})
        ls, show, diff = self.read_trials("run")
        for told in (ls, show):
            self.assertIn("claimed", told)
        self.assertEqual(diff, "optimizer.lr: 0.0003 -> 0.000423\n")
        story = self.succeed("ledger", "show", "run").out
        self.assertEqual(len(story.splitlines()), len(self.ledger("run")))
        for word in ("proposal", "validation", "hypothesis", "application", "observation",
                     "verdict", "promotion", "person", "rule", "stretch", "decision", "claim"):
            self.assertIn(word, story)
        shown = json.loads(self.succeed("proposals", "show", "run", 1, "--json").out)
        self.assertEqual(shown["state"], "claimed")
        self.assertEqual(len(shown["reverse"]["pairs"]),
                         self.ledger("run", "claim")[-1]["claim"]["pairs"])
        self.assertEqual(
            json.loads(self.succeed("ledger", "show", "run", "--json").out)["records"][0]["kind"],
            "proposal")


if __name__ == "__main__":
    trireme.main()
