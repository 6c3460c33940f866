"""Clients of the Model Context Protocol look at a run, propose and decide, over stdio and HTTP."""
import http.client
import json
import os
import signal
import socket
import stat
import threading
import time

import trireme
from experiments import Experiments
from mcp_client import META, Client, Refused
from mcp_http import Served
from trireme import wait_for

LONG = ["--set", "train.steps=20000"]


class Mcp(Experiments):
    def client(self, run="run", role="read", modern=True, more=()):
        made = Client([trireme.PROGRAM, "mcp", run, "--role", role, *more], self.folder, modern)
        self.addCleanup(made.close)
        return made

    def json_of(self, *words):
        return self.succeed(*words, "--json").out.rstrip("\n")


class Steering(Mcp):
    def test_a_client_reads_proposes_is_refused_proposes_better_sees_the_verdict_and_stops(self):
        call = self.train("run", *LONG)
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        planner, person = self.client(role="propose"), self.client(role="approve", modern=False)
        found = planner.request("server/discover")
        self.assertEqual(found["supportedVersions"], ["2026-07-28"])
        self.assertEqual(person.greeting["protocolVersion"], "2025-06-18")
        briefing = planner.get("briefing")
        self.assertGreaterEqual(briefing["step"], 1)
        lr = {may["path"]: may for may in briefing["may_change"]}["optimizer.lr"]
        wrong = planner.call("propose", set=["optimizer.lr=%r" % (lr["max"] * 2)], why="faster")
        self.assertTrue(wrong["isError"])
        self.assertIn("optimizer.lr", wrong["content"][0]["text"])
        self.assertIn("expected", wrong["content"][0]["text"])
        right = planner.get("propose", set=["optimizer.lr=0.003"], why="the loss falls slowly")
        self.assertTrue(right["accepted"], right)

        def state():
            rows = planner.get("proposals_ls")["proposals"]
            return [row for row in rows if row["number"] == right["number"]][0]

        end = time.monotonic() + trireme.bound(120)
        while state()["state"] in ("queued", "open") and time.monotonic() < end:
            planner.get("wait", **{"for": "verdict", "timeout": 5})
        row = state()
        self.assertIn(row["state"], ("adopted", "kept", "claimed", "no sign", "no hope", "beaten"))
        self.assertGreaterEqual(row["pairs"], 1)
        stopped = person.get("stop", wait=60)
        self.assertEqual(stopped["code"], 85)
        self.assertEqual(call.end().code, 85)
        self.assertEqual(planner.end(), (0, ""))
        self.assertEqual(person.end(), (0, ""))


