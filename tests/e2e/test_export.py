"""Models that leave and come back: export is what PyTorch reads, import is what export wrote."""
import json
import os
import shutil
import subprocess
import sys
import unittest

import trireme
from trireme import FIXTURES, Case, safetensors

SAMPLES, CONTEXT, CLOSE = 12, 16, 2e-5


def torch_is_there():
    return subprocess.run([sys.executable, "-c", "import torch, numpy"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


class Export(Case):
    def fetch(self, model):
        for name in ("hf", "tokens.bin"):
            (shutil.copytree if name == "hf" else shutil.copy)(os.path.join(FIXTURES, model, name), self.path(name))

    def config(self, name, first, **train):
        return self.write_config(
            name, base={"init": {"from": first}, "data": {"order": "sequential", "sources": [{"name": "t", "path": "tokens.bin"}]},
                        "schedule": {"kind": "constant", "warmup": 0}, "eval": {"every": 0}, "checkpoint": {"every": 4}},
            train={"steps": 8, "batch": SAMPLES, "microbatch": 3, **train})

    def first_loss(self, run):
        return self.metrics(run, "train")[0]["loss"]

    def check_round_trip(self, model):
        """A learning rate of 0 leaves the imported weights as they are."""
        self.fetch(model)
        self.succeed("train", self.config("run.yaml", "hf"), "--out", "run", "--workers", 1, "--set", "optimizer.lr=0",
                     "--set", "schedule.min_lr=0", "--set", "train.steps=1")
        reply = json.loads(self.succeed("export", "run", "--out", "out", "--json").out)
        mine, theirs = (safetensors(self.read(name + "/model.safetensors")) for name in ("out", "hf"))
        self.assertEqual({n: (e["dtype"], e["shape"]) for n, e in mine[0].items()},
                         {n: (e["dtype"], e["shape"]) for n, e in theirs[0].items()})
        for name in theirs[1]:
            self.assertEqual(mine[1][name], theirs[1][name], "the bytes of " + name)
        self.assertEqual(reply, {"out": "out", "parameters": sum(map(len, theirs[1].values())) // 4})
        with open(self.path("out/config.json")) as f:
            written = json.load(f)
        with open(self.path("hf/config.json")) as f:
            for key, value in json.load(f).items():
                self.assertEqual(written[key], value, key)

    def check_import(self, model):
        """From an export and from the checkpoint itself a run starts with the same loss, and with PyTorch's."""
        self.fetch(model)
        self.succeed("train", self.config("run.yaml", "hf"), "--out", "run", "--workers", 2)
        self.succeed("export", "run@8", "--out", "out")
        self.succeed("export", "run@4", "--out", "out4")
        self.assertNotEqual(self.read("out/model.safetensors"), self.read("out4/model.safetensors"))
        self.succeed("train", self.config("a.yaml", "out", steps=1), "--out", "a", "--workers", 1)
        shape = json.loads(json.dumps(self.manifest("run", 8)["config"]["model"]))
        config = json.loads(self.read(self.config("b.yaml", "run@8", steps=1)))
        self.write("b.yaml", json.dumps({**config, "model": shape}))
        self.succeed("train", "b.yaml", "--out", "b", "--workers", 1)
        self.assertEqual(self.first_loss("a"), self.first_loss("b"))
        self.assertLess(self.first_loss("a"), self.first_loss("run"))
        return self.first_loss("a")

    def check_torch(self, model):
        if not torch_is_there():
            self.skipTest("python3-torch is not installed")
        mine = self.check_import(model)
        done = subprocess.run([sys.executable, "-B", os.path.join(FIXTURES, "torch_reader.py"), "loss", self.path("out"),
                               self.path("tokens.bin"), "--context", str(CONTEXT), "--samples", str(SAMPLES)],
                              stdout=subprocess.PIPE, check=True, timeout=120)
        theirs = float(done.stdout)
        print("%s: loss of the exported model: %.9g, PyTorch's %.9g, relative deviation %.1e" %
              (model, mine, theirs, abs(mine - theirs) / theirs), flush=True)
        self.assertLessEqual(abs(mine - theirs), CLOSE * theirs)

    def test_an_exported_gpt2_has_the_tensors_that_were_imported(self):
        self.check_round_trip("gpt2")

    def test_an_exported_llama_has_the_tensors_that_were_imported(self):
        self.check_round_trip("llama")

    def test_an_exported_gpt2_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("gpt2")

    def test_an_exported_llama_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("llama")

    def test_pytorch_reads_an_exported_gpt2_with_the_same_loss(self):
        self.check_torch("gpt2")

    def test_pytorch_reads_an_exported_llama_with_the_same_loss(self):
        self.check_torch("llama")

    def test_export_to_a_place_that_cannot_be_written_is_refused(self):
        self.fetch("gpt2")
        self.succeed("train", self.config("run.yaml", "hf", steps=1), "--out", "run", "--workers", 1)
        self.refuse(2, ["tokens.bin/out", "Not a directory"], "export", "run", "--out", "tokens.bin/out")
        self.refuse(3, ["step 7"], "export", "run@7", "--out", "out")
        self.assert_nothing("out")


if __name__ == "__main__":
    trireme.main()
