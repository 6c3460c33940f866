"""Under the user's own mpirun or srun: ranks take their roles, rank 0 speaks, and the exit code is
the run's."""
import shutil
import signal
import unittest

import trireme
from trireme import Case, token_file, wait_for

MPIRUN = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n"]


@unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
class OwnMpirun(Case):
    def setUp(self):
        super().setUp()
        self.write_data()
        self.write_config()

    def launch(self, ranks, *words, **options):
        return self.run_it(*words, before=MPIRUN + [str(ranks)], **options)

    def sentences(self, done):
        return [line for line in done.err.splitlines() if line.startswith("trireme: ")]

    def refuse_launch(self, ranks, code, parts, *words):
        done = self.launch(ranks, *words)
        self.assertEqual(done.code, code, done)
        self.assertEqual(len(self.sentences(done)), 1, done)
        for part in parts:
            self.assertIn(part, self.sentences(done)[0])

    def test_four_ranks_train_to_the_same_bits_as_train_alone(self):
        done = self.launch(4, "train", "run.yaml", "--out", "run")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.sentences(done), [])
        self.assert_whole("run", 12)
        self.succeed("train", "run.yaml", "--out", "alone", "--workers", 1)
        self.assertEqual(self.hash_of("run"), self.hash_of("alone"))

    def test_two_servers_hold_a_shard_each(self):
        done = self.launch(4, "train", "run.yaml", "--out", "run", "--servers", 2, "--workers", 1)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(len(self.manifest("run", 12)["shards"]), 2)

    def test_max_seconds_ends_with_85_after_a_checkpoint_and_resume_goes_on(self):
        done = self.launch(4, "train", "run.yaml", "--out", "run", "--max-seconds", 0.1, "--set",
                           "train.steps=1000000")
        self.assertEqual(done.code, 85, done)
        self.assertIn("stopped on request at step ", self.sentences(done)[0])
        step = self.checkpoints("run")[-1]
        self.assert_whole("run", step)
        done = self.launch(3, "resume", "run", "--set", "train.steps=%d" % (step + 3))
        self.assertEqual(done.code, 0, done)
        self.assert_whole("run", step + 3)

    def test_usr1_to_mpirun_ends_with_85_after_a_checkpoint(self):
        call = self.begin("train",
                          "run.yaml",
                          "--out",
                          "run",
                          "--set",
                          "train.steps=1000000",
                          before=MPIRUN + ["4"])
        wait_for(lambda: self.steps_done("run") >= 10, "ten steps")
        call.process.send_signal(signal.SIGUSR1)
        done = call.end()
        self.assertEqual(done.code, 85, done)
        self.assert_whole("run", self.checkpoints("run")[-1])

    def test_a_token_above_the_vocabulary_ends_with_3(self):
        self.write("tokens.bin", token_file([77] * 500))
        self.refuse_launch(4, 3, ["tokens.bin", "is 77", "vocabulary of 50"], "train", "run.yaml",
                           "--out", "run", "--set", "model.vocab=50", "--set",
                           "data.sources.0.path=tokens.bin")

    def test_fewer_ranks_than_a_coordinator_the_servers_and_a_worker_are_refused(self):
        self.refuse_launch(3, 2, ["found 3 ranks", "at least 4", "2 server(s)"], "train",
                           "run.yaml", "--out", "run", "--servers", 2)
        self.assert_nothing("run")

    def test_another_number_of_ranks_than_asked_for_is_refused(self):
        self.refuse_launch(4, 2, ["found 4 ranks", "expected 5"], "train", "run.yaml", "--out",
                           "run", "--workers", 3)
        self.assert_nothing("run")

    def test_a_process_that_mpirun_started_alone_is_in_no_job_and_starts_its_own(self):
        done = self.launch(1, "train", "run.yaml", "--out", "run", "--workers", 2)
        self.assertEqual(done.code, 0, done)
        self.assert_whole("run", 12)

    def test_bad_input_is_said_once_by_rank_0_and_nothing_is_written(self):
        self.refuse_launch(4, 2, ["train.batch", "found 7"], "train", "run.yaml", "--out", "run",
                           "--set", "train.batch=7", "--set", "train.microbatch=2")
        self.refuse_launch(4, 3, ["nowhere", "No such file"], "train", "run.yaml", "--out", "run",
                           "--set", "data.sources.0.path=nowhere")
        self.refuse_launch(4, 2, ["--widht"], "train", "run.yaml", "--out", "run", "--widht", "3")
        self.assert_nothing("run")

    def test_help_is_printed_once(self):
        done = self.launch(3, "train", "--help")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.out.count("usage: "), 1, done)


class Srun(Case):
    """srun without a PMI: each task would believe that it is alone."""
    def setUp(self):
        super().setUp()
        self.write_data()
        self.write_config()

    def test_an_srun_of_several_tasks_without_a_pmi_is_refused_by_each(self):
        for rank in ("0", "1"):
            self.refuse(
                5, ["srun", "4 tasks", "PMIX_RANK", "--mpi=pmix"],
                "train",
                "run.yaml",
                "--out",
                "run",
                env={"SLURM_STEP_ID": "0", "SLURM_PROCID": rank, "SLURM_STEP_NUM_TASKS": "4"})
        self.assert_nothing("run")

    def test_an_srun_of_one_task_starts_mpirun_like_a_terminal(self):
        self.succeed("train",
                     "run.yaml",
                     "--out",
                     "run",
                     "--workers",
                     1,
                     "--set",
                     "train.steps=1",
                     env={"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"})


if __name__ == "__main__":
    trireme.main()
