"""Going on with changes, and from an earlier step than the newest: what is set aside, cut, and
said."""
import os
import shutil

import experiments
import trireme
from experiments import Experiments
from trireme import Case

MPIRUN = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n"]


class Trained(Case):
    """A run of 12 steps with checkpoints of the steps 4, 8 and 12, and a copy of it."""
    def setUp(self):
        super().setUp()
        self.once(self.make)

    def make(self):
        self.write_data()
        self.write_config(schedule={"warmup": 2, "kind": "linear", "min_lr": 1e-5})
        self.succeed("train", "run.yaml", "--workers", 1, "--out", "whole")
        shutil.copytree(self.path("whole"), self.path("run"))

    def asides(self, run="run"):
        return sorted(n for n in os.listdir(self.path(run, "checkpoints"))
                      if n.startswith("aside-"))

    def events(self, run="run"):
        return [(e["step"], e["what"]) for e in self.metrics(run, "event")]

    def log(self, run="run"):
        """Its lines without their time."""
        return [line.split(" ", 1)[1] for line in self.read(run + "/log.txt").decode().splitlines()]

    def assert_said(self, done, sentence, step, run="run"):
        """Once printed, once in log.txt, once an event."""
        self.assertEqual(done.out.splitlines().count(sentence), 1, done)
        self.assertEqual(self.log(run).count(sentence), 1)
        self.assertEqual(self.events(run).count((step, sentence)), 1, self.events(run))


class Back(Trained):
    def assert_back(self, done, step, newer):
        """It went back, and came to the bits of the first time."""
        (aside, ) = self.asides()
        self.assert_said(
            done, "going back to step %d: the curve is cut there, and %s set aside in "
            "run/checkpoints/%s" %
            (step, "1 newer checkpoint is" if newer == 1 else "%d newer checkpoints are" % newer,
             aside), step)
        self.assertIn("continuing from run/checkpoints/step-%08d" % step, done.out)
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        self.assertEqual(self.losses("run"), self.losses("whole"))
        self.assert_whole("run", 12)

    def test_it_goes_back_and_comes_to_the_same_bits(self):
        before = self.tree("run")
        self.assert_back(self.succeed("resume", "run@4", "--workers", 1), 4, 2)
        (aside, ) = self.asides()
        after = self.tree("run/checkpoints/" + aside)
        for step in (8, 12):  # not a byte is lost
            for name in ("manifest.json", "shard-0-of-1.safetensors"):
                self.assertEqual(
                    after["run/checkpoints/%s/step-%08d/%s" % (aside, step, name)],
                    before["run/checkpoints/step-%08d/%s" % (step, name)])
        self.assertEqual(after["run/checkpoints/%s/metrics.jsonl" % aside],
                         before["run/metrics.jsonl"])
        self.assertEqual(self.checkpoints("run"), [4, 8, 12])
        self.refuse(3, ["no checkpoint of step 9"], "eval", "run@9")

    def test_on_other_numbers_of_ranks(self):
        done = self.succeed("resume", "run@8", "--workers", 3, "--servers", 2)
        self.assert_back(done, 8, 1)

    @trireme.unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_under_the_users_own_mpirun(self):
        self.assert_back(self.succeed("resume", "run@4", before=MPIRUN + ["4"]), 4, 2)

    def test_past_samples(self):
        done = self.succeed("resume", "run@8", "--workers", 1, "--set", "data.skip=30")
        self.assert_said(done, "data.skip: 0 -> 30", 8)
        whole, run = self.losses("whole"), self.losses("run")
        self.assertEqual(run[:8], whole[:8])
        self.assertTrue(all(a[1] != b[1] for a, b in zip(run[8:], whole[8:])))
        self.assert_whole("run", 12)

    def test_the_newest_step_sets_nothing_aside(self):
        done = self.succeed("resume", "run@12", "--workers", 1, "--set", "train.steps=14")
        self.assertNotIn("aside", done.out)
        self.assertEqual(self.asides(), [])
        self.assert_whole("run", 14)

    def test_a_stop_does_not_send_the_same_line_back_again(self):
        call = self.begin("resume", "run@8", "--workers", 1, "--set", "train.steps=1000000",
                          "--max-seconds", 0.1)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_sentence(done.err, ["with a checkpoint: run `trireme resume` without the step"])

    def test_a_step_without_a_checkpoint_is_refused_with_those_that_there_are(self):
        before = self.tree("run")
        for step in (0, 5, 13):
            self.refuse(2, ["run@%d: found no checkpoint of that step" % step,
                            "expected one of 4, 8, 12"], "resume", "run@%d" % step)
        self.refuse(2, ["found 'x' behind the @, expected a step"], "resume", "run@x")
        self.refuse(2, ["none: found no run there"], "resume", "none@4")
        self.refuse(2, ["run: the run has its 8 steps", "train.steps"], "resume", "run@8", "--set",
                    "train.steps=8")
        self.assertEqual(self.tree("run"), before)

    def test_a_damaged_checkpoint_is_refused_and_nothing_is_set_aside(self):
        self.change(self.shard("run", 8), -10, b"\xff\xff")
        before = self.tree("run/checkpoints"), self.read("run/metrics.jsonl")
        self.refuse(3, ["step-00000008", "the file is damaged"], "resume", "run@8")
        self.assertEqual((self.tree("run/checkpoints"), self.read("run/metrics.jsonl")), before)

    def test_ranks_that_refuse_other_token_files_leave_the_run_as_it_was(self):
        shutil.rmtree(self.path("data"))
        self.write_data(seed=2)
        names = ("run/config.yaml", "run/ledger.jsonl")
        kept = lambda: [self.read(name) for name in names if os.path.exists(self.path(name))]
        before = self.tree("run/checkpoints"), self.losses("run"), kept()
        self.refuse(3, ["the token files are not those of the checkpoint"], "resume", "run@8",
                    "--workers", 1, "--set", "optimizer.lr=0.002")
        self.assertEqual((self.tree("run/checkpoints"), self.losses("run"), kept()), before)
        shutil.rmtree(self.path("data"))
        self.write_data()
        self.assert_back(self.succeed("resume", "run@8", "--workers", 1), 8, 1)

    def test_a_refused_change_does_not_stay_in_the_runs_configuration(self):
        self.succeed("resume", "run@8", "--workers", 1, "--set", "data.skip=30")
        before = self.read("run/config.yaml")
        self.refuse(2, ["data.skip: found 5, expected at least 30"], "resume", "run@12", "--set",
                    "data.skip=5", "--set", "train.steps=14")
        self.change(self.shard("run", 8), -10, b"\xff\xff")
        self.refuse(3, ["the file is damaged"], "resume", "run@8", "--set", "optimizer.lr=0.002")
        self.assertEqual(self.read("run/config.yaml"), before)
        self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=14")
        self.assert_whole("run", 14)


