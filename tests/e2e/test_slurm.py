"""Jobs of several lives under a real Slurm, by the script that submit writes: stopped by their
limit, signalled, requeued, preempted, finished with the bits of an undisturbed run. With tests/run
--long, as root, where Slurm is installed; --night has more lives."""
import os
import unittest

import experiments
import slurm
import trireme
from experiments import Experiments
from trireme import TOKEN, arguments_of, processes, wait_for

LONG = os.environ.get("TRIREME_LONG")
NIGHT = os.environ.get("TRIREME_NIGHT")
WHY = ("takes minutes: tests/run --long" if not LONG else
       "once is enough: not with sanitizers" if os.environ.get("ASAN_OPTIONS") else slurm.missing())
POLICY = "allow: [{path: optimizer.lr, min: 1.0e-4, max: 0.01}, {path: optimizer.beta2}]\n"


class Jobs(Experiments):
    """A Slurm for all tests of a class."""

    nodes = 0  # in namespaces; 0: this machine

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = slurm.Cluster(nodes=cls.nodes)
        cls.addClassCleanup(cls.cluster.stop)

    def env(self, **more):
        """Of a submission: the job's processes are not the call's."""
        names = ("SLURM_CONF", "TMPDIR", "PATH", "OMPI_ALLOW_RUN_AS_ROOT",
                 "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM")
        return {**{name: self.cluster.environment[name] for name in names}, TOKEN: "job", **more}

    def submit(self, run, launcher, *words, config="run.yaml", time=30):
        done = self.succeed("submit",
                            config,
                            "--out",
                            run,
                            "--time",
                            time,
                            "--workers",
                            2,
                            "--launcher",
                            launcher,
                            "--now",
                            *words,
                            env=self.env())
        return done.out.split("job ")[1].split(";")[0]

    def output(self, run):
        try:
            return self.read(run + ".slurm.out").decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def wait(self, condition, what, run, job, seconds=60):
        """As wait_for, which says at its end what the job printed."""
        try:
            return wait_for(condition, what, seconds)
        except AssertionError as error:
            self.fail("%s\njob %s is %s and printed:\n%s" %
                      (error, job, self.cluster.state(job), self.output(run)))

    # What ends a life

    def usr1(self, job):
        self.cluster.run("scancel", "--batch", "--signal=USR1", job)

    def term(self, job):
        """To every rank, as clusters do that send no other signal: under mpirun to every process of
        the job, which are all of the script's; under srun to those that it started. (An srun that
        gets TERM itself kills its ranks at once, unless Slurm is ending the job anyway.)"""
        steps = any(
            name.rpartition(".")[2].isdigit()
            for name in self.cluster.ask("squeue", "-h", "-s", "-j", job, "-o", "%i").split())
        self.cluster.run("scancel", *([] if steps else ["--full"]), "--signal=TERM", job)

    def requeue(self, job):
        self.cluster.run("scontrol", "requeue", job)

    def limit(self, job):
        """The limit comes nearer than its lead."""
        self.cluster.run("scontrol", "update", "JobId=" + job, "TimeLimit=4")

    def preempt(self, job):
        """A job of a partition that goes before takes the whole node for a second."""
        self.cluster.run("srun", "--partition=urgent", "--exclusive", "-N1", "sleep", "1")

    def drain(self, job):
        node = "NodeName=" + self.cluster.host
        self.cluster.run("scontrol", "update", node, "State=DRAIN", "Reason=test")
        self.usr1(job)
        wait_for(lambda: self.cluster.state(job) == "PENDING", "the drained node's job to wait", 30)
        self.cluster.run("scontrol", "update", node, "State=RESUME")

    def live(self, run, job, disturbances, progress):
        """Ends life after life; each goes on from where the one before was asked to end."""
        kept = 0
        for life, disturb in enumerate(disturbances):
            by = "life %d, which ends by %s" % (life, disturb.__name__)
            self.wait(lambda: "== life %d of job" % life in self.output(run), by, run, job)
            self.wait(
                lambda: self.steps_done(run) >= kept + progress or self.cluster.state(job) !=
                "RUNNING", "steps of " + by, run, job)
            self.assertEqual(self.cluster.state(job), "RUNNING", self.output(run))
            disturb(self, job)
            self.wait(lambda: self.cluster.lives(job) > life, "the end of " + by, run, job)
            self.cluster.run("scontrol", "update", "JobId=" + job, "TimeLimit=30")
            self.wait(lambda: "== life %d ended with code" % life in self.output(run),
                      "the code of " + by, run, job, 30)
            self.assertIn("== life %d ended with code 85" % life, self.output(run), by)
            self.assertGreaterEqual(self.checkpoints(run)[-1], kept + progress)
            kept = self.checkpoints(run)[-1]
        self.assertEqual(self.cluster.wait_over(job), "COMPLETED", self.output(run))
        self.assertEqual(self.cluster.lives(job), len(disturbances))

    def disturbed(self, launcher, disturbances, steps, *words):
        """A run of such lives has the bits and the lines of one that nobody disturbed."""
        self.write_config(base=experiments.CONFIG,
                          train={"steps": steps},
                          eval={"every": 500},
                          checkpoint={"every": 1000000})
        job = self.submit("run", launcher, *words)
        self.live("run", job, disturbances, steps // (2 * len(disturbances) + 2))
        self.assert_whole("run", steps)
        self.succeed("train", "run.yaml", "--out", "alone", "--workers", 1)
        self.assertEqual(self.hash_of("run"), self.hash_of("alone"))
        self.assertEqual(self.losses("run"), self.losses("alone"))

    def disturbed_campaign(self, launcher, disturbances, **train):
        """A campaign of such lives comes to the verdicts and bits of one that nobody disturbed."""
        self.write("policy.yaml", POLICY)
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "random", "policy": "policy.yaml"},
                          train=train,
                          checkpoint={"every": 100, "keep": 100})
        self.trained("alone")
        job = self.submit("run", launcher)
        self.live("run", job, disturbances, self.last_step("alone") // (2 * len(disturbances) + 2))
        self.assertTrue(self.verdicts("alone"), "nothing was tried")
        self.assert_same_campaign("run", "alone")
        self.assertEqual(self.losses("run"), self.losses("alone"))
        self.succeed("ledger", "verify", "run")


@unittest.skipIf(WHY, WHY)
class OneNode(Jobs):
    def test_a_run_of_several_lives_under_mpirun_has_the_bits_of_an_undisturbed_one(self):
        self.disturbed("mpirun", (Jobs.usr1, Jobs.requeue), 6000)

    def test_a_run_of_several_lives_under_srun_has_the_bits_of_an_undisturbed_one(self):
        self.disturbed("srun", (Jobs.usr1, Jobs.requeue, Jobs.preempt, Jobs.drain), 3000)

    def test_a_campaign_of_several_lives_has_the_verdicts_and_bits_of_an_undisturbed_one(self):
        self.disturbed_campaign("srun", (Jobs.usr1, Jobs.requeue))

    def test_a_job_that_is_cancelled_stays_so_with_a_checkpoint(self):
        self.write_config(base=experiments.CONFIG, train={"steps": 1000000})
        for launcher in ("mpirun", "srun"):
            run = "run-" + launcher
            job = self.submit(run, launcher)
            self.wait(lambda: self.steps_done(run) >= 10, "ten steps", run, job)
            self.cluster.run("scancel", job)
            self.assertEqual(self.cluster.wait_over(job, 60), "CANCELLED", self.output(run))
            self.assertIn("== life 0 ended with code 85", self.output(run))
            self.assert_whole(run, self.checkpoints(run)[-1])

    def has_begun(self, job):
        """Whether the job's `train` is there. Its first step is not done before MPI has begun."""
        return any(
            e.get(b"SLURM_JOB_ID") == job.encode() and "train" in arguments_of(pid)
            for pid, e in processes("job").items())

    def test_a_job_whose_lives_come_to_no_step_is_not_requeued_for_ever(self):
        job = self.submit("run", "mpirun")
        for life in range(3):
            self.wait(lambda: "== life %d of job" % life in self.output("run"), "life %d" % life,
                      "run", job)
            self.wait(lambda: self.has_begun(job), "train of life %d" % life, "run", job)
            self.usr1(job)
            self.wait(lambda: "== life %d ended" % life in self.output("run"),
                      "the end of life %d" % life, "run", job)
        self.assertEqual(self.cluster.wait_over(job, 60), "FAILED", self.output("run"))
        self.assertEqual(self.cluster.lives(job), 2)
        self.assertIn("== life 2 ended with code 5", self.output("run"))


@unittest.skipIf(WHY, WHY)
@unittest.skipUnless(NIGHT, "takes minutes: tests/run --night")
class TwoNodes(Jobs):
    """Each slurmd in a network namespace, with a host's name of its own."""

    nodes = 2

    def test_mpirun_spans_two_nodes(self):
        self.disturbed("mpirun", (Jobs.usr1, Jobs.requeue), 1000, "--nodes", 2, "--servers", 2)

    def test_srun_spans_two_nodes(self):
        self.disturbed("srun", (Jobs.requeue, Jobs.usr1), 1000, "--nodes", 2, "--servers", 2)


@unittest.skipUnless(NIGHT, "takes half an hour: tests/run --night")
@unittest.skipIf(WHY, WHY)
class TwelveLives(Jobs):
    EACH = (Jobs.usr1, Jobs.requeue, Jobs.limit, Jobs.term, Jobs.preempt, Jobs.drain) * 2
    # Slurm sees only after most of a minute that a limit has come near: a life must last so long.
    STEPS = 40000
    LARGE = {"batch": 512, "microbatch": 32, "steps": 2400}

    def test_a_run_under_mpirun(self):
        self.disturbed("mpirun", self.EACH, self.STEPS)

    def test_a_run_under_srun(self):
        self.disturbed("srun", self.EACH, self.STEPS)

    def test_a_campaign_under_mpirun(self):
        self.disturbed_campaign("mpirun", self.EACH, **self.LARGE)

    def test_a_campaign_under_srun(self):
        self.disturbed_campaign("srun", self.EACH, **self.LARGE)


if __name__ == "__main__":
    trireme.main()
