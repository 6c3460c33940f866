"""Everything around training: resume with changes, evaluation, samples, checkpoints, configuration,
data and help."""
import json
import os

import trireme
from trireme import Case, text_like


class Run(Case):
    """A finished run of 12 steps with checkpoints of the steps 4, 8 and 12, on two sources."""
    def setUp(self):
        super().setUp()
        self.once(self.make)

    def make(self):
        self.write_data("data")
        self.write_data("more", seed=2)
        self.write_config(data={
            "sources": [{"name": "a", "path": "data", "weight": 3}, {"name": "b", "path": "more"}]
        })
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 2)


class Resume(Run):
    def test_more_steps_extend_the_run(self):
        before = self.losses("run")
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=20")
        self.assert_whole("run", 20)
        self.assertEqual(self.losses("run")[:12], before)
        self.assertEqual(self.checkpoints("run"), [12, 16, 20])
        self.assertIn("steps: 20", self.read("run/config.yaml").decode())
        self.assertEqual(len(self.manifest("run", 20)["segments"]), 1)

    def test_a_new_weight_of_a_source_goes_on_by_a_segment(self):
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=16", "--set",
                     "data.sources.0.weight=1")
        self.assert_whole("run", 16)
        segments = self.manifest("run", 16)["segments"]
        self.assertEqual([int(s.get("first_sample", 0)) for s in segments], [0, 12 * 6])
        self.assertEqual([s["weights"] for s in segments], [[3, 1], [1, 1]])
        self.assertEqual(segments[1]["cursors"], [54, 18])
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=17")
        self.assertEqual(len(self.manifest("run", 17)["segments"]), 2)

    def test_the_shape_of_the_model_cannot_change(self):
        before = self.tree("run")
        for setting in ("model.width=32", "model.vocab=300", "model.layers=2", "train.seed=1",
                        "data.order=sequential"):
            self.refuse(2, [setting.split("=")[0], "cannot change"], "resume", "run", "--set",
                        setting)
        self.refuse(2, ["model.widht", "unknown key"], "resume", "run", "--set", "model.widht=32")
        self.refuse(2, ["optimizer.lr", "found '-1'"], "resume", "run", "--set", "optimizer.lr=-1")
        self.assertEqual(self.tree("run"), before)

    def test_a_run_that_is_not_there_is_refused(self):
        self.refuse(2, ["nowhere", "no run"], "resume", "nowhere")
        self.refuse(2, ["data", "no run", "config.yaml"], "resume", "data")
        self.assert_nothing("nowhere")

    def test_keep_2_leaves_two_checkpoints(self):
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=20", "--set",
                     "checkpoint.keep=2")
        self.assertEqual(sorted(os.listdir(self.path("run/checkpoints"))),
                         ["step-00000016", "step-00000020"])

    def test_a_checkpoint_is_written_where_none_is_due_but_at_the_end(self):
        self.succeed("train", "run.yaml", "--out", "last", "--workers", 1, "--set",
                     "checkpoint.every=0", "--set", "train.steps=5")
        self.assertEqual(self.checkpoints("last"), [5])

    def test_eval_every_0_switches_evaluation_off(self):
        self.succeed("train", "run.yaml", "--out", "quiet", "--workers", 1, "--set", "eval.every=0",
                     "--set", "train.steps=5")
        self.assertEqual(self.metrics("quiet", "eval"), [])

    def test_surplus_workers_idle_with_one_line(self):
        done = self.succeed("train", "run.yaml", "--out", "wide", "--workers", 3, "--set",
                            "train.microbatch=3", "--set", "train.steps=3")
        self.assertEqual(done.out.count("1 of 3 workers will have nothing to do"), 1, done)
        self.assert_whole("wide", 3)

    def test_a_source_without_validation_is_left_out_with_one_line(self):
        self.write("c.txt", text_like(3, 4000))
        self.succeed("data", "prepare", "c.txt", "--out", "small", "--val", 0)
        done = self.succeed("train", "run.yaml", "--out", "part", "--workers", 2, "--set",
                            "data.sources.1.path=small", "--set", "train.steps=5")
        self.assertEqual(done.out.count("'b' has no validation part"), 1, done)
        self.assertEqual([s["name"] for s in self.metrics("part", "eval")[0]["sources"]], ["a"])


