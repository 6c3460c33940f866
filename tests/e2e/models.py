"""Runs that begin with a fixture's model: what the tests of export and of PyTorch share."""
import json
import os
import shutil

from trireme import FIXTURES, Case

SAMPLES, CONTEXT = 12, 16


class Models(Case):
    def fetch(self, model):
        for name in ("hf", "tokens.bin"):
            (shutil.copytree if name == "hf" else shutil.copy)(os.path.join(FIXTURES, model, name),
                                                               self.path(name))

    def config(self, name, first, **train):
        return self.write_config(name,
                                 base={
                                     "init": {"from": first}, "data": {
                                         "order": "sequential",
                                         "sources": [{"name": "t", "path": "tokens.bin"}]
                                     }, "schedule": {"kind": "constant", "warmup": 0},
                                     "eval": {"every": 0}, "checkpoint": {"every": 4}
                                 },
                                 train={"steps": 8, "batch": SAMPLES, "microbatch": 3, **train})

    def first_loss(self, run):
        return self.metrics(run, "train")[0]["loss"]

    def check_import(self, model):
        """From an export and from the checkpoint itself a run starts with the same loss, and with
        PyTorch's."""
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