class Changes(Trained):
    """What a resume changes is said in one line a change, and nothing where it changes nothing."""
    def changes(self, done):
        return [line for line in done.out.splitlines() if " -> " in line or "jumps" in line]

    def test_settings_and_a_jump_of_the_rate(self):
        done = self.succeed("resume", "run", "--workers", 1, "--set", "optimizer.lr=3e-3", "--set",
                            "train.steps=24", "--set", "checkpoint.keep=5")
        before, after = [m["lr"] for m in self.trunk("run")[11:13]]
        jump = "the learning rate jumps: step 12 had %.3g, step 13 has %.3g (%.3g times)" % (
            before, after, after / before)
        said = ["train.steps: 12 -> 24", "optimizer.lr: 0.001 -> 0.003", "checkpoint.keep: 3 -> 5",
                jump]
        self.assertEqual(self.changes(done), said)
        for sentence in said:
            self.assert_said(done, sentence, 12)

    def test_nothing_changed_says_nothing(self):
        for newer in self.checkpoints("run")[1:]:
            shutil.rmtree(self.path("run/checkpoints/step-%08d" % newer))
        # 3 is what it is: the schedule goes on as it would have
        done = self.succeed("resume", "run", "--workers", 2, "--set", "checkpoint.keep=3")
        self.assertEqual((self.changes(done), self.events()), ([], []))
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))

    def test_what_leaves_the_rate_as_it_is_does_not_speak_of_it(self):
        done = self.succeed("resume", "run@8", "--workers", 1, "--set", "eval.every=3", "--set",
                            "optimizer.beta2=0.99")
        self.assertEqual(self.changes(done),
                         ["optimizer.beta2: 0.95 -> 0.99", "eval.every: 5 -> 3"])

    def test_a_launch_that_reached_no_checkpoint_is_not_recorded_twice(self):
        set_to = lambda value: ("--set", "optimizer.weight_decay=" + value)
        self.succeed("resume", "run@8", "--workers", 1, *set_to("0.2"))
        lost = lambda: shutil.rmtree(self.path("run/checkpoints/step-00000012"))
        sentence, back = "optimizer.weight_decay: 0.1 -> 0.2", "optimizer.weight_decay: 0.2 -> 0.1"
        lost()  # as if it had been killed
        done = self.succeed("resume", "run", "--workers", 1)
        self.assertEqual(self.changes(done), [sentence])
        self.assertEqual([e for e in self.events() if "decay" in e[1]], [(8, sentence)])
        lost()
        done = self.succeed("resume", "run", "--workers", 1, *set_to("0.1"))
        self.assertEqual(self.changes(done), [back])
        self.assertEqual([e for e in self.events() if "decay" in e[1]], [(8, sentence), (8, back)])
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        done = self.succeed("resume", "run@8", "--workers", 1, *set_to("0.2"))
        self.assertEqual(self.changes(done), [sentence])  # after the other two
        self.assertEqual([e[1] for e in self.events() if "decay" in e[1]],
                         [sentence, back, sentence])