class Finished(Mcp):
    """A run that is over, with one proposal that was tried."""
    def make(self):
        super().make()
        call = self.begin_with("run", "optimizer.lr=0.003")
        assert call.end().code == 0

    def test_what_a_tool_says_to_a_person_is_the_commands_json_byte_for_byte(self):
        client = self.client(os.path.join(self.folder, "run"), "approve", False)
        run = os.path.join(self.folder, "run")
        for name, words, arguments in (
            ("briefing", ["briefing", run], {}),
            ("proposals_ls", ["proposals", "ls", run], {}),
            ("proposals_show", ["proposals", "show", run, 1], {"number": 1}),
            ("proposals_diff", ["proposals", "diff", run, 1], {"number": 1}),
            ("ledger_verify", ["ledger", "verify", run], {}),
            ("ledger_show", ["ledger", "show", run], {}),
            ("config_show", ["config", "show", run], {}),
            ("ckpt_ls", ["ckpt", "ls", run], {}),
            ("price", ["price", run, "--set",
                       "optimizer.lr=0.002"], {"set": ["optimizer.lr=0.002"]}),
        ):
            number = client.send("tools/call", {"name": name, "arguments": arguments})
            line = client.lines.get(timeout=60).decode()
            expected = self.json_of(*words)
            self.assertEqual(json.loads(line)["id"], number)
            self.assertIn('"structuredContent":' + expected + ',"isError":false', line)
            self.assertEqual(json.loads(line)["result"]["content"][0]["text"], expected)

    def test_what_others_are_told_holds_no_number_of_the_gate_no_seed_and_no_path(self):
        run = os.path.join(self.folder, "run")
        told = self.json_of("ledger", "show", run) + self.json_of("proposals", "show", run, 1)
        for word in ("trunk_loss", "mean", "probability", "alpha"):
            self.assertIn('"%s"' % word, told)  # there is something to hide
        for role in ("read", "propose"):
            client = self.client(run, role)
            texts = [
                client.request("resources/read", {"uri": resource["uri"]})["contents"][0]["text"]
                for resource in client.request("resources/list")["resources"]
            ]
            texts.append(client.call("proposals_show", number=1)["content"][0]["text"])
            texts.append(client.call("proposals_show", number=99)["content"][0]["text"])
            texts += [
                client.call("price", set=[change])["content"][0]["text"]
                for change in ("optimizer.lr=0.002", "data.sources.0.path=b", "train.seed=1")
            ]
            self.assertGreaterEqual(len(texts), 8)
            for text in texts:
                self.assertNotIn(self.folder, text)
                for word in ("trunk_loss", "fork_loss", "mean", "probability", "alpha", "seed",
                             "path\":\"a", "deviation", "student_t", "half_width"):
                    self.assertNotIn('"%s"' % word, text)

    def test_each_role_has_the_tools_of_those_below_it_and_no_others(self):
        names = {}
        for role in ("read", "propose", "approve"):
            tools = self.client(role=role).request("tools/list")["tools"]
            names[role] = {tool["name"] for tool in tools}
            for tool in tools:
                self.assertFalse(tool["inputSchema"]["additionalProperties"])
                self.assertNotIn("run", tool["inputSchema"]["properties"])
        self.assertLess(names["read"], names["propose"])
        self.assertLess(names["propose"], names["approve"])
        self.assertIn("propose", names["propose"] - names["read"])
        self.assertLessEqual({"proposals_approve", "proposals_veto", "stop"},
                             names["approve"] - names["propose"])
        with self.assertRaises(Refused) as refused:
            self.client(role="propose").call("proposals_approve", number=1)
        self.assertEqual(refused.exception.code, -32602)

    def test_a_call_that_waits_holds_up_nobody_and_ends_when_it_is_cancelled(self):
        client = self.client(role="propose")
        waiting = client.send("tools/call",
                              {"name": "sample", "arguments": {"prompt": "a", "tokens": 1000000}})
        began = time.monotonic()
        self.assertEqual(client.get("ledger_verify")["records"], len(self.ledger("run")))
        client.notify("notifications/cancelled", {"requestId": waiting})
        client.get("ledger_verify")
        code, err = client.end()
        self.assertEqual((code, err), (0, ""))
        self.assertNotIn(waiting, client.replies)
        self.assertLess(time.monotonic() - began, 60)

    def test_waiting_ends_with_the_time_where_nobody_trains_and_the_curve_is_that_of_metrics(self):
        client = self.client()
        waited = client.get("wait", **{"for": "adoption", "timeout": 60})
        self.assertEqual((waited["happened"], waited["trained"]), (False, False))
        self.assertEqual(waited["step"], self.last_step("run"))
        self.assertTrue(client.get("wait", **{"for": "step", "until": 5})["happened"])
        evals = [line for line in self.metrics("run", "eval") if line["trial"] == "trunk"]
        points = client.get("curve")["points"]
        self.assertEqual([(p["step"], p["val_loss"], p["sources"]) for p in points],
                         [(e["step"], e["val_loss"], e["sources"]) for e in evals])
        first = [line["loss"] for line in self.trunk("run")][:points[0]["step"]]
        self.assertAlmostEqual(points[0]["loss"], sum(first) / len(first))
        some = client.get("curve", **{"from": 100, "to": 300, "every": 100})["points"]
        self.assertTrue(all(100 <= p["step"] <= 300 for p in some))
        self.assertLess(len(some), len(points))

    def test_lines_that_are_no_messages_are_answered_and_passed_over(self):
        client = self.client()
        for text, code in (("{", -32700), ("[]", -32600), ("x" * 1200000, -32600), ("[" * 5000,
                                                                                    -32700)):
            client.write(text)
            message = client.read()
            self.assertEqual((message["id"], message["error"]["code"]), (None, code))
        client.write("")
        self.assertEqual(client.get("ledger_verify")["checkpoints"], len(self.checkpoints("run")))
        self.assertEqual(client.end(), (0, ""))

    def test_a_folder_that_is_no_run_is_refused(self):
        self.refuse(2, ["nowhere", "no run"], "mcp", "nowhere")
        self.refuse(2, ["--listen", "ADDRESS:PORT"], "mcp", "run", "--listen", "8080")
        self.refuse(2, ["--listen", "--anywhere"], "mcp", "run", "--listen", "0.0.0.0:0")


