"""How a launch begins: who is a rank, what a hostfile may say, whose mpirun it is, and what is said
where a host, a network or the machine does not do its part."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

import trireme
from trireme import Case, bound, processes, wait_for

MPIRUN = ["mpirun", "--oversubscribe", "--allow-run-as-root", "-n"]
SHORT = ["--set", "train.steps=2", "--set", "eval.every=0"]
needs_mpirun = unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")


class Launch(Case):
    def setUp(self):
        super().setUp()
        self.once(self.write_inputs)

    def write_inputs(self):
        self.write_data()
        self.write_config()

    def program(self, name, text, folder="bin"):
        """An executable script; its folder."""
        os.makedirs(self.path(folder), exist_ok=True)
        path = self.write(os.path.join(folder, name), "#!/bin/sh\n" + text)
        os.chmod(self.path(path), 0o755)
        return self.path(folder)

    def before_path(self, folder):
        return {"PATH": folder + ":" + os.environ["PATH"]}

    def sentences(self, done):
        return [line for line in done.err.splitlines() if line.startswith("trireme: ")]

    def refuse_said(self, done, code, *parts):
        """One sentence with these parts, and that code."""
        self.assertEqual(done.code, code, done)
        self.assertEqual(len(self.sentences(done)), 1, done)
        for part in parts:
            self.assertIn(part, self.sentences(done)[0])


@needs_mpirun
class Shells(Launch):
    """A shell in an allocation has variables of a rank, and is none."""
    def test_train_starts_mpirun_where_a_shell_has_variables_of_a_rank(self):
        shells = [{"PMI_RANK": "0", "PMI_SIZE": "1"}, {"PMIX_RANK": "0"}, {
            "PMIX_RANK": "0", "PMIX_NAMESPACE": "slurm.pmix.7.0",
            "PMIX_SERVER_URI2": "pmix-server.1;tcp4://127.0.0.1:1", "SLURM_STEP_ID": "0",
            "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"
        }, {"OMPI_COMM_WORLD_RANK": "3"}]
        for i, shell in enumerate(shells):
            with self.subTest(shell):
                run = "run%d" % i
                self.succeed("train", "run.yaml", "--out", run, "--workers", 1, *SHORT, env=shell)
                self.assert_whole(run, 2)

    def test_what_is_no_ranks_work_speaks_and_its_code_is_true(self):
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1)
        self.change(self.shard("run", 12), 4000, b"XXXX")
        for variable in ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"):
            for size in ({}, {"OMPI_COMM_WORLD_SIZE": "4", "PMI_SIZE": "4"}):
                env = {variable: "2", **size}
                with self.subTest(env):
                    done = self.run_it("ckpt", "verify", "run@12", env=env)
                    self.assertEqual(done.code, 3, done)
                    self.assertIn("run/checkpoints/step-00000012", done.out + done.err)
                    self.refuse(2, ["nowhere"], "ckpt", "verify", "nowhere", env=env)
                    self.refuse(2, ["nowhere.yaml"], "config", "nowhere.yaml", env=env)
                    self.refuse(2, ["nowhere"], "data", "prepare", "nowhere", "--out", "d", env=env)
                    self.assertEqual(self.run_it("no-such-command", env=env).code, 2)
                    self.assertIn("trireme ", self.succeed("--version", env=env).out)


@needs_mpirun
class Ranks(Launch):
    """Under the user's own mpirun, ranks that were started differently."""
    def test_four_runs_in_one_step_are_refused_and_none_is_made(self):
        line = '%s train run.yaml --out run$OMPI_COMM_WORLD_RANK' % trireme.PROGRAM
        done = self.run_it("-c", line, before=MPIRUN + ["4"], program="sh")
        self.refuse_said(done, 2, "rank 1 ", "another --out: found run1, rank 0 has run0")
        self.assertEqual(
            [n for n in os.listdir(self.folder) if n.startswith("run") and n[3:4] != "."], [])

    def mixed(self, first, others):
        words = ["train", "run.yaml", "--out", "run"]
        line = words + first + [":", "-n", "3", trireme.PROGRAM] + words + others
        return self.run_it(*line, before=MPIRUN + ["1"])

    def test_ranks_that_disagree_on_servers_are_refused_with_a_sentence_on_servers(self):
        for mine, theirs in ((1, 2), (2, 1), (1, 3), (1, 100000)):
            with self.subTest((mine, theirs)):
                done = self.mixed(["--servers", str(mine)], ["--servers", str(theirs)])
                self.refuse_said(done, 2,
                                 "another --servers: found %d, rank 0 has %d" % (theirs, mine))
                self.assert_nothing("run")

    def test_ranks_with_another_configuration_are_refused_by_its_field(self):
        self.write_config("other.yaml", train={"steps": 13})
        os.mkdir(self.path("b"))
        shutil.copy(self.path("other.yaml"), self.path("b", "run.yaml"))
        words = ["train", "run.yaml", "--out", "run"]
        done = self.run_it(*words,
                           ":",
                           "-n",
                           "2",
                           "-wdir",
                           self.path("b"),
                           trireme.PROGRAM,
                           *words,
                           before=MPIRUN + ["1"])
        self.refuse_said(done, 2, "rank 1 ", "configuration: train.steps: found 13, rank 0 has 12")
        self.assert_nothing("run")
        self.assert_nothing("b/run")

    def test_a_rank_whose_line_alone_is_wrong_is_told_by_rank_0(self):
        done = self.mixed([], ["--widht", "3"])
        self.refuse_said(done, 2, "rank 1 ", "--widht")
        self.assert_nothing("run")

    def test_ranks_that_mpi_holds_up_end_with_a_sentence(self):
        # a rank that never opens MPI
        began = time.monotonic()
        words = ["train", "run.yaml", "--out", "run", "--set", "wait.launch=2"]
        done = self.run_it(*words, ":", "-n", "1", "sleep", "100", before=MPIRUN + ["2"])
        self.assertEqual(done.code, 5, done)
        self.assertIn(
            "rank 0 on %s: MPI did not connect the ranks within 2 s" % socket.gethostname(),
            self.sentences(done)[0])
        self.assertIn("OMPI_MCA_btl_tcp_if_include", self.sentences(done)[0])
        self.assertLess(time.monotonic() - began, bound(20))
        self.assert_nothing("run")


