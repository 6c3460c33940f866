"""doctor: a line for each finding, each question bounded. Hosts are stood in for by an agent, the
program that takes the place of ssh; mpirun and srun by small programs."""
import json
import os
import shutil
import time
import unittest

import trireme
from trireme import Case, bound

# What an agent does for each host, in place of ssh. The last but one word is the host's name.
AGENT = """#!/bin/sh
case $1 in
good) exec sh -c "$2" ;;
hangs) exec sleep 100 ;;
closed) echo "Permission denied (publickey)."; exit 255 ;;
older) echo "trireme 0.0.1|"; exit 0 ;;
empty) echo "|"; exit 0 ;;
apart) sh -c "$2" | sed 's/|.*/|/'; exit 0 ;;
esac
exit 255
"""


class Doctor(Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tools"))
        self.env = {"PATH": self.path("tools") + ":" + os.environ["PATH"]}

    def tool(self, name, text):
        os.chmod(self.path(self.write("tools/" + name, "#!/bin/sh\n%s\n" % text)), 0o755)

    def findings(self, code, *words, **env):
        """What was looked at -> the finding."""
        done = self.run_it("doctor", "--json", *words, env={**self.env, **env})
        self.assertEqual(done.code, code, done)
        if code:
            self.assert_sentence(done.err, ["findings are bad"])
        found = json.loads(done.out)["findings"]
        self.assertEqual(len(found), len({f["what"] for f in found}))
        return {f["what"]: f for f in found}

    def hosts(self, code, *names, patience=20):
        """The findings on the hosts of such a hostfile, reached by the agent."""
        self.write("hosts", "".join(name + " slots=2\n" for name in names))
        os.chmod(self.path(self.write("agent", AGENT)), 0o755)
        return self.findings(code,
                             "--hostfile",
                             "hosts",
                             "--patience",
                             patience,
                             OMPI_MCA_plm_rsh_agent=self.path("agent"))

    def assert_found(self, finding, level, *parts):
        self.assertEqual(finding["level"], level, finding)
        for part in parts:
            self.assertIn(part, finding["found"] + "; " + finding.get("advice", ""))

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_each_finding_is_a_line_and_the_folder_is_left_as_it_was(self):
        done = self.succeed("doctor")
        lines = done.out.splitlines()
        for line in lines:
            self.assertRegex(line, r"\A(ok  |warn|bad )  [^:]+: found .+\Z")
        for what in ("MPI library", "mpirun", "cores", "kernels", "memory", "/dev/shm",
                     "open files", "networks", "file system", "locks"):
            self.assertEqual(sum(" %s: found " % what in line for line in lines), 1, done.out)
        self.assertEqual(os.listdir(self.folder), ["tools"])

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_the_library_and_mpirun_of_one_version_are_no_trouble(self):
        found = self.findings(0)
        self.assert_found(found["MPI library"], "ok", "Open MPI v")
        self.assert_found(found["mpirun"], "ok", "/mpirun, Open MPI ")

    def test_an_mpirun_of_another_version_or_of_another_mpi_is_bad(self):
        self.tool("mpirun", "echo 'mpirun (Open MPI) 2.0.9'")
        self.assert_found(
            self.findings(5)["mpirun"], "bad", self.path("tools/mpirun"),
            "Open MPI 2.0.9 beside a library of ", "first in PATH")
        self.tool("mpirun", "echo 'HYDRA build details:'; echo '    Version:     4.0.2'")
        self.assert_found(self.findings(5)["mpirun"], "bad", "MPICH", "first in PATH")

    def test_without_mpirun_the_package_is_named(self):
        found = self.findings(5, PATH=self.path("tools"))
        self.assert_found(found["mpirun"], "bad", "mpirun", "openmpi-bin")

    def test_what_srun_offers_is_said(self):
        self.tool("srun", "echo 'MPI plugin types are...'; echo pmix; echo none")
        self.assert_found(self.findings(0)["Slurm"], "ok", "--mpi=pmix")
        self.tool("srun", "echo 'MPI plugin types are...'; echo none")
        self.assert_found(self.findings(0)["Slurm"], "warn", "no pmix", "--launcher mpirun")
        self.tool("srun", "exec sleep 100")
        self.assert_found(self.findings(0, "--patience", 0.5)["Slurm"], "warn", "within")

    def test_every_host_is_asked_for_its_program_and_the_folder(self):
        found = self.hosts(5, "good", "closed", "older", "empty", "apart")
        self.assert_found(found["host good"], "ok", "same version", "same folder")
        self.assert_found(found["host older"], "bad", "'trireme 0.0.1'", "the same version")
        self.assert_found(found["host empty"], "bad", "no such program", "same path")
        self.assert_found(found["host apart"], "bad", "does not see this folder", "share")
        self.assertEqual(found["host closed"]["level"], "bad")
        self.assertEqual(sorted(os.listdir(self.folder)), ["agent", "hosts", "tools"])

    def test_hosts_that_can_be_reached_are_no_trouble(self):
        self.hosts(0, "good", "localhost")

    def test_a_host_that_does_not_answer_costs_the_bound_once(self):
        self.tool("getent", "exit 0")
        began = time.monotonic()
        found = self.hosts(5, "hangs", "good", patience=1)
        self.assertLess(time.monotonic() - began, bound(8))
        self.assert_found(found["host hangs"], "bad", "no answer", "within 1 s")
        self.assert_found(found["host good"], "ok")

    def test_a_name_that_is_not_known_and_a_refusal_are_told_apart(self):
        self.tool("getent", "exit 2")
        self.assert_found(self.hosts(5, "closed")["host closed"], "bad", "not resolved")
        self.tool("getent", "exit 0")
        self.assert_found(
            self.hosts(5, "closed")["host closed"], "bad", "Permission denied",
            "without a password")

    def test_a_hostfile_that_is_not_there_is_a_finding(self):
        self.assert_found(self.findings(5, "--hostfile", "nowhere")["hostfile"], "bad", "nowhere")

    def test_a_folder_that_is_not_there_is_bad(self):
        self.assert_found(self.findings(5, "--folder", "nowhere")["folder"], "bad", "nowhere")

    def test_a_low_limit_of_open_files_is_a_warning(self):
        done = self.run_it("-c",
                           'ulimit -n 200; exec "$0" doctor --json',
                           trireme.PROGRAM,
                           program="/bin/bash")
        found = {f["what"]: f for f in json.loads(done.out)["findings"]}
        self.assert_found(found["open files"], "warn", "200", "ulimit -n")


if __name__ == "__main__":
    trireme.main()
