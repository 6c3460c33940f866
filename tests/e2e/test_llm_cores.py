"""The key of a language model's server is in no core: the process that asks leaves none, and those
of rank 0, which handed the key to it, and of `train`, which took it out of its environment, are
searched. Where cores cannot be put into a folder of the test it is skipped."""
import glob
import os
import resource
import signal

import trireme
from llm_stand_in import OPENAI, Answer
from test_llm import KEY, Models as Base, asking_for

PATTERN = "/proc/sys/kernel/core_pattern"
MODES = {"file": {}, "variable": {"key_file": None, "key_env": "STAND_IN_KEY"}}


class Cores(Base):
    def setUp(self):
        super().setUp()
        try:
            with open(PATTERN, "r+") as f:
                self.pattern = f.read()
                f.seek(0)
                f.write(self.path("core-%P-%s"))
        except OSError as why:
            self.pattern = None
            self.skipTest("cores cannot be put into a folder of the test: %s" % why)
        self.addCleanup(self.restore)
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))
        if hard != resource.RLIM_INFINITY:
            self.skipTest("the limit of cores is %d bytes" % hard)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    def restore(self):
        with open(PATTERN, "w") as f:
            f.write(self.pattern)

    def cores(self):
        """Process -> the file of its core."""
        return {path.split("-")[-2]: path for path in glob.glob(self.path("core-*-*"))}

    def check(self, mode):
        asking, call = [], None

        def answer(server, body):
            rank = call.rank(0)
            asking.extend(asking_for(rank))
            for pid in (*asking, rank, call.process.pid):
                os.kill(pid, signal.SIGABRT)
            return Answer({}, 500)

        server = self.serve(OPENAI, answer)
        self.configure(server, MODES[mode])
        call = self.train("run", env={"STAND_IN_KEY": KEY} if mode == "variable" else {})
        self.assertEqual(call.end().code, -signal.SIGABRT)
        dead = {str(call.process.pid)}
        trireme.wait_for(lambda: dead <= set(self.cores()) and len(self.cores()) >= 2, "two cores")
        self.assertEqual((server.failed, len(asking)), ([], 1))
        self.assertEqual([pid for pid in map(str, asking) if pid in self.cores()], [])
        for core in self.cores().values():
            with open(core, "rb") as f:
                data = f.read()
            self.assertIn(b"run.yaml", data, core)  # the search finds what is there
            for part in (KEY, KEY[3:], KEY[:-3]):
                self.assertNotIn(part.encode(), data, core)
        self.assert_no_key("run")

    def test_no_core_holds_a_key_of_a_file(self):
        self.check("file")

    def test_no_core_holds_a_key_of_a_variable(self):
        self.check("variable")


if __name__ == "__main__":
    trireme.main()
