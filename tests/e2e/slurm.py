"""A Slurm of a test's own: its daemons from Debian's packages, below a folder of its own, with its
own key, ports and spool. Needs root, since slurmd starts jobs as their users."""
import atexit
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from trireme import bound, wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")

CONF = """ClusterName=trireme
SlurmctldHost={host}{address}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/s,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmUser=root
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=30
MinJobAge=3600
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d-%n.pid
SlurmdLogFile={folder}/d-%n.log
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=60 State=UP PriorityTier=10
"""


def missing():
    """Why there can be no Slurm here; None: there can."""
    if os.geteuid() != 0:
        return "needs root"
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    gone = [program for program in PROGRAMS if not shutil.which(program, path=path)]
    return "not installed: " + ", ".join(gone) if gone else None


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind(("", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Network:
    """Network namespaces, one a node, on a bridge with this host: machines of their own to Slurm
    and MPI, as far as networks and names go. All names are this process's own."""
    def __init__(self, n):
        own = os.getpid() % 4096
        self.bridge = "tsl%db" % own
        self.net = "10.%d.%d." % (192 + own // 256 % 16, own % 256)
        self.nodes = ["tsl%dn%d" % (own, i + 1) for i in range(n)]
        self.made = []
        try:
            self.make()
        except BaseException:
            self.remove()
            raise

    def ip(self, *words):
        done = subprocess.run(("ip", ) + words,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              universal_newlines=True)
        if done.returncode:
            raise unittest.SkipTest("ip %s: %s" % (" ".join(words), done.stdout.strip()))

    def make(self):
        self.ip("link", "add", self.bridge, "type", "bridge")
        self.made.append(("link", "del", self.bridge))
        self.ip("addr", "add", self.address() + "/24", "dev", self.bridge)
        self.ip("link", "set", self.bridge, "up")
        for i, node in enumerate(self.nodes):
            self.ip("netns", "add", node)
            self.made.append(("netns", "del", node))
            self.ip("link", "add", node + "v", "type", "veth", "peer", "name", "eth0", "netns",
                    node)
            self.ip("link", "set", node + "v", "master", self.bridge, "up")
            self.ip("-n", node, "addr", "add", self.address(i) + "/24", "dev", "eth0")
            self.ip("-n", node, "link", "set", "eth0", "up")
            self.ip("-n", node, "link", "set", "lo", "up")

    def address(self, node=None):
        return self.net + ("1" if node is None else str(node + 11))

    def inside(self, node):
        """What begins a command that is to run on a node, under its name. (`ip netns exec` would
        take the control groups away, which slurmd needs.)"""
        return [
            "nsenter", "--net=/run/netns/" + node, "unshare", "--uts", "sh", "-c",
            'hostname "$0"; exec "$@"', node
        ]

    def remove(self):
        for words in reversed(self.made):
            try:
                self.ip(*words)
            except unittest.SkipTest as error:
                print(error)
        self.made = []


class Cluster:
    """A node that says it had many CPUs: this machine, or several in namespaces. A requeued job
    begins again after cred_expire seconds; two minutes are the default."""
    def __init__(self, cpus=16, nodes=0):
        folder = tempfile.mkdtemp(prefix="trireme-slurm-")
        self.folder, self.daemons, self.network = folder, [], None
        self.host = socket.gethostname().split(".")[0]
        os.chmod(folder, 0o755)
        for name in ("munge", "state", "tmp"):
            os.mkdir(os.path.join(folder, name), 0o755)
        self.write("munge/key", os.urandom(128))
        os.chmod(os.path.join(folder, "munge/key"), 0o400)
        self.environment = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("OMPI_", "PMIX_", "PMI_", "SLURM_", "SBATCH_"))
        }
        # Open MPI's names of sockets are long
        self.environment.update(SLURM_CONF=os.path.join(folder, "slurm.conf"),
                                TMPDIR=os.path.join(folder, "tmp"),
                                OMPI_ALLOW_RUN_AS_ROOT="1",
                                OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        atexit.register(self.stop)  # also where somebody interrupts the test
        try:
            if nodes:
                self.network = Network(nodes)
            self.configure(cpus)
            self.start()
        except BaseException:
            self.stop()
            raise

    def configure(self, cpus):
        network = self.network
        self.nodes = network.nodes if network else [self.host]
        node = "NodeName={} CPUs={} RealMemory=1000"
        lines = [
            node.format(name, cpus) + (" NodeHostname=%s NodeAddr=%s" %
                                       (name, network.address(i)) if network else "")
            for i, name in enumerate(self.nodes)
        ]
        address = "(%s)" % network.address() if network else ""
        self.write(
            "slurm.conf",
            CONF.format(host=self.host,
                        address=address,
                        folder=self.folder,
                        nodes="\n".join(lines),
                        ports=free_ports(2)))

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb" if isinstance(data, bytes) else "w") as f:
            f.write(data)

    def start(self):
        munge = os.path.join(self.folder, "munge")
        self.daemon("munged", "--foreground", "--force", "--key-file=" + munge + "/key",
                    "--socket=" + munge + "/s", "--pid-file=" + munge + "/pid",
                    "--seed-file=" + munge + "/seed")
        wait_for(lambda: os.path.exists(munge + "/s"), "munged's socket")
        self.daemon("slurmctld", "-D")
        for node in self.nodes:
            for name in ("spool-", "tmp-"):
                os.mkdir(os.path.join(self.folder, name + node), 0o755)
            inside = self.network.inside(node) if self.network else []
            self.daemon("slurmd", "-D", "-N", node, before=inside)
        self.wait_idle()

    def wait_idle(self):
        """Waits for the nodes. Daemons that end by themselves find the system unfit (a container
        without control groups, say)."""
        def settled():
            states = self.ask("sinfo", "-h", "-N", "-o", "%T").split()
            return (set(states) == {"idle"}
                    or any(daemon.poll() is not None for daemon in self.daemons))

        wait_for(settled, "idle nodes", 30)
        for daemon in self.daemons:
            if daemon.poll() is not None:
                raise unittest.SkipTest("a daemon of Slurm cannot run here: " + self.last_error())

    def last_error(self):
        lines = []
        for name in sorted(os.listdir(self.folder)):
            if name.endswith(".log"):
                with open(os.path.join(self.folder, name), errors="replace") as f:
                    lines += [line.strip() for line in f if "error" in line]
        return lines[-1] if lines else "it did not say why"

    def daemon(self, *words, before=()):
        with open(os.path.join(self.folder, words[0] + ".log"), "ab") as log:
            self.daemons.append(
                subprocess.Popen(list(before) + list(words),
                                 env=self.environment,
                                 cwd=self.folder,
                                 stdin=subprocess.DEVNULL,
                                 stdout=log,
                                 stderr=log,
                                 start_new_session=True))

    def stop(self):
        """Ends all jobs and the daemons, the last first."""
        if self.daemons:
            self.run("scancel", "-u", "root")
            try:
                wait_for(lambda: not self.ask("squeue", "-h"), "the last job's end", 15)
            except AssertionError:
                self.run("scancel", "--signal=KILL", "--full", "-u", "root")
                time.sleep(2)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(bound(5))
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = []
        if self.network:
            self.network.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words):
        return subprocess.run(words,
                              env=self.environment,
                              cwd=self.folder,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              universal_newlines=True,
                              timeout=bound(30))

    def ask(self, *words):
        """What a tool prints; "" where it fails."""
        done = self.run(*words)
        return done.stdout.strip() if done.returncode == 0 else ""

    # Jobs

    def state(self, job):
        return self.ask("squeue", "-h", "-t", "all", "-j", job, "-o", "%T")

    def shown(self, job, what):
        """A value of `scontrol show job`."""
        found = re.search(r"\b%s=(\S+)" % what, self.ask("scontrol", "-o", "show", "job", job))
        return found.group(1) if found else None

    def lives(self, job):
        """How often it was started anew."""
        return int(self.shown(job, "Restarts") or 0)

    def wait_over(self, job, seconds=300):
        """Waits until it is over; its state then."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED")
        wait_for(lambda: self.state(job) in over, "the end of job " + job, seconds)
        return self.state(job)
