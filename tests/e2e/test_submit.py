"""The Slurm script that submit writes: what it says to Slurm, and how it lives. The tools of Slurm
are stood in for by small programs; tests/e2e/test_slurm.py has a real one."""
import json
import os
import signal
import time

import trireme
from trireme import Case, arguments_of, processes, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# squeue: what the file `squeue` says of the time of the end (%e), else of the state.
TOOLS = {
    "squeue": 'case "$*" in *%e*) cat "$STATE/end" ;; *) cat "$STATE/state" ;; esac',
    "scontrol": 'echo "$@" >> "$STATE/scontrol"',
    "sbatch": 'echo "$@" >> "$STATE/sbatch"; cat "$STATE/said"; exit $(cat "$STATE/code")',
}


class Submit(Case):
    def setUp(self):
        super().setUp()
        self.once(self.make)
        for name, text in TOOLS.items():
            os.chmod(self.path(self.write("tools/" + name, "#!/bin/sh\n%s\n" % text)), 0o755)
        self.env = {
            "PATH": self.path("tools") + ":" + os.environ["PATH"], "STATE": self.path("state")
        }
        self.says("end", "N/A")
        self.says("state", "RUNNING None")
        self.says("said", "42")
        self.says("code", "0")

    def make(self):
        self.write_data()
        self.write_config()
        os.mkdir(self.path("tools"))
        os.mkdir(self.path("state"))

    def says(self, name, text):
        self.write("state/" + name, text + "\n")

    def said_to(self, tool):
        try:
            return self.read("state/" + tool).decode().splitlines()
        except FileNotFoundError:
            return []

    def submit(self, *words, out="run"):
        return self.succeed("submit", "run.yaml", "--out", out, *words, env=self.env)

    def options(self, script):
        """Option of sbatch -> its value, from the script's lines."""
        lines = self.read(script).decode().splitlines()
        words = [line.split(" ", 1)[1] for line in lines if line.startswith("#SBATCH ")]
        return dict(word[2:].split("=", 1) if "=" in word else (word[2:], None) for word in words)

    def job(self, script="run.sbatch", life=0, **variables):
        """Begins a life of the job, as Slurm would."""
        env = {
            **self.env, "SLURM_JOB_ID": "42", "SLURM_JOB_NODELIST": "here",
            "SLURM_RESTART_COUNT": str(life), **variables
        }
        return self.begin(script, program="/bin/bash", env=env)

    # What is written

    def test_the_script_says_to_slurm_what_a_run_of_several_lives_needs(self):
        done = self.submit("--nodes", 2, "--time", "1-06:00:00", "--workers", 7, "--servers", 2,
                           "--partition", "long", "--option=--account=phys")
        self.assertIn("run.sbatch", done.out)
        options = self.options("run.sbatch")
        self.assertEqual(
            options, {
                "job-name": "run", "partition": "long", "nodes": "2", "ntasks": "10",
                "ntasks-per-node": "5", "time": "1-06:00:00", "signal": "B:USR1@300",
                "requeue": None, "open-mode": "append", "chdir": self.folder,
                "output": self.path("run.slurm.out"), "account": "phys"
            })
        self.assert_nothing("run")

    def test_without_workers_the_job_takes_whole_nodes(self):
        self.submit("--nodes", 2, "--time", 20)
        options = self.options("run.sbatch")
        self.assertIn("exclusive", options)
        self.assertNotIn("ntasks", options)
        self.assertEqual(options["signal"], "B:USR1@300")

    def test_ranks_per_node_leave_what_is_no_server_to_workers(self):
        self.submit("--nodes", 3, "--time", 20, "--ranks-per-node", 4, "--servers", 2)
        self.assertEqual(self.options("run.sbatch")["ntasks"], "12")
        self.assertIn(b" --workers 9 --servers 2", self.read("run.sbatch"))

    def test_threads_of_a_rank_are_asked_for(self):
        self.submit("--time", 20, "--workers", 2, "--set", "compute.threads=4")
        self.assertEqual(self.options("run.sbatch")["cpus-per-task"], "4")

    def test_a_short_limit_has_a_short_lead_and_one_may_be_given(self):
        self.submit("--time", 4)
        self.assertEqual(self.options("run.sbatch")["signal"], "B:USR1@60")
        self.submit("--time", 4, "--signal-lead", 33, "--force")
        self.assertEqual(self.options("run.sbatch")["signal"], "B:USR1@33")

    def test_srun_starts_the_ranks_if_it_is_asked_for(self):
        self.submit("--time", 20, "--workers", 4, "--nodes", 2, "--launcher", "srun")
        script = self.read("run.sbatch").decode()
        self.assertIn("srun --mpi=pmix", script)
        self.assertIn("--ntasks=6", script)
        self.assertIn("--distribution=cyclic", script)

    def test_the_reply_is_one_object_of_json(self):
        reply = json.loads(self.submit("--time", 20, "--workers", 3, "--json").out)
        self.assertEqual(reply["script"], "run.sbatch")
        self.assertEqual(reply["ranks"], 5)
        self.assertNotIn("job", reply)

    def test_the_same_command_leaves_the_script_and_another_script_is_kept(self):
        self.submit("--time", 20)
        before = self.read("run.sbatch")
        self.submit("--time", 20)
        self.refuse(2, ["run.sbatch", "another script", "--force"], "submit", "run.yaml", "--out",
                    "run", "--time", 21)
        self.assertEqual(self.read("run.sbatch"), before)
        self.submit("--time", 21, "--force")
        self.assertNotEqual(self.read("run.sbatch"), before)

    def test_bad_input_is_one_sentence_and_nothing_is_written(self):
        for parts, words in (
            (["--time", "'soon'", "1-06:00:00"], ["--time", "soon"]),
            (["--time", "'0'"], ["--time", 0]),
            (["--time", "missing"], []),
            (["--nodes", "'0'"], ["--time", 5, "--nodes", 0]),
            (["--nodes", "found 9", "at most 4"], ["--time", 5, "--nodes", 9, "--workers", 2]),
            (["--ranks-per-node", "found 2 on 1"], ["--time", 5, "--ranks-per-node", 2]),
            (["--ranks-per-node", "8 worker"], ["--time", 5, "--ranks-per-node", 4, "--workers",
                                                8]),
            (["--signal-lead", "found 300"], ["--time", 5, "--signal-lead", 300]),
            (["--partition", "one line"], ["--time", 5, "--partition", "a\nb"]),
            (["--option", "'account'"], ["--time", 5, "--option", "account"]),
            (["--option", "one line"], ["--time", 5, "--option=--x\nrm"]),
            (["train.batch",
              "found 7"], ["--time", 5, "--set", "train.batch=7", "--set", "train.microbatch=2"]),
        ):
            self.refuse(2, parts, "submit", "run.yaml", "--out", "run", *words)
        self.refuse(2, ["data", "no run"], "submit", "run.yaml", "--out", "data", "--time", 5)
        self.refuse(3, ["nowhere"], "submit", "run.yaml", "--out", "run", "--time", 5, "--set",
                    "data.sources.0.path=nowhere")
        self.assert_nothing("run.sbatch")
        self.assert_nothing("data.sbatch")

    def test_the_example_is_what_submit_writes(self):
        self.submit("--time", "1-0", "--nodes", 2, "--workers", 8)
        script = self.read("run.sbatch").decode()
        for here, there in ((self.folder, "/home/me/models"), (trireme.PROGRAM, "trireme")):
            script = script.replace(here, there)
        with open(os.path.join(ROOT, "examples", "slurm.sh")) as f:
            self.assertEqual(script, f.read())

    # --now

    def test_now_submits_the_script_and_says_the_number(self):
        done = self.submit("--time", 20, "--now")
        self.assertIn("job 42", done.out)
        self.assertEqual(self.said_to("sbatch"), ["--parsable run.sbatch"])

    def test_what_sbatch_says_against_it_is_said_and_the_script_kept(self):
        self.says("said", "sbatch: error: invalid partition specified: nowhere")
        self.says("code", "1")
        self.refuse(5, ["sbatch", "invalid partition", "is kept: run.sbatch"],
                    "submit",
                    "run.yaml",
                    "--out",
                    "run",
                    "--time",
                    20,
                    "--now",
                    env=self.env)
        self.assertTrue(os.path.exists(self.path("run.sbatch")))

    def test_without_sbatch_the_script_is_kept(self):
        self.refuse(5, ["sbatch", "No such file", "is kept: run.sbatch"],
                    "submit",
                    "run.yaml",
                    "--out",
                    "run",
                    "--time",
                    20,
                    "--now",
                    env={"PATH": self.path("state")})
        self.assertTrue(os.path.exists(self.path("run.sbatch")))

    # How it lives

    def test_a_job_that_is_asked_to_end_goes_back_to_the_queue_and_its_next_life_ends_the_run(self):
        self.submit("--time", 20, "--workers", 1, "--set", "train.steps=3000")
        first = self.job()
        wait_for(lambda: self.steps_done("run") >= 10, "ten steps")
        first.process.send_signal(signal.SIGUSR1)
        done = first.end()
        self.assertEqual(done.code, 85, done)
        self.assertEqual(self.said_to("scontrol"), ["requeue 42"])
        self.assertLess(self.checkpoints("run")[-1], 3000)
        done = self.job(life=1).end()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.said_to("scontrol"), ["requeue 42"])
        self.assertIn("== life 1 ended with code 0", done.out)
        self.assert_whole("run", 3000)
        self.succeed("train", "run.yaml", "--out", "alone", "--workers", 1, "--set",
                     "train.steps=3000")
        self.assertEqual(self.hash_of("run"), self.hash_of("alone"))

    def test_a_job_whose_time_runs_out_ends_by_itself(self):
        self.submit("--time", 1, "--workers", 1, "--set", "train.steps=1000000")
        end = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 17))
        self.says("end", end)  # the lead is 15 s
        done = self.job().end()
        self.assertEqual(done.code, 85, done)
        self.assertEqual(self.said_to("scontrol"), ["requeue 42"])

    def test_train_ends_before_the_job_where_slurm_says_when_that_ends(self):
        done = self.run_it("train",
                           "run.yaml",
                           "--out",
                           "run",
                           "--workers",
                           1,
                           "--set",
                           "train.steps=1000000",
                           env={"SLURM_JOB_ID": "42", "SLURM_JOB_END_TIME": str(time.time() + 4)})
        self.assertEqual(done.code, 85, done)

    def test_train_has_a_worker_for_each_cpu_of_the_allocation(self):
        allocation = {
            "SLURM_JOB_ID": "42", "SLURM_JOB_NUM_NODES": "3", "SLURM_JOB_CPUS_PER_NODE": "1(x2),2"
        }
        call = self.begin("train",
                          "run.yaml",
                          "--out",
                          "run",
                          "--set",
                          "train.steps=1000000",
                          env=allocation)
        wait_for(lambda: self.steps_done("run") >= 1, "a step")
        self.assertEqual(sorted(call.ranks()), list(range(1 + 1 + 4)))
        call.process.send_signal(signal.SIGINT)
        self.assertEqual(call.end().code, 85)

    def test_after_term_a_job_goes_back_only_if_nobody_cancelled_it(self):
        self.submit("--time", 20, "--workers", 1, "--set", "train.steps=1000000")
        for state, again in (("COMPLETING None", False), ("COMPLETING TimeLimit", True),
                             ("RUNNING None", True)):
            with self.subTest(state):
                self.write("state/scontrol", "")
                self.says("state", state)
                steps = self.steps_done("run")
                call = self.job()
                wait_for(lambda: self.steps_done("run") >= steps + 10, "ten steps")
                call.process.send_signal(signal.SIGTERM)
                done = call.end()
                self.assertEqual(done.code, 85, done)
                self.assertEqual(self.said_to("scontrol"), ["requeue 42"] if again else [])

    def test_a_request_in_the_first_moments_is_no_death_and_each_life_gets_on(self):
        self.submit("--time", 20, "--workers", 1, "--set", "train.steps=1000000")
        before = 0
        for wait in (0.02, 0.1):  # a third life in a row without a step would be an error
            call = self.job()
            wait_for(lambda: os.path.exists("/proc/%d/exe" % call.process.pid), "the shell")
            time.sleep(wait)
            call.process.send_signal(signal.SIGUSR1)
            self.assertIn(call.end().code, (85, -signal.SIGUSR1))  # before bash's first line
        done = self.job(SLURM_JOB_END_TIME="1").end()  # asked before it began
        self.assertEqual(done.code, 85, done)
        self.assertGreater(self.checkpoints("run")[-1], before)

    def test_three_lives_without_a_step_do_not_go_back(self):
        self.submit("--time", 20, "--workers", 1)
        for life in range(3):
            call = self.job(life=life)
            wait_for(lambda: any("train" in arguments_of(pid) for pid in processes(call.token)),
                     "train")
            call.process.send_signal(signal.SIGUSR1)
            done = call.end()
            self.assertEqual(done.code, 85 if life < 2 else 5, done)
        self.assertEqual(self.said_to("scontrol"), ["requeue 42"] * 2)

    def test_a_failed_run_does_not_go_back(self):
        self.submit("--time", 20, "--workers", 1)
        os.rename(self.path("data"), self.path("elsewhere"))
        done = self.job().end()
        self.assertEqual(done.code, 3, done)
        self.assertEqual(self.said_to("scontrol"), [])

    def test_names_with_spaces_and_quotes_are_kept(self):
        os.mkdir(self.path("my runs"))
        name = "my runs/it's $HOME 100%"
        self.submit("--time", 20, "--workers", 1, "--set", "train.steps=2", out=name + "/")
        options = self.options(name + ".sbatch")
        self.assertEqual(options["job-name"], "it_s__HOME_100_")
        self.assertEqual(options["output"], '"%s%%%%.slurm.out"' % self.path(name)[:-1])
        done = self.job(name + ".sbatch").end()
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.checkpoints(name), [2])


if __name__ == "__main__":
    trireme.main()
