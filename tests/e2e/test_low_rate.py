"""What experiments cost a run and give it: with the rule's defaults a rate that is 8 times too low
is raised early, and a planner without a good idea costs no more than its stake."""
import os
import sys

import experiments
import trireme
from experiments import Experiments

# without site packages it begins in time for the first stretch
PYTHON = [sys.executable, "-S"]
SWEEP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "sweep.py")
STEPS = 1800
STAKE, SHARE = 0.033, 0.25
STEP_TOKENS = 16 * 32
# The best rate of this model is about 4e-3.
LOW, GOOD = 5e-4, 4e-3
# Proposes changes that are harmful or useless, one after the other, as there is room for them.
NO_GOOD = """import json, sys
patches = [{"optimizer.lr": 0.5}, {"optimizer.weight_decay": 0.10001}, {"optimizer.eps": 2e-8},
           {"optimizer.beta1": 0.9999}, {"optimizer.lr": 1}, {"optimizer.weight_decay": 0.0999},
           {"optimizer.beta2": 0.5, "optimizer.lr": 0.1}, {"optimizer.eps": 1e-7}]
for line in sys.stdin:
    briefing = json.loads(line)
    tried = {t["id"] for t in briefing.get("tried", [])}
    new = [{"id": str(i), "patch": p} for i, p in enumerate(patches) if str(i) not in tried]
    print(json.dumps({"proposals": new[:briefing.get("room", 0)]}), flush=True)
"""


class Runs(Experiments):
    def configure(self, rate, *command, **schedule):
        config = {**experiments.CONFIG, "gate": {}}
        planner = {"planner": "script", "command": list(command)} if command else {}
        self.write_config(base=config,
                          train={"steps": STEPS, "batch": 16},
                          optimizer={"lr": rate},
                          schedule=schedule,
                          eval={"every": 300},
                          checkpoint={"every": 300},
                          experiment=planner)

    def val_loss(self, run):
        return self.metrics(run, "eval")[-1]["val_loss"]

    def assert_paid(self, run):
        self.assert_account(run, STEPS, STAKE, SHARE, STEP_TOKENS)
        self.assert_all_is_spent(run, STEPS, STEP_TOKENS)

    def test_a_rate_8_times_too_low_is_raised_by_step_100_and_the_run_ends_better(self):
        self.configure(LOW)
        self.trained("plain")
        self.configure(LOW, *PYTHON, SWEEP, "optimizer.lr", "2x", "4x", "8x")
        self.trained("run")
        first = self.ledger("run", "promotion")[0]
        self.assertLessEqual(first["step"], 100)
        self.assertIn(float(first["promotion"]["patch"]["optimizer.lr"]), (4 * LOW, 8 * LOW))
        self.assertEqual(self.ledger("run", "rollback"), [])
        self.assert_paid("run")
        self.assertLess(self.last_step("run"), STEPS)
        # with fewer steps, and by far more than luck
        self.assertLess(self.val_loss("run"), self.val_loss("plain") - 0.2)
        done = self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assertIn(self.hash_of("run"), done.out)
        self.assert_same_campaign("again", "run")

    def test_where_nothing_is_adopted_no_more_than_the_stake_is_spent(self):
        """Nor is the trunk touched: as far as it gets it is that of a run without experiments."""
        self.configure(GOOD, kind="constant")
        self.trained("plain")
        self.configure(GOOD, *PYTHON, self.write_program("no_good.py", NO_GOOD), kind="constant")
        self.trained("run")
        self.assertEqual(self.ledger("run", "promotion"), [])
        self.assertNotEqual(self.ledger("run", "observation"), [])
        self.assertLessEqual(self.spent("run"), STAKE * STEPS * STEP_TOKENS)
        states = set(self.states("run").values())
        self.assertIn("no money", states)
        self.assertLessEqual(states, {"beaten", "no hope", "diverged", "no money", "refused"})
        self.assert_paid("run")
        self.assertEqual(self.losses("run"), self.losses("plain")[:self.last_step("run")])


if __name__ == "__main__":
    trireme.main()