class BaseIsGone(Trained):
    """A run holds what it needs to go on: what it began with may be gone."""
    def begin_from(self, first):
        """A run that began with the weights of `first` and was stopped, and that is gone then. What
        a directory says of the model's shape is left to it."""
        config = {k: v for k, v in trireme.CONFIG.items() if k != "model" or "@" in first}
        self.write_config("tuned.yaml", base={**config, "init": {"from": first}})
        self.train = ["train", "tuned.yaml", "--workers", 1, "--out"]
        self.succeed(*self.train, "expected")
        shutil.copytree(self.path("expected"), self.path("tuned"))
        for step in (8, 12):
            shutil.rmtree(self.path("tuned/checkpoints/step-%08d" % step))
        os.rename(self.path(first.split("@")[0]), self.path("gone"))

    def assert_goes_on(self, *line):
        done = self.succeed(*line)
        self.assertIn("continuing from tuned/checkpoints/step-00000004", done.out)
        self.assertEqual(self.hash_of("tuned"), self.hash_of("expected"))
        self.assertEqual(self.losses("tuned"), self.losses("expected"))
        self.assert_whole("tuned", 12)

    def make_directory(self):
        self.succeed("export", "whole", "--out", "hf")

    def test_the_same_line_again_without_the_hugging_face_directory(self):
        self.make_directory()
        self.begin_from("hf")
        self.assert_goes_on(*self.train, "tuned")
        for command in ("eval", "sample"):
            self.succeed(command, "tuned", *(["--prompt", "a"] if command == "sample" else []))

    def test_resume_without_the_hugging_face_directory(self):
        self.make_directory()
        self.begin_from("hf")
        self.assert_goes_on("resume", "tuned", "--workers", 2, "--servers", 2)

    def test_the_same_line_and_resume_without_the_other_run(self):
        self.begin_from("run@8")
        shutil.copytree(self.path("tuned"), self.path("kept"))
        self.assert_goes_on(*self.train, "tuned")
        shutil.rmtree(self.path("tuned"))
        os.rename(self.path("kept"), self.path("tuned"))
        self.assert_goes_on("resume", "tuned", "--workers", 1)

    def test_another_configuration_is_refused_without_it_too(self):
        self.make_directory()
        self.begin_from("hf")
        before = self.tree("tuned")
        for setting, path in (("model.width=32", "model.width"), ("optimizer.lr=2e-3",
                                                                  "optimizer.lr")):
            self.refuse(2, ["a run with another configuration is there (it differs in " + path],
                        *self.train, "tuned", "--set", setting)
        self.refuse(2, ["init.from: found 'other', expected a Hugging Face directory"],
                    *self.train, "tuned", "--set", "init.from=other")
        self.refuse(2, ["init.from: found 'hf', expected a Hugging Face directory"], *self.train,
                    "new")
        self.assert_nothing("new")
        self.assertEqual(self.tree("tuned"), before)

    def test_a_run_without_a_checkpoint_still_needs_it(self):
        self.make_directory()
        self.begin_from("hf")
        shutil.rmtree(self.path("tuned/checkpoints/step-00000004"))
        self.refuse(2, ["init.from: found 'hf', expected a Hugging Face directory"], *self.train,
                    "tuned")
        self.refuse(2, ["init.from: found no Hugging Face directory 'hf'", "no checkpoint"],
                    "resume", "tuned", "--workers", 1)


class Ledger(Experiments):
    def test_a_campaign_is_repeated_and_the_ledger_says_why(self):
        self.write_config(base=experiments.CONFIG, experiment={"planner": "random"},
                          checkpoint={"every": 50, "keep": 100})
        self.trained("whole")
        self.assertIn(100, self.checkpoints("whole"))
        steps = [r["step"] for r in self.ledger("whole", "stretch")]
        self.assertTrue(min(steps) < 100 < max(steps), "no stretches on both sides: %s" % steps)
        shutil.copytree(self.path("whole"), self.path("run"))
        before = self.read("run/ledger.jsonl")
        done = self.succeed("resume", "run@100", "--workers", 2)
        self.assertTrue(self.read("run/ledger.jsonl").startswith(before))
        (record, ) = self.ledger("run")[before.count(b"\n"):]
        self.assertEqual((record["kind"], record["step"]), ("event", 100))
        self.assertRegex(record["by"], r"\Aperson uid \d+ pid \d+ unseparated\Z")
        self.assertIn("going back to step 100", record["text"])
        self.assertIn(record["text"], done.out.splitlines())
        self.succeed("ledger", "verify", "run")
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))
        self.assertEqual(self.losses("run"), self.losses("whole"))


if __name__ == "__main__":
    trireme.main()
