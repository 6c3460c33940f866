"""What people read of experiments that were adopted, watched, claimed or taken back; of runs that
cannot pay for one; and of folders that an earlier version wrote."""
import hashlib
import json
import re

import experiments
import trireme
from experiments import Experiments

NUMBER = r"[+-]?\d+\.\d+"


class Words(Experiments):
    def show(self, run, number=1):
        return self.succeed("proposals", "show", run, number).out

    def test_of_what_was_adopted_kept_and_claimed_the_claim_alone_is_called_a_gain(self):
        done = self.begin_with("run", "optimizer.lr=0.000423", why="the rate is too low").end()
        self.assertEqual(done.code, 0, done)
        ls, show = self.succeed("proposals", "ls", "run").out, self.show("run")
        expected = "expected %s \\+- %s nats" % (NUMBER, NUMBER)
        claimed = "claimed: gains %s \\+- %s nats over [3468] reverse pairs, claim 1 at alpha 0.05"
        claimed %= (NUMBER, NUMBER)
        for part in (r"1 +claimed +\d/6  optimizer.lr=0.000423\n +the rate is too low\n",
                     r"\n +plain, slow; %s, better with probability " % expected,
                     r"\n +adopted \(screening\) at step \d+\n",
                     r"\n +watch, [3468]/8 reverse pairs: kept after [123] pairs?\n",
                     "\n +" + claimed):
            self.assertRegex(ls, part)
        for part in (r"\A1: claimed, proposed by person uid \d+ pid \d+ unseparated at step \d+\n",
                     r"\n  kind +plain, slow; margin 0\.002 nats\n",
                     r"\n  verdict +adopted \(screening\) after \d pairs?: %s beyond the margin, "
                     "better with probability " % expected,
                     r"\n  watch +kept after [123] pairs?: %s, better with probability " % expected,
                     r"\n  claim +%s \(t = " % claimed):
            self.assertRegex(show, part)
        for told in (ls, show):
            self.assertEqual(len(re.findall(r"\bgain", told)), 1, told)
        claim = json.loads(self.succeed("proposals", "show", "run", 1, "--json").out)["claim"]
        self.assertEqual(claim, self.ledger("run", "claim")[-1]["claim"])
        row = self.rows("run")[1]
        self.assertEqual((row["gain"], row["half_width"]), (claim["mean"], claim["half_width"]))
        self.assertEqual(row["claim"], claim)
        self.assertEqual((row["judgement"]["outcome"], row["watch"]["outcome"]),
                         ("adopted", "kept"))

    def test_a_person_takes_an_adopted_change_back_and_it_stays_the_ledgers_last_word(self):
        call = self.begin_with("run",
                               "optimizer.lr=0.000423",
                               options=["--set", "train.steps=100000"])
        self.wait_records(call, "run", 1, "promotion")
        answer = json.loads(self.succeed("proposals", "takeback", "run", 1, "--json").out)
        self.assertEqual((answer["accepted"], answer["number"]), (True, 1))
        self.wait_records(call, "run", 1, "rollback")
        self.stop(call)
        self.assertEqual(self.rows("run")[1]["state"], "taken back")
        self.assertNotIn("gain", self.rows("run")[1])
        self.assertRegex(self.show("run"), r"\A1: taken back, ")
        self.refuse(2, ["proposal 1 is taken back, expected one that was adopted"], "proposals",
                    "takeback", "run", 1)

    def test_a_run_that_can_never_pay_says_how_many_steps_it_would_need(self):
        for steps, taken in ((686, False), (687, True)):
            run = "run-%d" % steps
            options = [
                "--set",
                "train.steps=%d" % steps, "--set", "gate.stake=0.033", "--set", "gate.share=0.25",
                "--set", "train.batch=16", "--set", "model.context=64", "--set",
                "schedule.warmup=50"
            ]
            self.assertEqual(
                self.train(run, "--max-seconds", 0.01, *options, workers=1).end().code, 85)
            planned = {"id": "p", "patch": {"optimizer.lr": 0.0006}, "hypothesis": "x"}
            self.request(run, {"propose": planned})
            call = self.train(run, *options, workers=1)
            validation = self.wait_records(call, run, 1, "validation")[0]["validation"]
            self.stop(call)
            self.assertEqual(validation["accepted"], taken, validation)
            if not taken:
                self.assertIn("expected at least 687 steps (gate.stake, gate.share)",
                              self.succeed("proposals", "ls", run).out)


def pair(index, step, trunk, fork):
    return {
        "kind": "observation", "step": step,
        "observation": {"pair": index, "step": step, "trunk_loss": trunk, "fork_loss": fork}
    }


