#!/usr/bin/env python3
"""`trireme bench planner`: planners measured on a tiny training whose trouble is known."""
import json
import os
import signal
import unittest
import xml.etree.ElementTree

from experiments import CONFIG
from trireme import Case, text_like, wait_for

STEPS = 300
TASK = {
    "about": "the rate is far too low",
    "texts": [{"name": "words", "input": ["words/*"], "val": 0.3},
              {"name": "noise", "random_documents": 30, "val": 0.3}],
    "config": {
        **CONFIG, "data": {
            "sources": [{"name": "a", "path": "words"},
                        {"name": "b", "path": "noise", "weight": 0.1}]
        }, "train": {**CONFIG["train"], "steps": STEPS},
        "gate": {**CONFIG["gate"], "weights": [1, 0]}
    },
    "remedy": {"optimizer.lr": 1e-2},
}
# Proposes a rate that mends it, and one that does not.
PLANNER = """#!/usr/bin/env python3
import json
import sys
for line in sys.stdin:
    tried = json.loads(line).get("tried", [])
    found = [] if tried else [{"id": "up", "patch": {"optimizer.lr": 5e-3}, "hypothesis": "low"}]
    print(json.dumps({"proposals": found}), flush=True)
"""
# A client that has nothing to propose: it only says that its turns are over.
CLIENT = """#!/usr/bin/env python3
import json
import os
import subprocess
import sys
run, program = sys.argv[1], os.environ["TRIREME"]
with open(run + ".client", "w") as f:
    f.write("was here")
while True:
    done = subprocess.run([program, "wait", run, "--for", "turn", "--timeout", "5", "--json"],
                          capture_output=True, text=True)
    said = json.loads(done.stdout or "{}")
    if done.returncode or not said.get("trained"):
        break
    if said.get("happened"):
        subprocess.run([program, "done", run], capture_output=True)
"""