class Read(Run):
    def test_eval_gives_exactly_the_numbers_of_metrics_jsonl(self):
        for step in (12, None):
            line = self.metrics("run", "eval")[-1]
            reply = json.loads(
                self.succeed("eval", "run" + ("@%d" % step if step else ""), "--json").out)
            self.assertEqual(reply["step"], 12)
            for name in ("val_loss", "val_bpb", "sources"):
                self.assertEqual(reply[name], line[name])

    def test_eval_of_other_samples_is_another_number(self):
        first = json.loads(self.succeed("eval", "run", "--json").out)["val_loss"]
        self.assertNotEqual(
            json.loads(self.succeed("eval", "run", "--json", "--set",
                                    "eval.samples=3").out)["val_loss"], first)
        self.assertNotEqual(
            json.loads(self.succeed("eval", "run@4", "--json").out)["val_loss"], first)

    def sample(self, *options, prompt="the "):
        text = self.succeed("sample", "run", "--prompt", prompt, "--tokens", 40, "--json",
                            *options).out
        return json.loads(text)["text"]

    def test_samples_follow_from_the_seed(self):
        self.assertEqual(self.sample("--seed", 3), self.sample("--seed", 3))
        self.assertNotEqual(self.sample("--seed", 3), self.sample("--seed", 4))

    def test_temperature_0_takes_the_likeliest_token_whatever_the_seed_and_so_does_top_k_1(self):
        greedy = self.sample("--temperature", 0, "--seed", 1)
        self.assertEqual(self.sample("--temperature", 0, "--seed", 2), greedy)
        self.assertEqual(self.sample("--top-k", 1, "--seed", 3), greedy)
        self.assertNotEqual(self.sample("--seed", 3), greedy)

    def test_sample_prints_the_prompt_and_as_many_bytes_as_asked_for(self):
        call = self.begin("sample", "run", "--prompt", "ab", "--tokens", 7)
        out, err = call.process.communicate(timeout=trireme.bound(30))
        self.assertEqual((call.process.returncode, err), (0, b""))
        self.assertTrue(out.startswith(b"ab"), out)
        self.assertEqual(len(out), 2 + 7 + 1)

    def test_sample_refuses_an_empty_prompt(self):
        self.refuse(2, ["--prompt", "at least one"], "sample", "run", "--prompt", "")

    def test_ckpt_ls_lists_the_checkpoints_with_their_sizes(self):
        lines = self.succeed("ckpt", "ls", "run").out.splitlines()
        size = os.path.getsize(self.path(self.shard("run", 4)))
        self.assertEqual(lines[0].split(), ["step", "samples", "shards", "bytes"])
        self.assertEqual([[int(n) for n in line.split()] for line in lines[1:]],
                         [[step, 6 * step, 1, size] for step in (4, 8, 12)])
        reply = json.loads(self.succeed("ckpt", "ls", "run", "--json").out)
        self.assertEqual(reply["checkpoints"],
                         [{"step": step, "samples": 6 * step, "shards": 1, "bytes": size}
                          for step in (4, 8, 12)])

    def test_ckpt_verify_says_what_it_read(self):
        size = os.path.getsize(self.path(self.shard("run", 8)))
        self.assertEqual(
            self.succeed("ckpt", "verify", "run@8").out,
            "step 8: 1 shards, %d bytes: all digests agree\n" % size)
        self.assertEqual(json.loads(self.succeed("ckpt", "verify", "run", "--json").out),
                         {"step": 12, "shards": 1, "bytes": size})

    def test_ckpt_hash_is_of_one_step_and_the_same_as_json(self):
        newest = self.hash_of("run")
        self.assertEqual(self.hash_of("run@12"), newest)
        self.assertEqual(len({self.hash_of("run@%d" % step) for step in (4, 8, 12)}), 3)
        self.assertEqual(json.loads(self.succeed("ckpt", "hash", "run", "--json").out),
                         {"hash": newest})

    def test_runs_and_steps_that_are_not_there_are_refused(self):
        for command in (["eval"], ["ckpt", "verify"], ["ckpt",
                                                       "hash"], ["sample", "--prompt",
                                                                 "a"], ["export", "--out", "x"]):
            self.refuse(2, ["nowhere", "no such run"], *command, "nowhere")
            self.refuse(3, ["run", "no checkpoint of step 5"], *command, "run@5")
            self.refuse(2, ["run@five", "'five'", "step"], *command, "run@five")
        self.refuse(2, ["nowhere", "no such run"], "ckpt", "ls", "nowhere")
        self.assert_nothing("x")

    def test_train_answers_in_json_too(self):
        done = self.succeed("resume", "run", "--workers", 1, "--json")
        self.assertEqual(json.loads(done.out.splitlines()[-1]), {"step": 12})