@needs_mpirun
class AnotherMpi(Launch):
    def test_a_job_of_another_mpi_is_told_by_its_variable(self):
        done = self.run_it("train",
                           "run.yaml",
                           "--out",
                           "run",
                           env={"PMI_RANK": "0", "PMI_SIZE": "4"})
        self.refuse_said(done, 5, "PMI_SIZE says 4 ranks", "another MPI")
        srun = {"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"}
        done = self.run_it("train",
                           "run.yaml",
                           "--out",
                           "run",
                           env={"PMI_RANK": "0", "PMI_SIZE": "4", **srun})
        self.refuse_said(done, 5, "srun started 4 ranks with a PMI", "srun --mpi=pmix")
        done = self.run_it("train",
                           "run.yaml",
                           "--out",
                           "run",
                           env={"PMI_RANK": "2", "PMI_SIZE": "4"})
        self.assertEqual(self.sentences(done), [])  # rank 0 says it
        self.assert_nothing("run")

    def test_an_mpirun_of_another_mpi_is_named(self):
        answers = {
            "MPICH 4.0.2": "HYDRA build details:\\n    Version:    4.0.2",
            "Intel MPI 2021.9": "Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 1"
        }
        for name, answer in answers.items():
            with self.subTest(name):
                folder = self.program(
                    "mpirun", "case $1 in --version) printf '%s\\n'; exit 0;; esac\n"
                    "echo 'unrecognized argument allow-run-as-root' >&2\nexit 255\n" % answer)
                self.refuse(5, ["(%s/mpirun) is that of %s" % (folder, name), "Open MPI's"],
                            "train",
                            "run.yaml",
                            "--out",
                            "run",
                            "--workers",
                            1,
                            env=self.before_path(folder))


