"""PyTorch's curves, laid over Trireme's: the fixtures' 20 steps, step by step."""
import json
import os
import shutil

import trireme
from trireme import FIXTURES, Case

LOSS, NORM, RATE = 1e-4, 2e-3, 1e-12  # relative


class Parity(Case):
    def check(self, model, config, curve):
        shutil.copytree(os.path.join(FIXTURES, model), self.path(model))
        folder = self.path(model)
        with open(os.path.join(folder, curve)) as f:
            expected = json.load(f)
        self.assertEqual(len(expected), 20)
        hashes = set()
        for workers in (1, 3):
            run = os.path.join(model, "run%d" % workers)
            self.succeed("train",
                         config,
                         "--out",
                         "run%d" % workers,
                         "--workers",
                         workers,
                         cwd=folder)
            self.assert_whole(run, 20)
            worst = {"loss": 0, "grad_norm": 0, "lr": 0}
            for found, row in zip(self.metrics(run, "train"), expected):
                for name, bound in (("loss", LOSS), ("grad_norm", NORM), ("lr", RATE)):
                    away = abs(found[name] - row[name]) / abs(row[name])
                    worst[name] = max(worst[name], away)
                    self.assertLessEqual(
                        away, bound, "step %d: %s is %.9g, PyTorch has %.9g" %
                        (found["step"], name, found[name], row[name]))
            print("%s %s on %d workers: largest relative deviations: "
                  "loss %.1e, gradient norm %.1e, lr %.1e" %
                  (model, config, workers, worst["loss"], worst["grad_norm"], worst["lr"]),
                  flush=True)
            hashes.add(self.hash_of(run))
        self.assertEqual(len(hashes), 1)

    def test_gpt2_with_adamw_follows_pytorch(self):
        self.check("gpt2", "run.yaml", "curve.json")

    def test_gpt2_with_sgd_follows_pytorch(self):
        self.check("gpt2", "run_sgd.yaml", "curve_sgd.json")

    def test_llama_with_adamw_follows_pytorch(self):
        self.check("llama", "run.yaml", "curve.json")

    def test_a_llama_with_biases_wide_heads_and_llama3_follows_pytorch(self):
        self.check("llama_rich", "run.yaml", "curve.json")


if __name__ == "__main__":
    trireme.main()