class Http(Mcp, Served):
    def make(self):
        super().make()
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1, "--set", "train.steps=20")

    def test_requests_are_answered_and_what_is_none_has_the_status_that_says_why(self):
        call = self.serve()
        ping = self.ask("ping")
        self.assertEqual(self.post(ping), (200, {"jsonrpc": "2.0", "id": 1, "result": {}}))
        status, reply = self.post(self.ask("tools/call", name="ledger_verify", arguments={}))
        self.assertEqual((status, reply["result"]["isError"]), (200, False))
        self.assertEqual(self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}),
                         (202, None))
        for status, changes in ((401, {"Authorization": None
                                       }), (401, {"Authorization": "Bearer x"
                                                  }), (403, {"Origin": "http://evil.example"
                                                             }), (403, {"Host": "evil.example"}),
                                (405, {"method": "GET"}), (405, {"method": "DELETE"}),
                                (404, {"path": "/"}), (415, {"Content_Type": "text/plain"
                                                             }), (406, {"Accept": "text/html"}),
                                (400, {"MCP_Protocol_Version": "1999-01-01"})):
            self.assertEqual(self.post(ping, **changes)[0], status, changes)
        self.assertEqual(self.post(b"{")[0], 400)
        self.assertEqual(self.post(b" " * 1200000)[0], 413)
        modern = {
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "ledger_verify", "arguments": {}, "_meta": META}
        }
        said = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call"}
        self.assertEqual(self.post(modern, **said, Mcp_Name="ledger_verify")[0], 200)
        for name in (None, "other"):
            status, reply = self.post(modern, **said, Mcp_Name=name)
            self.assertEqual((status, reply["error"]["code"]), (400, -32020))
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 0)

    def test_the_token_is_its_owners_alone_and_gone_with_the_server(self):
        call = self.serve("propose")
        path = self.path("run", "mcp-propose.token")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path) as f:
            self.assertEqual(f.read(), self.token + "\n")
        call.process.send_signal(signal.SIGINT)
        self.assertEqual(call.end().code, 0)
        self.assertFalse(os.path.exists(path))

    def children(self, call):
        with open("/proc/%d/task/%d/children" % (call.process.pid, call.process.pid)) as f:
            return f.read().split()

    def test_a_client_that_leaves_ends_its_call(self):
        call = self.serve()
        sample = json.dumps(
            self.ask("tools/call", name="sample", arguments={"prompt": "a", "tokens": 1000000}))
        clients = []
        for _ in range(3):
            to = http.client.HTTPConnection(self.authority, timeout=60)
            to.request("POST", "/mcp", sample.encode(), self.headers_of())
            clients.append(to)
        wait_for(lambda: len(self.children(call)) == 3, "three calls")
        clients[0].close()
        wait_for(lambda: len(self.children(call)) == 2, "the end of one")
        self.assertEqual(self.post(self.ask("ping"))[0], 200)
        self.assertEqual(len(self.children(call)), 2)
        for to in clients:
            to.close()
        wait_for(lambda: not self.children(call), "the end of all")
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 0)

    def test_more_calls_than_there_may_be_are_told_to_come_again(self):
        call = self.serve()
        ask = json.dumps(
            self.ask("tools/call", name="sample", arguments={"prompt": "a", "tokens": 1000000}))
        clients = []
        for _ in range(16):
            to = http.client.HTTPConnection(self.authority, timeout=60)
            to.request("POST", "/mcp", ask.encode(), self.headers_of())
            clients.append(to)
        wait_for(lambda: len(self.children(call)) == 16, "sixteen calls")
        status, reply = self.post(json.loads(ask))
        self.assertEqual((status, self.headers["Retry-After"]), (503, "1"))
        self.assertIn("16 calls under way", reply["result"]["content"][0]["text"])
        self.assertEqual(self.post(self.ask("ping"))[0], 200)
        for to in clients:
            to.close()
        wait_for(lambda: not self.children(call), "the end of all")
        self.assertEqual(
            self.post(self.ask("tools/call", name="ledger_verify", arguments={}))[0], 200)
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 0)

    def test_a_persons_token_is_in_no_file_where_programs_are_kept_from_the_secret(self):
        self.write("kept", "0123456789abcdef" * 4 + "\n")
        os.chmod(self.path("kept"), 0o600)
        secret = "experiment.secret=" + os.path.realpath(self.path("kept"))
        self.succeed("train", "run.yaml", "--out", "apart", "--workers", 1, "--set",
                     "train.steps=20", "--set", secret)
        for run, role, told in (("apart", "approve", False), ("apart", "propose", True),
                                ("run", "approve", True)):
            call = self.serve(role, run)
            self.assertEqual(self.post(self.ask("ping"))[0], 200)
            self.assertEqual(os.path.exists(self.path(run, "mcp-%s.token" % role)), told, role)
            call.process.send_signal(signal.SIGINT)
            self.assertEqual(call.end().code, 0)

    def test_a_flood_is_told_to_wait_and_a_thousand_bad_requests_leave_the_server_whole(self):
        call = self.serve()
        statuses = []

        def flood():
            for i in range(100):
                try:
                    statuses.append(self.post(self.ask("ping"), **changes[i % 4])[0])
                except OSError:
                    statuses.append(0)  # more connections than there may be

        changes = [{}, {"Authorization": "Bearer x"}, {"Origin": "null"}, {"path": "/x"}]
        threads = [threading.Thread(target=flood) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(statuses), 1000)
        self.assertLessEqual(set(statuses), {0, 200, 401, 403, 404, 429, 503})
        wait_for(lambda: self.post(self.ask("ping"))[0] == 200, "room for a request")
        for text in (b"", b"x", b"POST /mcp HTTP/1.1\r\n", b"\0" * 100000,
                     b"POST /mcp HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"):
            with socket.create_connection(self.authority.split(":")) as raw:
                try:
                    raw.sendall(text)
                except OSError:
                    pass
        wait_for(lambda: self.post(self.ask("ping"))[0] == 200, "room for a request")
        call.process.send_signal(signal.SIGTERM)
        self.assertEqual(call.end().code, 0)


if __name__ == "__main__":
    trireme.main()