class NoMpirun(Launch):
    def launch(self, path):
        return self.run_it("train", "run.yaml", "--out", "run", "--workers", 1, env={"PATH": path})

    def test_without_an_mpirun_in_path_the_sentence_says_so(self):
        os.mkdir(self.path("none"))
        self.refuse_said(self.launch(self.path("none")), 5, "found none in PATH")

    def test_an_mpirun_that_cannot_be_executed_is_another_sentence(self):
        folder = self.program("mpirun", "exit 0\n")
        os.chmod(os.path.join(folder, "mpirun"), 0o644)
        if os.geteuid() == 0 and os.access(os.path.join(folder, "mpirun"), os.X_OK):
            self.skipTest("root may execute any file here")
        self.refuse_said(self.launch(folder), 5, "mpirun cannot be started: Permission denied")

    def test_an_mpirun_that_ends_with_127_is_shown_with_its_last_line(self):
        folder = self.program(
            "mpirun", "echo 'mpirun: error while loading shared libraries: libopen-rte.so.40' >&2\n"
            "exit 127\n")
        self.refuse_said(self.launch(folder), 5, "mpirun ended with code 127",
                         "error while loading shared libraries: libopen-rte.so.40")

    def test_an_mpirun_that_a_signal_ends_is_told_by_the_signals_name(self):
        folder = self.program("mpirun", "kill -SEGV $$\n")
        self.refuse_said(self.launch(folder), 5,
                         "mpirun was ended by signal 11 (Segmentation fault)")


@needs_mpirun
class Pages(Launch):
    """Known pages of Open MPI are one sentence."""
    def refuse_page(self, env, *parts):
        self.refuse(5, parts, "train", "run.yaml", "--out", "run", "--workers", 1, env=env)

    def test_a_rule_against_oversubscribing(self):
        self.refuse_page({"OMPI_MCA_rmaps_base_no_oversubscribe": "1"},
                         "OMPI_MCA_rmaps_base_no_oversubscribe")

    def test_a_component_that_is_not_there(self):
        self.refuse_page({"OMPI_MCA_pml": "nosuch"}, "OMPI_MCA_")

    def test_a_tmpdir_that_cannot_be_written(self):
        self.refuse_page({"TMPDIR": "/proc/nowhere"}, "'/proc/nowhere'", "TMPDIR")