class Configuration(Case):
    def test_config_prints_yaml_that_reads_back_to_itself(self):
        self.write_config()
        for words in ([], ["run.yaml"],
                      ["run.yaml", "--set", "model.arch=llama", "--set", "optimizer.lr=3e-4"]):
            text = self.succeed("config", *words).out
            self.write("again.yaml", text)
            self.assertEqual(self.succeed("config", "again.yaml").out, text)
        self.assertIn("arch: llama", text)

    def test_a_run_keeps_its_resolved_configuration(self):
        self.write_data()
        self.write_config()
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=1")
        kept = self.read("run/config.yaml").decode()
        self.assertTrue(kept.startswith("# resolved configuration, written by trireme "), kept)
        self.assertEqual(self.succeed("config", "run/config.yaml").out, kept.split("\n", 1)[1])

    def test_config_schema_is_json_schema(self):
        schema = json.loads(self.succeed("config", "--schema").out)
        self.assertIn("$schema", schema)
        self.assertIn("model", schema["properties"])

    def test_config_refuses_what_train_would_refuse(self):
        self.refuse(2, ["model.heads", "found 5"], "config", "--set", "model.heads=5")


class Prepare(Case):
    def setUp(self):
        super().setUp()
        self.write("a.txt", text_like(1, 40000))
        self.write("b.txt", text_like(2, 40000))

    def test_preparing_the_same_twice_is_accepted_and_changes_nothing(self):
        first = self.succeed("data", "prepare", "a.txt", "--out", "data")
        before = self.tree("data")
        self.assertEqual(sorted(os.listdir(self.path("data"))),
                         ["data.yaml", "train_000000.bin", "val_000000.bin"])
        self.assertEqual(self.succeed("data", "prepare", "a.txt", "--out", "data").out, first.out)
        self.assertEqual(self.tree("data"), before)

    def test_preparing_another_input_into_the_same_folder_is_refused(self):
        self.succeed("data", "prepare", "a.txt", "--out", "data")
        before = self.tree()
        self.refuse(2, ["data"], "data", "prepare", "b.txt", "--out", "data")
        self.assertEqual(self.tree(), before)

    def test_an_exact_duplicate_is_dropped(self):
        self.write("c.txt", self.read("a.txt"))
        reply = json.loads(
            self.succeed("data", "prepare", "a.txt", "b.txt", "c.txt", "--out", "data",
                         "--json").out)
        self.assertEqual((reply["documents"], reply["duplicates"], reply["bytes"]), (2, 1, 80000))
        self.assertEqual(reply["train"]["tokens"] + reply["val"]["tokens"], 80000)

    def test_input_that_is_not_there_is_refused_and_nothing_is_written(self):
        before = self.tree()
        self.refuse(2, ["nowhere.txt", "No such file"], "data", "prepare", "nowhere.txt", "--out",
                    "data")
        self.refuse(2, ["FILE|DIR", "missing"], "data", "prepare", "--out", "data")
        self.refuse(2, ["a.txt"], "data", "prepare", "b.txt", "--out", "a.txt")
        self.refuse(2, ["--tokenizer", "'bpe'", "byte"], "data", "prepare", "a.txt", "--out",
                    "data", "--tokenizer", "bpe")
        self.assertEqual(self.tree(), before)
        self.assert_nothing("data")


class Help(Case):
    commands = [
        "data prepare", "train", "resume", "eval", "sample", "ckpt ls", "ckpt verify", "ckpt hash",
        "export", "config", "bench gemm", "bench step", "bench planner", "report", "ledger export"
    ]

    def test_help_at_every_level(self):
        top = self.succeed("--help").out
        for command in self.commands:
            self.assertIn("  %s " % command, top)
            text = self.succeed(*command.split(), "--help").out
            self.assertIn("usage: trireme " + command, text)
            self.assertIn("--help", text)
        for group in ("ckpt", "data", "bench"):
            text = self.succeed(group, "--help").out
            self.assertIn("  %s " % group, text)
            self.assertNotIn("  train ", text)

    def test_help_names_options_with_bounds_and_defaults(self):
        text = " ".join(self.succeed("train", "--help").out.split())
        for part in ("--workers N", "--servers N", "default 1", "--max-seconds", "--set"):
            self.assertIn(part, text)

    def test_no_command_and_unknown_commands_are_usage_errors(self):
        for words in ([], ["ckpt"], ["frobnicate"], ["ckpt", "frobnicate"]):
            done = self.run_it(*words)
            self.assertEqual(done.code, 2, done)
            self.assertEqual(done.out, "")
            self.assertIn("usage: trireme", done.err)
        self.assertIn("found no command 'frobnicate'", self.run_it("frobnicate").err)

    def test_version(self):
        self.assertRegex(self.succeed("--version").out, r"\Atrireme \d+\.\d+\.\d+\n\Z")


if __name__ == "__main__":
    trireme.main()
