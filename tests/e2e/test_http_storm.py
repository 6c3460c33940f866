"""A thousand bad requests, over HTTP and as files in the inbox, beside a training: its bits, its
ledger and the server stay as they were."""
import http.client
import json
import os
import random
import signal
import socket
import threading
import time

import trireme
from mcp_http import Served, ask
from trireme import wait_for

THREADS, EACH = 50, 20
EVERY = 50  # steps between two checkpoints
REFUSALS_MAX = 32  # that the ledger tells of
ENDLESS = [
    "--set", "train.steps=1000000", "--set", "schedule.warmup=500000", "--set",
    "checkpoint.every=%d" % EVERY, "--set", "checkpoint.keep=1000000"
]
TAKEN = [0, 200, 400, 401, 403, 404, 405, 413, 415, 429, 503]  # 0: reset, or closed


def memory(pid):
    """Kilobytes that are its own."""
    with open("/proc/%d/status" % pid) as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


class Storm(Served):
    def begin_endless(self):
        """Begins a training and, beside it, the same one that is left alone."""
        calls = [self.train(run, *ENDLESS, workers=1) for run in ("run", "other")]
        for run, call in zip(("run", "other"), calls):
            wait_for(lambda: self.steps_done(run) >= 3 or call.process.poll() is not None,
                     "the first steps")
        return calls

    def assert_as_undisturbed(self, calls):
        """Waits for a checkpoint of each that is later than all there was, and compares."""
        end = self.steps_done("run") // EVERY * EVERY + EVERY
        for run, call in zip(("run", "other"), calls):
            wait_for(lambda: self.steps_done(run) > end or call.process.poll() is not None,
                     "step %d" % end, 300)
            self.stop(call)
        self.assertEqual(self.hash_of("run@%d" % end), self.hash_of("other@%d" % end))
        self.assertEqual([line for line in self.losses("run") if line[0] <= end],
                         [line for line in self.losses("other") if line[0] <= end])

    # Requests; each gives a status, 0 where none came

    def send(self, body, path="/mcp", method="POST", **changes):
        try:
            return self.post(body, path, method, **changes)[0]
        except (OSError, http.client.HTTPException):
            return 0

    def half(self, rng):
        """A request that is never finished."""
        host, port = self.authority.split(":")
        try:
            with socket.create_connection((host, int(port)), 60) as raw:
                text = "POST /mcp HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n" % (
                    self.authority, self.token)
                text += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
                raw.sendall(text.encode()[:rng.randrange(1, len(text))])
                if rng.random() < 0.5:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        except OSError:
            pass
        return 0

    def tool(self, name, **arguments):
        return self.send(ask("tools/call", name=name, arguments=arguments))

    def one(self, rng, i):
        ping = ask("ping")
        kinds = [
            lambda: self.send(ping, Authorization="Bearer " + "0" * 64),
            lambda: self.send(ping, Authorization=None),
            lambda: self.send(ping, Origin="http://evil.example"),
            lambda: self.send(ping, Host="evil.example"),
            lambda: self.send(rng.randbytes(rng.randrange(1, 3000))),
            lambda: self.send(b"[" * 100000),
            lambda: self.send(b" " * 2000000),
            lambda: self.send(b" " * 2000000, Authorization="Bearer x"),
            lambda: self.send(ask("no/such")),
            lambda: self.send(ping, method=rng.choice(["GET", "PUT", "DELETE", "OPTIONS"])),
            lambda: self.half(rng),
            lambda: self.half(rng),
            lambda: self.tool("proposals_show", number="x"),
            lambda: self.tool("curve", **{"from": -1}),
            lambda: self.tool("briefing"),
            lambda: self.tool("propose", set=["optimizer.lr=0.003"], why="no role for it"),
            lambda: self.tool("proposals_approve", number=1),
            lambda: self.send(ping, path="/%2e%2e/secret"),
        ]
        return kinds[i % len(kinds)]()

    def storm(self):
        statuses = []

        def blow(n):
            rng = random.Random(n)
            for i in range(EACH):
                statuses.append(self.one(rng, n * EACH + i))

        threads = [threading.Thread(target=blow, args=(n, )) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def test_a_thousand_bad_requests_leave_the_trainings_bits_its_ledger_and_the_server_alone(self):
        calls = self.begin_endless()
        server = self.serve()
        pid = server.process.pid
        self.assertEqual(self.post(ask("tools/call", name="briefing", arguments={}))[0], 200)
        self.storm()  # once, so that memory is what it needs
        wait_for(lambda: self.send(ask("ping")) == 200, "room for a request")
        before, open_before, records = memory(pid), descriptors(pid), self.ledger("run")
        statuses = self.storm()
        self.assertEqual(len(statuses), THREADS * EACH)
        self.assertLessEqual(set(statuses), set(TAKEN))
        for status in (401, 403, 405, 429):
            self.assertIn(status, statuses)
        wait_for(lambda: self.send(ask("ping")) == 200, "room for a request")
        wait_for(lambda: self.tool("briefing") == 200, "a good request's turn")
        wait_for(lambda: descriptors(pid) <= open_before, "the end of connections", 60)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            self.assertEqual(f.read(), "")
        self.assertLess(memory(pid), before + 8192)
        self.assertEqual(self.ledger("run"), records)
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.end().code, 0)
        self.assert_as_undisturbed(calls)

    def requests_left(self):
        time.sleep(0.2)  # a look is long, and the training needs the processor
        return [
            name for name in os.listdir(self.path("run", "inbox"))
            if name.startswith("bad") and not name.endswith(".answer.json")
            and os.path.isfile(self.path("run", "inbox", name))
            and not os.path.islink(self.path("run", "inbox", name))
        ]

    def flood(self):
        """A thousand names in the inbox that are no requests, or forged ones."""
        inbox = self.path("run", "inbox")
        os.makedirs(inbox, exist_ok=True)
        for i in range(THREADS * EACH):
            path = os.path.join(inbox, "bad-%04d.json" % i)
            kind = i % 10
            if kind == 0:
                os.symlink("/etc/passwd", path)
            elif kind == 1:
                os.mkfifo(path)
            elif kind == 2:
                os.makedirs(os.path.join(path, "x"))
            else:
                text = [
                    "", "{", "[" * 60000, " " * 2000000, '{"propose": {"patch": 7}}',
                    json.dumps({"propose": {"id": "x" * 5000, "patch": {"a" * 600: 1}}}),
                    json.dumps({
                        "by": "person", "pid": 1, "order": "approve", "number": 1,
                        "seal": {"time": 1, "nonce": "0" * 32, "mac": "0" * 64}
                    })
                ][kind - 3]
                with open(path, "w") as f:
                    f.write(text)

    def test_a_thousand_bad_files_in_the_inbox_leave_the_bits_alone_and_hold_up_no_step(self):
        calls = self.begin_endless()
        step = self.steps_done("run")
        records = len(self.ledger("run"))
        self.flood()
        wait_for(lambda: not self.requests_left() or calls[0].process.poll() is not None,
                 "the last refusal", 300)
        self.assertEqual(self.requests_left(), [])
        more = self.ledger("run")[records:]
        self.assertLessEqual(len(more), REFUSALS_MAX)
        self.assertEqual({record["kind"] for record in more}, {"event"})
        answer = json.loads(self.succeed("proposals", "ls", "run",
                                         "--json").out)  # the run is whole
        self.assertEqual(answer.get("proposals", []), [])
        self.assertGreater(self.steps_done("run"), step)
        seconds = [line["seconds"] for line in self.trunk("run")]
        self.assertLess(max(seconds), trireme.bound(2))
        names = os.listdir(self.path("run", "inbox"))
        self.assertLess(sum(name.endswith(".answer.json") for name in names), 300)
        self.assert_as_undisturbed(calls)


if __name__ == "__main__":
    trireme.main()
