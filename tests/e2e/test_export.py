"""Models that leave and come back: what export wrote is what was imported, and import reads it."""
import json

import trireme
from models import Models
from trireme import safetensors


class Export(Models):
    def check_round_trip(self, model):
        """A learning rate of 0 leaves the imported weights as they are."""
        self.fetch(model)
        self.succeed("train", self.config("run.yaml",
                                          "hf"), "--out", "run", "--workers", 1, "--set",
                     "optimizer.lr=0", "--set", "schedule.min_lr=0", "--set", "train.steps=1")
        reply = json.loads(self.succeed("export", "run", "--out", "out", "--json").out)
        mine, theirs = (safetensors(self.read(name + "/model.safetensors"))
                        for name in ("out", "hf"))
        self.assertEqual({n: (e["dtype"], e["shape"])
                          for n, e in mine[0].items()},
                         {n: (e["dtype"], e["shape"])
                          for n, e in theirs[0].items()})
        for name in theirs[1]:
            self.assertEqual(mine[1][name], theirs[1][name], "the bytes of " + name)
        self.assertEqual(reply,
                         {"out": "out", "parameters": sum(map(len, theirs[1].values())) // 4})
        with open(self.path("out/config.json")) as f:
            written = json.load(f)
        with open(self.path("hf/config.json")) as f:
            for key, value in json.load(f).items():
                self.assertEqual(written[key], value, key)

    def test_an_exported_gpt2_has_the_tensors_that_were_imported(self):
        self.check_round_trip("gpt2")

    def test_an_exported_llama_has_the_tensors_that_were_imported(self):
        self.check_round_trip("llama")

    def test_an_exported_gpt2_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("gpt2")

    def test_an_exported_llama_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("llama")

    def test_export_to_a_place_that_cannot_be_written_is_refused(self):
        self.fetch("gpt2")
        self.succeed("train", self.config("run.yaml", "hf", steps=1), "--out", "run", "--workers",
                     1)
        self.refuse(2, ["tokens.bin/out", "Not a directory"], "export", "run", "--out",
                    "tokens.bin/out")
        self.refuse(3, ["step 7"], "export", "run@7", "--out", "out")
        self.assert_nothing("out")


if __name__ == "__main__":
    trireme.main()
