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

    def test_an_exported_llama_with_biases_wide_heads_and_llama3_has_what_was_imported(self):
        self.check_round_trip("llama_rich")

    def test_an_exported_gpt2_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("gpt2")

    def test_an_exported_llama_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("llama")

    def test_an_exported_llama_with_biases_starts_with_the_loss_of_its_checkpoint(self):
        self.check_import("llama_rich")

    def train(self, run="run", steps=1):
        if run == "run":
            self.fetch("llama")
        self.succeed("train", self.config("run.yaml", "hf", steps=steps), "--out", run,
                     "--workers", 1)

    def test_shards_and_types_are_as_asked_and_start_with_the_same_loss(self):
        self.train()
        self.succeed("export", "run", "--out", "whole")
        self.succeed("export", "run", "--out", "cut", "--shard-size", "40KB", "--dtype", "bf16")
        index = json.loads(self.read("cut/model.safetensors.index.json"))
        files = sorted(set(index["weight_map"].values()))
        self.assertEqual(files, ["model-00001-of-00002.safetensors",
                                 "model-00002-of-00002.safetensors"])
        whole, _ = safetensors(self.read("whole/model.safetensors"))
        self.assertEqual(set(index["weight_map"]), set(whole))
        bytes_of = {}
        for file in files:
            header, bytes_here = safetensors(self.read("cut/" + file))
            self.assertEqual({n for n, f in index["weight_map"].items() if f == file}, set(header))
            self.assertLessEqual(sum(map(len, bytes_here.values())), 40000)
            self.assertEqual({e["dtype"] for e in header.values()}, {"BF16"})
            bytes_of.update(bytes_here)
        self.assertEqual(index["metadata"]["total_size"], sum(map(len, bytes_of.values())))
        config = json.loads(self.read("cut/config.json"))
        self.assertEqual((config["torch_dtype"], config["dtype"]), ("bfloat16", "bfloat16"))
        self.succeed("train", self.config("a.yaml", "cut", steps=1), "--out", "a", "--workers", 1)
        self.succeed("train", self.config("b.yaml", "whole", steps=1), "--out", "b", "--workers", 1)
        self.assertAlmostEqual(self.first_loss("a"), self.first_loss("b"), delta=2e-2)
        self.refuse(2, ["--shard-size", "'5XB'", "5GB, 500MB"], "export", "run", "--out", "out",
                    "--shard-size", "5XB")
        self.refuse(2, ["--shard-size", "'0'"], "export", "run", "--out", "out", "--shard-size",
                    "0")
        self.assert_nothing("out")

    def test_only_an_export_of_the_same_run_is_replaced_without_force(self):
        self.train()
        self.train("other", steps=2)
        self.succeed("export", "run", "--out", "out", "--shard-size", "1")
        self.write("out/README.md", "mine")
        self.succeed("export", "run@1", "--out", "out")
        self.assertEqual(set(self.tree("out")),
                         {"out/config.json", "out/model.safetensors", "out/README.md"})
        before = self.tree("out")
        self.refuse(2, ["out: found model.safetensors", "--force"], "export", "other", "--out",
                    "out")
        self.assertEqual(self.tree("out"), before)
        self.refuse(2, ["hf: found model.safetensors", "--force"], "export", "run", "--out", "hf")
        self.succeed("export", "other", "--out", "out", "--force")
        self.assertEqual(set(self.tree("out")), set(before))
        self.assertNotEqual(self.read("out/model.safetensors"), before["out/model.safetensors"])

    def test_a_full_disk_leaves_the_older_export_whole(self):
        self.train()
        self.succeed("export", "run", "--out", "out")
        before = self.tree("out")
        small = ["sh", "-c", "trap '' XFSZ; ulimit -f 60; exec \"$0\" \"$@\""]
        self.refuse(2, ["model.safetensors: cannot write", "File too large"], "export", "run",
                    "--out", "out", before=small)
        self.assertEqual(self.tree("out"), before)

    def test_what_is_no_model_is_refused_before_a_run_is_made(self):
        self.fetch("llama")
        self.write("hf/model.safetensors", "version https://git-lfs.github.com/spec/v1\n")
        self.refuse(3, ["init.from: hf/model.safetensors", "Git LFS pointer", "git lfs pull"],
                    "train", self.config("run.yaml", "hf"), "--out", "run", "--workers", 1)
        self.assert_nothing("run")

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
