"""Damaged checkpoints and models: never read as if they were good, never trained over."""
import os
import shutil
import struct

import trireme
from trireme import FIXTURES, Case

STEPS = 12


class DamagedCheckpoint(Case):
    """A run that was stopped after step 8 of 12; its checkpoints are of the steps 4 and 8."""
    def setUp(self):
        super().setUp()
        self.train = ["train", "run.yaml", "--workers", 1, "--out"]
        self.once(self.make)

    def make(self):
        self.write_data()
        self.write_config()
        self.succeed(*self.train, "whole")
        shutil.copytree(self.path("whole"), self.path("run"))
        shutil.rmtree(self.path("run/checkpoints/step-00000012"))

    def assert_goes_on_from(self, step, warned):
        done = self.succeed(*self.train, "run")
        warnings = [line for line in done.err.splitlines() if "WARNING" in line]
        self.assertEqual(len(warnings), warned, done)
        for warning in warnings:
            self.assertTrue(
                warning.startswith("trireme: WARNING: a checkpoint is damaged and passed over: "),
                warning)
        self.assertIn("continuing from run/checkpoints/step-%08d" % step, done.out)
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        self.assertEqual(self.losses("run"), self.losses("whole"))
        self.assert_whole("run", STEPS)
        self.assertEqual([(e["step"], "trireme: " + e["what"])
                          for e in self.metrics("run", "event")],
                         [(step, warning) for warning in warnings])
        return warnings

    def test_a_cut_shard_is_passed_over_with_a_warning(self):
        self.cut(self.shard("run", 8), -100)
        self.assertIn("found", self.assert_goes_on_from(4, 1)[0])

    def test_one_flipped_bit_in_a_shard_is_passed_over_with_a_warning(self):
        name = self.shard("run", 8)
        middle = os.path.getsize(self.path(name)) // 2
        self.change(name, middle, bytes([self.read(name)[middle] ^ 1]))
        warning = self.assert_goes_on_from(4, 1)[0]
        for part in (name, "found digest", "expected", "damaged"):
            self.assertIn(part, warning)

    def test_a_missing_shard_is_passed_over_with_a_warning(self):
        os.unlink(self.path(self.shard("run", 8)))
        self.assertIn("No such file", self.assert_goes_on_from(4, 1)[0])

    def test_a_cut_manifest_is_passed_over_with_a_warning(self):
        self.cut("run/checkpoints/step-00000008/manifest.json", 200)
        self.assertIn("manifest.json", self.assert_goes_on_from(4, 1)[0])

    def test_a_checkpoint_without_manifest_is_none_and_not_worth_a_warning(self):
        os.unlink(self.path("run/checkpoints/step-00000008/manifest.json"))
        self.assert_goes_on_from(4, 0)

    def test_where_all_checkpoints_are_damaged_the_run_is_refused_and_not_begun_anew(self):
        for step in (4, 8):
            self.cut(self.shard("run", step), -1)
        metrics = self.read("run/metrics.jsonl")
        done = self.run_it(*self.train, "run")
        self.assertEqual(done.code, 3, done)
        lines = done.err.splitlines()
        self.assertEqual([line.startswith("trireme: WARNING: ") for line in lines],
                         [True, True, False], done)
        for part in ("run/checkpoints", "found 2", "all are damaged", "step 0"):
            self.assertIn(part, lines[-1])
        self.assertEqual(self.read("run/metrics.jsonl"), metrics)
        self.assertEqual(self.checkpoints("run"), [4, 8])

    def test_a_named_checkpoint_that_is_damaged_is_refused_and_not_replaced_by_another(self):
        self.cut(self.shard("run", 8), -1)
        for command in (["eval"], ["ckpt", "verify"], ["ckpt",
                                                       "hash"], ["sample", "--prompt",
                                                                 "a"], ["export", "--out", "hf"]):
            self.refuse(3, ["shard-0-of-1.safetensors", "found", "expected"], *command, "run@8")
        self.assert_nothing("hf")
        self.succeed("ckpt", "verify", "run@4")

    def test_ckpt_verify_without_a_step_warns_of_the_damage_and_names_the_step_that_is_good(self):
        self.cut(self.shard("run", 8), -1)
        done = self.succeed("ckpt", "verify", "run")
        self.assertIn("WARNING", done.err)
        self.assertIn("step 4:", done.out)

    def test_other_token_files_than_the_checkpoints_are_refused(self):
        shutil.move(self.path("data"), self.path("data.first"))
        self.write_data("data", seed=2)
        self.refuse(3, ["token files", "found digest", "expected"], *self.train, "run")