FIRST_PLAN = {
    "slow": True, "start": 60, "horizon": 20, "tail": 10, "pairs": 8, "windows": 128,
    "margin": 0.002, "alpha": 0.01, "beta": 0.1
}
# A campaign by the rule of earlier versions: promoted after three pairs, not confirmed by four.
FIRST_LEDGER = [
    {
        "kind": "proposal", "step": 2, "by": "person",
        "proposal": {"id": "a", "patch": {"optimizer.lr": 0.0012}, "hypothesis": "too low"}
    },
    {"kind": "validation", "step": 2, "validation": {"accepted": True, "next": "queued"}},
    {"kind": "hypothesis", "step": 2, "plan": FIRST_PLAN},
    pair(0, 80, 4.04, 3.07),
    pair(1, 100, 3.77, 2.95),
    pair(2, 120, 3.53, 2.85),
    {
        "kind": "verdict", "step": 120,
        "judgement": {"outcome": "promote", "pairs": 3, "mean": 0.82, "t": 9.5, "cause": "gains"}
    },
    {
        "kind": "promotion", "step": 120, "promotion": {
            "trial": 16, "adopted": True, "patch": {"optimizer.lr": 0.0012},
            "before": {"optimizer.lr": 0.0003}
        }
    },
    {"kind": "hypothesis", "step": 120, "plan": dict(FIRST_PLAN, start=120, pairs=4, reverse=True)},
    pair(0, 140, 2.54, 2.76),
    pair(1, 160, 2.47, 2.55),
    pair(2, 180, 2.43, 2.465),
    pair(3, 200, 2.418, 2.434),
    {
        "kind": "verdict", "step": 200, "judgement": {
            "outcome": "unconfirmed", "pairs": 4, "mean": 0.08796, "half_width": 0.14825,
            "cause": "gains"
        }
    },
]


class Earlier(Experiments):
    def write_first_ledger(self, run, records=FIRST_LEDGER):
        before, lines = "0" * 64, []
        for seq, record in enumerate(records, 1):
            whole = dict(
                {
                    "seq": seq, "prev": before, "time": "2026-01-01T00:00:00Z", "by": "rule",
                    "number": 1
                }, **record)
            lines.append(json.dumps(whole, separators=(",", ":")) + "\n")
            before = hashlib.sha256(lines[-1].encode()).hexdigest()
        self.write(run + "/ledger.jsonl", "".join(lines))

    def test_a_ledger_of_the_first_rule_is_verified_and_shown(self):
        self.trained("run", "--set", "train.steps=4")
        self.write_first_ledger("run")
        self.assertIn("14 records", self.succeed("ledger", "verify", "run").out)
        story = self.succeed("ledger", "show", "run").out
        self.assertEqual(len(story.splitlines()), len(FIRST_LEDGER))
        for part in ("reverse: slow, margin 0.002", "promote after 3 pairs: mean 0.82, t 9.5",
                     "unconfirmed after 4 pairs: mean 0.08796 +- 0.148"):
            self.assertIn(part, story)
        ls = self.succeed("proposals", "ls", "run").out
        for part in (r"1 +unconfirmed +3/8  optimizer.lr=0.0012\n +too low\n",
                     r"\n +slow; mean \+0.82 nats, t = 9.5\n", r"\n +promoted at step 120\n",
                     r"\n +watch, 4/4 reverse pairs: unconfirmed after 4 pairs\n",
                     r"\n +gain 0.08796 \+- 0.14825 nats\n"):
            self.assertRegex(ls, part)
        show = self.succeed("proposals", "show", "run", 1).out
        for part in (
                r"\A1: unconfirmed, proposed by person at step 2\n",
                r"\n  verdict +promote after 3 pairs: mean \+0.82 nats beyond the margin, t = 9.5",
                r"\n  watch +unconfirmed after 4 pairs: \+0.08796 \+- 0.14825 nats \(95 %\)"):
            self.assertRegex(show, part)
        for told in (ls, show):
            self.assertNotIn("adopted", told)
            self.assertNotIn("probability", told)

    def test_what_the_first_rule_left_open_has_an_end(self):
        self.trained("run", "--set", "train.steps=4")
        self.write_first_ledger("run", FIRST_LEDGER[:4])  # one pair was measured
        ledger = self.read("run/ledger.jsonl")
        self.assertEqual(self.rows("run")[1]["state"], "superseded")
        show = self.succeed("proposals", "show", "run", 1).out
        self.assertRegex(show, r"\A1: superseded, ")
        self.assertIn("the rule of this run's hypotheses is not computed any more", show)
        self.assertEqual(self.read("run/ledger.jsonl"), ledger)

    def test_what_an_earlier_version_wrote_is_read_and_said_once(self):
        self.trained("run", "--set", "train.steps=20")
        config = self.read("run/config.yaml").decode()
        self.assertEqual(config.count("\ngate:\n"), 1)
        self.write("run/config.yaml",
                   config.replace("\ngate:\n", "\ngate:\n  beta: 0.1\n  confirm: true\n"))
        self.assertIn("step: 20", self.succeed("eval", "run").out)
        self.refuse(2, ["gate.beta: unknown key"], "train", "run/config.yaml", "--out", "new")
        note = "config.yaml is of an earlier version: gate.beta, gate.confirm mean nothing any more"
        for times, steps in ((1, 24), (0, 28)):
            done = self.succeed("resume", "run", "--set", "train.steps=%d" % steps, "--workers", 1)
            self.assertEqual(done.out.count(note), times, done)


if __name__ == "__main__":
    trireme.main()