class Bench(Case):
    def setUp(self):
        super().setUp()
        for folder in ("words", "tasks", "programs"):
            os.mkdir(self.path(folder))
        for i in range(3):
            self.write(os.path.join("words", str(i)), text_like(i, 100000))
        self.write("tasks/low.yaml", json.dumps(TASK))
        for name, text in (("up.py", PLANNER), ("idle.py", CLIENT)):
            self.write(os.path.join("programs", name), text)
            os.chmod(self.path("programs", name), 0o755)
        self.write(
            "up.yaml",
            json.dumps(
                {"set": ["experiment.planner=script", "experiment.command=[programs/up.py]"]}))
        self.write(
            "idle.yaml",
            json.dumps({
                "set": ["experiment.planner=client"],
                "beside": [self.path("programs", "idle.py"), "{RUN}"]
            }))

    def bench(self, *more):
        return ["bench", "planner", "low", "--folder", "tasks", "--out", "out", *more]

    def test_a_planner_is_measured_beside_none_and_the_oracle_and_whole_runs_are_not_run_again(
            self):
        words = self.bench("--planner", "up.yaml", "--seeds", 2, "--jobs", 2)
        self.succeed(*words, timeout=240)
        with open(self.path("out", "bench.json")) as f:
            found = json.load(f)
        arms = {arm["arm"]: arm for arm in found["arms"]}
        self.assertEqual(list(arms), ["none", "oracle", "up"])
        self.assertEqual([len(found["runs"]), arms["up"]["runs"]], [6, 2])
        by = {(run["arm"], run["seed"]): run for run in found["runs"]}
        gain = [by["none", s]["sealed"] - by["up", s]["sealed"] for s in (4, 5)]
        best = [by["none", s]["sealed"] - by["oracle", s]["sealed"] for s in (4, 5)]
        self.assertAlmostEqual(arms["up"]["gain"], sum(gain) / 2, places=12)
        self.assertAlmostEqual(arms["up"]["recovered"], sum(gain) / sum(best), places=12)
        self.assertGreater(min(best), 0.05)
        for run in found["runs"]:
            self.assertLessEqual(run["trained"] + run["spent"], run["tokens"])
            if run["arm"] != "up":
                self.assertEqual(run["spent"], 0)
        for seed in (4, 5):
            adopted = by["up", seed]["adoptions"]
            self.assertEqual([a["patch"] for a in adopted], [{"optimizer.lr": 0.005}])
            self.assertEqual(adopted[0]["verdict"], "right")
        self.assertEqual(arms["up"]["adopted"]["right"], 2)
        self.assertGreater(by["up", 4]["spent"], 0)
        picture = xml.etree.ElementTree.parse(self.path("out", "bench.svg")).getroot()
        self.assertIn("up", [e.text for e in picture.iter() if e.tag.endswith("text")])

        # what a run came to stands in its own file; the rest can be gone
        before = self.read("out/bench.json")
        os.rename(self.path("out", "runs", "low-up-4"), self.path("gone"))
        again = self.succeed(*words)
        self.assertEqual(self.read("out/bench.json"), before)
        self.assertNotIn("ran ", again.err)
        self.assertIn("up", again.out)

        # a task that is another one now has its runs elsewhere
        self.write("tasks/low.yaml", json.dumps({**TASK, "remedy": {"optimizer.lr": 2e-2}}))
        self.refuse(2, ["low-oracle-4.yaml", "another --out"], *words)

        # no look of the bench is counted
        self.assert_nothing("out/runs/low-none-4/looks.jsonl")
        looks = [
            json.loads(
                self.succeed("eval", "out/runs/low-none-4", "--part", "sealed", "--json").out)
            for _ in range(2)
        ]
        self.assertEqual([look["look"] for look in looks], [1, 2])
        self.assertAlmostEqual(looks[0]["level"], 1 - .05 / 2)
        self.assertAlmostEqual(looks[1]["level"], 1 - .05 / 6)
        self.assertGreater(looks[1]["half_width"], looks[0]["half_width"])
        self.assertEqual(looks[0]["val_loss"], by["none", 4]["sealed"])
        self.assertNotIn("look",
                         json.loads(self.succeed("eval", "out/runs/low-none-4", "--json").out))

    def test_a_bench_that_is_stopped_goes_on_and_a_client_is_started_beside_its_run(self):
        words = self.bench("--planner", "idle.yaml", "--seeds", 1)
        call = self.begin(*words)
        run = self.path("out", "runs", "low-none-4", "metrics.jsonl")
        wait_for(lambda: os.path.exists(run) and os.path.getsize(run) > 500, "some steps", 60)
        call.process.send_signal(signal.SIGTERM)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_sentence("\n".join(done.err.splitlines()[-1:]), ["0 of 3 runs done"])
        done = self.succeed(*words, timeout=240)
        self.assertEqual(done.err.count("ran low-"), 3, done.err)
        self.assertEqual(self.read("out/runs/low-idle-4.client"), b"was here")
        with open(self.path("out", "bench.json")) as f:
            arms = {arm["arm"]: arm for arm in json.load(f)["arms"]}
        self.assertEqual(arms["idle"]["gain"], 0)  # to the bit the run without experiments
        self.assertNotIn("half_width", arms["idle"])

    def test_what_is_no_task_and_no_planner_is_refused_in_a_sentence(self):
        self.refuse(2, ["tasks/high.yaml"], "bench", "planner", "high", "--folder", "tasks",
                    "--out", "out")
        self.refuse(2, ["experiment.planner", "nobody"], *self.bench("--planner", "nobody"))
        nowhere = [{"name": "words", "input": ["nowhere/*"]}, TASK["texts"][1]]
        self.write("tasks/low.yaml", json.dumps({**TASK, "texts": nowhere}))
        self.refuse(2, ["text 'words'", "nowhere/*"], *self.bench())


if __name__ == "__main__":
    unittest.main()