class DamagedFirstWeights(Case):
    """init.from: a Hugging Face directory, or another run's checkpoint."""
    def setUp(self):
        super().setUp()
        self.write_data()
        self.write_config()
        shutil.copytree(os.path.join(FIXTURES, "gpt2", "hf"), self.path("hf"))
        shutil.copy(os.path.join(FIXTURES, "gpt2", "tokens.bin"), self.path("tokens.bin"))
        self.model = "hf/model.safetensors"
        self.write(
            "hf.yaml", "init: {from: hf}\ndata: {sources: [{name: t, path: tokens.bin}]}\n"
            "train: {steps: 1, batch: 1, microbatch: 1}\n")

    def refuse_model(self, *parts):
        self.refuse(3, parts, "train", "hf.yaml", "--out", "run", "--workers", 1)
        self.assertEqual(self.checkpoints("run") if os.path.exists(self.path("run")) else [], [])

    def header(self):
        data = self.read(self.model)
        (size, ) = struct.unpack("<Q", data[:8])
        return data[8:8 + size], data[8 + size:]

    def write_header(self, header, body):
        self.write(self.model, struct.pack("<Q", len(header)) + header + body)

    def test_a_cut_model_is_refused(self):
        self.cut(self.model, -10)
        self.refuse_model(self.model)

    def test_a_model_cut_within_its_header_is_refused(self):
        self.cut(self.model, 100)
        self.refuse_model(self.model, "in a file of 100", "cut short")

    def test_a_header_that_claims_terabytes_is_refused(self):
        self.change(self.model, 0, struct.pack("<Q", 5 << 40))
        self.refuse_model(self.model, "found a header of %d bytes" % (5 << 40))

    def test_a_tensor_that_claims_terabytes_is_refused(self):
        header, body = self.header()
        self.assertIn(b"[61,24]", header)
        self.write_header(header.replace(b"[61,24]", b"[9999999999999,24]"), body)
        self.refuse_model(self.model, "transformer.wte.weight", "shape")

    def test_offsets_outside_of_the_file_are_refused(self):
        header, body = self.header()
        last = str(len(body)).encode()
        self.assertIn(last, header)
        self.write_header(header.replace(last, b"7" * len(last)), body)
        self.refuse_model(self.model, "data_offsets")

    def test_a_flipped_bit_in_the_header_is_refused(self):
        header, body = self.header()
        at = header.index(b"transformer.wpe")
        self.write_header(header[:at] + bytes([header[at] ^ 2]) + header[at + 1:], body)
        self.refuse_model(self.model, "'vransformer.wpe.weight' has no place",
                          "'transformer.wpe.weight' is missing")

    def test_a_header_that_is_no_json_is_refused(self):
        header, body = self.header()
        self.write_header(b"[" + header[1:], body)
        self.refuse_model(self.model)

    def test_a_model_of_an_unknown_type_is_refused_before_anything_is_written(self):
        config = self.read("hf/config.json").replace(b'"gpt2"', b'"gpt9"')
        self.write("hf/config.json", config)
        self.refuse_model("config.json", "found model_type 'gpt9'", "gpt2 or llama")
        self.assert_nothing("run")

    def test_a_model_block_that_disagrees_is_refused(self):
        self.refuse(2, ["model.width", "hf/config.json"], "train", "hf.yaml", "--out", "run",
                    "--set", "model.width=48")
        self.assert_nothing("run")

    def test_init_from_nowhere_is_refused_and_nothing_is_written(self):
        self.refuse(2, ["init.from", "nowhere"], "train", "run.yaml", "--out", "run", "--set",
                    "init.from=nowhere")
        self.assert_nothing("run")

    def test_init_from_a_damaged_or_missing_checkpoint_is_refused_and_nothing_is_written(self):
        self.succeed("train", "run.yaml", "--out", "first", "--workers", 1)
        self.refuse(3, ["init.from", "step 5"], "train", "run.yaml", "--out", "run", "--set",
                    "init.from=first@5")
        self.refuse(3, ["init.from", "other tensors"], "train", "run.yaml", "--out", "run", "--set",
                    "init.from=first@4", "--set", "model.layers=2")
        name = self.shard("first", 4)
        self.change(name, -5, bytes([self.read(name)[-5] ^ 16]))
        self.refuse(3, ["init.from", name, "found digest"], "train", "run.yaml", "--out", "run",
                    "--set", "init.from=first@4")
        self.assert_nothing("run")


if __name__ == "__main__":
    trireme.main()