class Hostfiles(Launch):
    def launch(self, hosts, *words, **options):
        return self.run_it("train", "run.yaml", "--out", "run", "--workers", 3, "--hostfile", hosts,
                           *words, **options)

    def test_a_hostfile_that_is_no_hostfile_is_refused_and_nothing_is_written(self):
        self.write("empty", "")
        self.write("words", "nodea slots=1\nnodeb slots=two\n")
        for name, part in (("absent", "No such file"), ("empty", "found no host"),
                           ("words", "line 2: found 'slots=two'")):
            with self.subTest(name):
                self.refuse_said(self.launch(name), 2, "--hostfile", name, part)
                self.assert_nothing("run")

    @needs_mpirun
    def test_hosts_are_asked_for_by_their_whole_names(self):
        folder = self.program(
            "agent", 'echo "$1" >> %s\necho "ssh: Could not resolve hostname $1" >&2\nexit 255\n' %
            self.path("asked"))
        self.write("hosts", "node1.rack7.example slots=2\nnode1.rack8.example slots=2\n")
        done = self.launch("hosts", env={"OMPI_MCA_plm_rsh_agent": folder + "/agent"})
        self.refuse_said(done, 5, "ssh: Could not resolve hostname node1.rack")
        asked = set(self.read("asked").decode().split())
        self.assertTrue(asked)  # mpirun may end before it has asked for the other
        self.assertLessEqual(asked, {"node1.rack7.example", "node1.rack8.example"})

    @needs_mpirun
    def test_a_host_that_does_not_answer_is_named_within_a_bound(self):
        folder = self.program("agent", "exec sleep 300\n")
        self.write("hosts", "faraway slots=2\n")
        done = self.launch("hosts",
                           "--set",
                           "wait.launch=1",
                           env={"OMPI_MCA_plm_rsh_agent": folder + "/agent"})
        self.refuse_said(done, 5, "no rank began on faraway within 1 s", "does not answer",
                         "agent faraway true")

    @needs_mpirun
    def test_one_signal_ends_the_wait_for_a_host(self):
        folder = self.program("agent", "exec sleep 300\n")
        self.write("hosts", "faraway slots=2\n")
        for number in (signal.SIGTERM, signal.SIGINT):
            call = self.begin("train",
                              "run.yaml",
                              "--out",
                              "run",
                              "--workers",
                              3,
                              "--hostfile",
                              "hosts",
                              env={"OMPI_MCA_plm_rsh_agent": folder + "/agent"})
            wait_for(lambda: len(processes(call.token)) >= 3, "train, mpirun and the agent")
            began = time.monotonic()
            call.process.send_signal(number)
            done = call.end()
            self.refuse_said(done, 85, "stopped on request before training began")
            self.assertLess(time.monotonic() - began, bound(10))


@needs_mpirun
class Users(Launch):
    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root and setpriv")
    def test_a_user_whom_passwd_does_not_know_trains_without_a_home(self):
        number = 54321
        with self.assertRaises(KeyError):
            pwd.getpwuid(number)
        os.chmod(self.tmp, 0o755)
        for folder, _, names in os.walk(self.folder):
            for name in [folder] + [os.path.join(folder, n) for n in names]:
                os.chown(name, number, number)
        call = [
            "setpriv", "--reuid",
            str(number), "--regid",
            str(number), "--clear-groups", "env", "-u", "HOME", "TMPDIR=" + self.folder
        ]
        done = self.run_it("train", "run.yaml", "--out", "run", "--workers", 1, *SHORT, before=call)
        self.assertEqual(done.code, 0, done)
        self.assert_whole("run", 2)


@needs_mpirun
class Quotas(Launch):
    """As many workers as cores that may be used."""
    def workers(self, run):
        return self.read(run + "/log.txt").decode().count("worker ") and len([
            line for line in self.read(run + "/log.txt").decode().splitlines()
            if " worker " in line and line.endswith("is ready")
        ])

    def test_a_quota_of_half_a_core_gives_one_worker(self):
        old, new = "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"
        first = os.path.exists(old + "/cpu.cfs_quota_us")
        box = "%s/trireme-e2e-%d" % (old if first else new, os.getpid())
        try:
            os.mkdir(box)
            self.addCleanup(os.rmdir, box)
            if first:
                with open(box + "/cpu.cfs_quota_us", "w") as f:
                    f.write("50000")
            else:
                with open(box + "/cpu.max", "w") as f:
                    f.write("50000 100000")
        except OSError as why:
            self.skipTest("no control group can be made here: %s" % why)
        done = self.run_it("-c",
                           'echo $$ > %s/cgroup.procs; exec "$0" "$@"' % box,
                           trireme.PROGRAM,
                           "train",
                           "run.yaml",
                           "--out",
                           "run",
                           *SHORT,
                           program="sh")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(self.workers("run"), 1)

    @unittest.skipUnless(shutil.which("taskset"), "taskset is not installed")
    def test_one_core_by_affinity_gives_one_worker(self):
        core = str(min(os.sched_getaffinity(0)))
        self.succeed("train", "run.yaml", "--out", "run", *SHORT, before=["taskset", "-c", core])
        self.assertEqual(self.workers("run"), 1)


