"""The official clients of the Model Context Protocol (TypeScript in both eras, over stdio and HTTP;
Python in its modern mode), unmodified, steer a run that trains; the inspector's command line looks
at it; the conformance suite for servers passes but for what does not apply."""
import json
import os
import signal
import subprocess

import mcp_packages
import trireme
from experiments import Experiments
from mcp_proxy import Proxy
from tokenizer_packages import Missing
from trireme import bound, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


class Clients(Experiments):
    def run_client(self, *words):
        done = subprocess.run([str(word) for word in words],
                              cwd=mcp_packages.FOLDER,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              timeout=bound(400))
        self.assertEqual(done.returncode, 0, (words, done.stdout[-3000:], done.stderr[-3000:]))
        return done.stdout.decode()

    def package(self, provide):
        try:
            return provide()
        except Missing as why:
            self.skipTest(str(why))

    def serve(self, role):
        call = self.begin("mcp", "run", "--role", role, "--listen", "127.0.0.1:0")
        lines = [call.process.stderr.readline().decode().split() for _ in range(2)]
        if "libmicrohttpd" in " ".join(lines[0]):
            self.skipTest("this build has no HTTP")
        return call, lines[0][1], lines[1][1]

    def end(self, call):
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 0)

    def begin_long(self):
        call = self.train("run", "--set", "train.steps=20000")
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        return call

    def check(self, said, call):
        seen = json.loads(said)
        self.assertGreaterEqual(seen["tools"], 8)
        self.assertIn("optimizer.lr", seen["refused"])
        self.assertTrue(seen["accepted"])
        self.assertIn(seen["state"], ("adopted", "kept", "claimed", "no sign", "no hope", "beaten"))
        self.assertGreater(seen["resource"], 500)
        self.assertGreater(seen["prompt"], 1000)
        self.stop(call)
        return seen

    def mcp(self, role="propose"):
        return [trireme.PROGRAM, "mcp", self.path("run"), "--role", role]

    def test_the_typescript_client_steers_over_stdio_in_the_legacy_era(self):
        node = self.package(mcp_packages.provide_node)
        call = self.begin_long()
        self.check(
            self.run_client(node, os.path.join(HERE, "mcp_steer.mjs"), "legacy", *self.mcp()), call)

    def test_the_typescript_client_steers_over_http_in_the_modern_era(self):
        node = self.package(mcp_packages.provide_node)
        call = self.begin_long()
        server, url, token = self.serve("propose")
        self.check(self.run_client(node, os.path.join(HERE, "mcp_steer.mjs"), "modern", url, token),
                   call)
        self.end(server)

    def test_the_python_client_steers_over_stdio_in_its_modern_mode(self):
        python = self.package(mcp_packages.provide_python)
        call = self.begin_long()
        seen = self.check(self.run_client(python, os.path.join(HERE, "mcp_steer.py"), *self.mcp()),
                          call)
        self.assertEqual(seen["era"], "2026-07-28")

    def test_the_inspectors_command_line_lists_and_calls(self):
        node = self.package(mcp_packages.provide_node)
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=20")
        look = [node, mcp_packages.INSPECTOR, "--cli", *self.mcp("read")]
        self.assertIn('"proposals_ls"', self.run_client(*look, "--method", "tools/list"))
        called = self.run_client(*look, "--method", "tools/call", "--tool-name", "briefing")
        self.assertIn('"step": 20', called)

    def test_the_conformance_suite_passes_but_for_what_does_not_apply(self):
        node = self.package(mcp_packages.provide_node)
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=20")
        server, url, token = self.serve("propose")
        proxy = Proxy(url.split("/")[2], token)
        for revision, listed in (("2025-11-25", "mcp_legacy.yaml"), ("2026-07-28",
                                                                     "mcp_modern.yaml")):
            with self.subTest(revision):
                self.run_client(node, mcp_packages.CONFORMANCE, "server", "--url", proxy.url,
                                "--suite", "all", "--spec-version", revision, "--expected-failures",
                                os.path.join(HERE, listed))
        proxy.close()
        self.end(server)


if __name__ == "__main__":
    trireme.main()