def can_make_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("unshare"):
        return False
    name = "trireme-%d" % os.getpid()
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    bridge = made and subprocess.run(["ip", "-n", name, "link", "add", "virbr0", "type", "bridge"],
                                     capture_output=True).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return bridge


@needs_mpirun
@unittest.skipUnless(can_make_namespaces(), "needs root, iproute2 and network namespaces")
class Bridges(Launch):
    """Two hosts, each with a bridge of the same address (docker0, virbr0)."""
    def setUp(self):
        super().setUp()
        tag = os.getpid()
        self.spaces = ["trireme-%d-%s" % (tag, name) for name in "ab"]
        for space in self.spaces:
            self.ip("netns", "add", space)
            self.addCleanup(subprocess.run, ["ip", "netns", "del", space], capture_output=True)
        a, b = self.spaces
        self.ip("-n", a, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b)
        for i, space in enumerate(self.spaces):
            self.ip("-n", space, "addr", "add", "10.77.0.%d/24" % (i + 1), "dev", "eth0")
            self.ip("-n", space, "link", "add", "virbr0", "type", "bridge")
            self.ip("-n", space, "addr", "add", "192.168.122.1/24", "dev", "virbr0")
            for name in ("lo", "eth0", "virbr0"):
                self.ip("-n", space, "link", "set", name, "up")
        # A host has its own temporary files: the daemon there may not get to remove its session.
        self.other_tmp = os.path.join(self.tmp, "b")
        os.mkdir(self.other_tmp)
        self.agent = self.program(
            "agent", 'case $1 in 10.77.0.1) s=%s;; 10.77.0.2) s=%s;; *) exit 255;; esac\nshift\n'
            'TMPDIR=%s exec ip netns exec $s unshare --uts sh -c "hostname $s; $*"\n' %
            (a, b, self.other_tmp)) + "/agent"
        self.write("hosts", "10.77.0.1 slots=2\n10.77.0.2 slots=2\n")

    def ip(self, *words):
        subprocess.run(("ip", ) + words, check=True, capture_output=True)

    def on_a(self, *words, env=None, mpirun=()):
        before = [
            "ip", "netns", "exec", self.spaces[0], "unshare", "--uts", "sh", "-c",
            'hostname %s; exec "$0" "$@"' % self.spaces[0]
        ]
        env = {"OMPI_MCA_plm_rsh_agent": self.agent, **(env or {})}
        return self.run_it(*words, before=before + list(mpirun), env=env)

    def train(self, *words, **options):
        return self.on_a("train", "run.yaml", "--out", "run", "--workers", 2, "--hostfile", "hosts",
                         *SHORT, *words, **options)

    def test_the_bridge_is_left_out_and_the_log_says_so(self):
        done = self.train()
        self.assertEqual(done.code, 0, done)
        self.assert_whole("run", 2)
        self.assertIn("virbr0 (192.168.122.0/24)", self.read("run/log.txt").decode())

    def test_under_ones_own_mpirun_too(self):
        own = MPIRUN + ["4", "--hostfile", "hosts", "--map-by", "node"]
        done = self.on_a("train", "run.yaml", "--out", "run", *SHORT, mpirun=own)
        self.assertEqual(done.code, 0, done)
        self.assert_whole("run", 2)

    def test_a_user_who_chose_it_is_told_after_the_bound_what_to_set(self):
        chosen = {"OMPI_MCA_btl_tcp_if_exclude": "127.0.0.0/8"}
        seconds = round(bound(2))
        done = self.train("--set", "wait.launch=%d" % seconds, env=chosen)
        self.refuse_said(done, 5, "all 4 ranks began", "did not connect them within %d s" % seconds,
                         "virbr0 (192.168.122.0/24)", "eth0 (10.77.0.0/24)",
                         "OMPI_MCA_btl_tcp_if_include")


if __name__ == "__main__":
    trireme.main()
