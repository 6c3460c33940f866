"""The secret of a run: what only persons may ask for, and what becomes of requests that were
forged, changed or repeated."""
import glob
import json
import os
import pty
import re
import select
import stat
import time

import experiments
import trireme
from experiments import Experiments
from trireme import processes, wait_for

ENDLESS = ["--set", "train.steps=1000000", "--set", "schedule.warmup=500000"]
ME = os.geteuid()
# What proposes once, and then nothing.
ONCE = """import json, sys
for line in sys.stdin:
    tried = json.loads(line).get("tried", [])
    one = {"id": "one", "patch": {"optimizer.lr": 0.0012}, "hypothesis": %s}
    print(json.dumps({"proposals": [] if tried else [one]}), flush=True)
"""
PATCH = {"id": "p", "patch": {"optimizer.beta2": 0.9}, "hypothesis": "x"}


class Secrets(Experiments):
    def begin_endless(self, *more):
        begun = self.steps_done("run") if os.path.exists(self.path("run", "metrics.jsonl")) else 0
        call = self.train("run", *ENDLESS, *more)
        wait_for(lambda: self.steps_done("run") >= begun + 3 or call.process.poll() is not None,
                 "the first steps")
        return call

    def put(self, request, name="forged"):
        return self.request("run", request, name)

    def ask(self, request, name=None):
        """Puts a request without a seal, or with what is in it; the answer."""
        self.asked = getattr(self, "asked", 0) + 1  # a name that was answered is being removed
        path = self.put(request, name or "forged-%d" % self.asked)
        wait_for(lambda: os.path.exists(path), "the answer")
        with open(path) as f:
            answer = json.load(f)
        os.unlink(path)
        return answer

    def refused(self, request, *parts):
        answer = self.ask(request)
        self.assertFalse(answer["accepted"], answer)
        for part in parts:
            self.assertIn(part, answer["text"])

    def capture(self, call, *words):
        """A request that the program makes, as it lies in the inbox before it is answered; what the
        program was told."""
        pid = self.freeze(call)
        asks = self.begin(*words)
        found = wait_for(
            lambda: [
                p for p in glob.glob(self.path("run/inbox/2*.json"))
                if not p.endswith(".answer.json")
            ], "the request")
        with open(found[0]) as f:
            text = f.read()
        self.thaw(pid)
        return text, asks.end()

    def approving(self, *more):
        """A run whose planner's proposal waits."""
        planner = self.write_program("once.py", ONCE % '"the rate is far too low"')
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "script", "command": [planner], "mode": "approve"},
                          train={"steps": 100000})
        call = self.train("run", *more)
        self.wait_records(call, "run", 1, "validation")
        return call

    def by(self, kind="proposal"):
        return [r["by"] for r in self.ledger("run", kind)]

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.path("run", name)).st_mode)


class WithoutASeal(Secrets):
    def test_what_is_for_persons_is_refused_whoever_the_request_says_it_is_and_the_ledger_tells(
            self):
        call = self.approving()
        for order in ("approve", "veto", "takeback", "kill"):
            self.refused({"order": order, "number": 1, "by": "person", "pid": 5}, order,
                         "for persons", "trireme proposals %s RUN 1" % order)
        self.assertEqual(self.states("run"), {1: "waiting"})
        events = [r for r in self.ledger("run", "event") if r["text"].startswith("refused: ")]
        self.assertEqual([r["by"] for r in events], ["planner uid %d pid 5" % ME] * 4)
        self.assertIn("approve 1, as a person", events[0]["text"])
        self.assertEqual(self.ledger("run", "order"), [])
        self.stop(call)

    def test_a_stop_is_refused_and_the_run_goes_on(self):
        call = self.begin_endless()
        launch = int(self.read("run/incarnation"))
        for name in ("1.stop", "1"):
            answer = self.ask({"stop": launch, "by": "person"}, name)
            self.assertFalse(answer["accepted"])
            self.assertIn("stop is for persons", answer["text"])
        done = self.steps_done("run")
        wait_for(lambda: self.steps_done("run") > done + 3, "more steps")
        self.stop(call)

    def test_a_proposal_is_a_planners_and_waits_where_theirs_do_which_a_persons_does_not(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        answer = self.ask({"propose": PATCH, "by": "person", "pid": 77})
        self.assertTrue(answer["accepted"], answer)
        self.assertIn("it waits for approval", answer["text"])
        self.propose("run", "optimizer.lr=0.001")
        self.assertEqual(self.states("run"), {1: "waiting", 2: "queued"})
        forged, own = self.by()
        self.assertEqual(forged, "planner uid %d pid 77" % ME)
        self.assertRegex(own, r"\Aperson uid %d pid \d+ unseparated\Z" % ME)
        self.stop(call)

    def test_ones_own_proposals_may_be_killed_and_others_may_not(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        self.ask({"propose": PATCH, "pid": 77})
        self.propose("run", "optimizer.lr=0.001")
        self.refused({"order": "kill", "number": 2, "pid": 77}, "kill of what another proposed")
        answer = self.ask({"order": "kill", "number": 1, "pid": 78})
        self.assertTrue(answer["accepted"], answer)
        self.refused({"order": "kill", "number": 9}, "found no proposal 9")
        self.assertEqual(self.states("run"), {1: "killed", 2: "queued"})
        self.assertEqual(self.by("order"), ["planner uid %d pid 78" % ME])
        self.stop(call)

    def test_what_is_refused_does_not_fill_the_ledger(self):
        call = self.begin_endless()
        for i in range(40):
            self.put({"order": "veto", "number": 1}, "%02d" % i)
        wait_for(lambda: os.path.exists(self.path("run/inbox/39.answer.json")), "the last answer")
        self.assertEqual(len(self.ledger("run", "event")), 32)
        self.assertEqual(self.read("run/log.txt").count(b"refused: veto 1"), 40)
        self.stop(call)

    def test_who_cannot_read_the_secret_proposes_as_a_planner_and_is_told_so(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        os.rename(self.path("run/secret"), self.path("kept"))
        told = self.propose("run", "optimizer.lr=0.001")
        self.assertIn("as a planner's: run/secret", told["text"])
        self.refuse(2, ["run/secret"], "proposals", "approve", "run", 1)
        self.refuse(2, ["run/secret"], "proposals", "veto", "run", 1)
        self.refuse(2, ["run/secret"], "stop", "run")
        self.succeed("proposals", "kill", "run", 1)
        self.assertEqual({re.sub(r"\d+$", "", by)
                          for by in self.by() + self.by("order")}, {"planner uid %d pid " % ME})
        os.rename(self.path("kept"), self.path("run/secret"))
        self.succeed("stop", "run")
        self.assertEqual(call.end().code, 85)


class WithASeal(Secrets):
    def test_an_approval_is_taken_once_also_by_a_later_launch(self):
        call = self.approving()
        text, told = self.capture(call, "proposals", "approve", "run", 1)
        self.assertEqual(told.code, 0, told)
        self.assertRegex(self.by("order")[0], r"\Aperson uid %d pid \d+ unseparated\Z" % ME)
        self.assertNotEqual(self.states("run"), {1: "waiting"})
        self.refused(text, "taken before")
        events = [r["text"] for r in self.ledger("run", "event")]
        self.assertTrue(any("approve 1, as a person" in t and "taken before" in t for t in events),
                        events)
        self.stop(call)
        call = self.begin("resume", "run")
        self.refused(text, "taken before")
        self.assertEqual(len(self.ledger("run", "order")), 1)
        self.assertEqual(self.mode("nonces"), 0o600)
        self.stop(call)

    def test_a_planner_that_takes_the_name_of_a_persons_proposal_does_not_stand_in_for_it(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        pid = self.freeze(call)
        asks = self.begin("propose", "run", "--set", "optimizer.lr=0.001", "--why", "x")
        found = wait_for(lambda: glob.glob(self.path("run/inbox/2*.json")), "the request")
        with open(found[0]) as f:
            name = json.load(f)["propose"]["id"]
        self.put({"propose": {**PATCH, "id": name}}, "1")  # is taken first
        self.thaw(pid)
        done = asks.end()
        self.assertIn("proposal 2: legal; it is tried as soon", done.out, done)
        self.assertEqual(self.states("run"), {1: "waiting", 2: "queued"})
        self.assertEqual([by.split()[0] for by in self.by()], ["planner", "person"])
        self.stop(call)

    def test_an_order_that_was_refused_is_taken_no_later_either(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        self.ask({"propose": PATCH})
        self.propose("run", "optimizer.lr=0.001")
        text, told = self.capture(call, "proposals", "veto", "run", 2)
        self.assertEqual(told.code, 0, told)
        for key, value in (("number", 1), ("order", "approve"), ("by", "planner"), ("pid", 1)):
            changed = json.loads(text)
            changed[key] = value
            self.refused(changed, "not by this run's secret, or not of this request")
        nonce = json.loads(text)
        nonce["seal"]["nonce"] = "0" * 32
        self.refused(nonce, "not by this run's secret")
        proposal = {"propose": {**PATCH, "id": "q"}, "seal": json.loads(text)["seal"]}
        self.refused(proposal, "not by this run's secret")
        self.assertEqual(self.states("run"), {1: "waiting", 2: "vetoed"})
        self.stop(call)

    def test_a_request_to_another_run_is_refused(self):
        call = self.begin_endless("--set", "experiment.mode=approve")
        self.ask({"propose": PATCH})
        self.assertEqual(self.train("other", "--max-seconds", 0.01).end().code, 85)
        os.unlink(self.path("other/secret"))
        os.link(self.path("run/secret"), self.path("other/secret"))  # as with experiment.secret
        self.assertEqual(self.train("other", "--max-seconds", 0.01).end().code, 85)
        self.succeed("propose", "other", "--set", "optimizer.lr=0.001", "--why", "x", "--wait", 0)
        with open(glob.glob(self.path("other/inbox/*.json"))[0]) as f:
            self.refused(f.read(), "not by this run's secret")
        self.assertEqual(self.states("run"), {1: "waiting"})
        self.stop(call)

    def test_a_persons_proposal_is_not_bound_by_the_stake_and_a_planners_is(self):
        config = ["--set", "gate.stake=0.001"]
        self.assertEqual(self.train("run", *config, "--max-seconds", 0.01).end().code, 85)
        self.put({"propose": {**PATCH, "patch": {"optimizer.lr": 0.003}}}, "1")
        self.succeed("propose", "run", "--set", "optimizer.lr=0.003", "--why", "x", "--wait", 0)
        self.trained("run", *config)
        self.assertEqual(self.states("run")[1], "refused")
        self.assertIn("gate.stake", self.rows("run")[1]["reason"])
        stretches = [r["stretch"] for r in self.ledger("run", "stretch")]
        first = stretches[0]
        self.assertEqual([(arm["number"], arm.get("person")) for arm in first["arms"]], [(2, True)])
        self.assertEqual({s.get("since", 0) for s in stretches}, {0})
        self.assertEqual({r["decision"].get("planners", 0)
                          for r in self.ledger("run", "decision")}, {0})
        self.assertGreater(self.spent("run"), 0)
        self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assert_same_campaign("again", "run")


class Files(Secrets):
    def test_a_run_gets_a_secret_at_its_start_and_one_that_was_begun_before_at_its_next(self):
        call = self.begin_endless()
        made = self.read("run/secret")
        self.assertRegex(made, rb"\A[0-9a-f]{64}\n\Z")
        self.assertEqual(self.mode("secret"), 0o600)
        self.stop(call)
        call = self.begin("resume", "run")
        wait_for(lambda: b"continuing from" in self.read("run/log.txt"), "the next launch")
        self.stop(call)
        self.assertEqual(self.read("run/secret"), made)
        for name in ("secret", "id"):
            os.unlink(self.path("run", name))
        told = self.succeed("propose", "run", "--set", "optimizer.lr=0.001", "--why", "x")
        self.assertIn("train it once", told.out)
        call = self.begin("resume", "run")
        self.wait_records(call, "run", 1, "validation")
        self.assertNotEqual(self.read("run/secret"), made)
        self.propose("run", "optimizer.beta2=0.9")
        self.assertEqual([by.split()[0] for by in self.by()], ["planner", "person"])
        self.stop(call)

    def test_a_secret_that_others_may_read_is_refused_by_the_launch_and_by_who_asks(self):
        self.stop(self.begin_endless())
        os.chmod(self.path("run/secret"), 0o640)
        self.refuse(2, ["run/secret", "found mode 0640, expected 0600"], "resume", "run")
        self.refuse(2, ["run/secret", "found mode 0640"], "propose", "run", "--set",
                    "optimizer.lr=0.001", "--why", "x", "--wait", 0)
        os.chmod(self.path("run/secret"), 0o600)
        self.write("run/secret", "no secret\n")
        self.refuse(2, ["run/secret", "expected 64 hexadecimal digits"], "resume", "run")

    def test_a_secret_elsewhere_separates_and_no_warning_is_needed(self):
        self.write("kept", "0123456789abcdef" * 4 + "\n")
        os.chmod(self.path("kept"), 0o600)
        kept = os.path.realpath(self.path("kept"))
        elsewhere = ["--set", "experiment.secret=" + kept, "--set", "experiment.mode=approve"]
        call = self.begin_endless(*elsewhere)
        self.assert_nothing("run/secret")
        self.propose("run", "optimizer.lr=0.001")
        os.chmod(kept, 0o604)
        self.refuse(2, ["kept", "expected 0600"], "stop", "run")
        os.rename(kept, kept + ".away")
        self.assertIn("as a planner's", self.propose("run", "optimizer.beta2=0.9")["text"])
        os.rename(kept + ".away", kept)
        os.chmod(kept, 0o600)
        self.assertEqual(self.states("run"), {1: "queued", 2: "waiting"})
        self.assertRegex(self.by()[0], r"\Aperson uid %d pid \d+\Z" % ME)
        self.assertNotIn("WARNING", self.stop(call).out)
        self.refuse(2, ["experiment.secret", "expected an absolute path"], "train", "run.yaml",
                    "--out", "new", "--set", "experiment.secret=kept")
        self.assert_nothing("new")
        self.write("run/mine", "0" * 64)
        inside = os.path.realpath(self.path("run")) + "/mine"
        self.refuse(2, ["experiment.secret", "in the run's folder"], "resume", "run", "--set",
                    "experiment.secret=" + inside)

    def test_a_warning_says_so_where_programs_of_the_user_are_not_separated(self):
        done = self.trained("run", "--set", "train.steps=5")
        self.assertNotIn("WARNING", done.out)
        for name, setting in (("first", "mode=approve"), ("second", "planner=random")):
            done = self.trained(name, "--set", "train.steps=5", "--set", "experiment." + setting)
            lines = [line for line in done.out.splitlines() if "WARNING" in line]
            self.assertEqual(len(lines), 1, done)
            self.assertIn("not separated from persons", lines[0])

    def test_what_a_planner_writes_does_not_control_the_terminal(self):
        text = ONCE % '"away\\u202e\\u009b2J"'
        planner = self.write_program("once.py", text.replace("0.0012", '"\\u009b31m\\u200f"'))
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "script", "command": [planner], "mode": "approve"},
                          train={"steps": 100000})
        call = self.train("run")
        self.wait_records(call, "run", 1, "validation")
        done = self.stop(call)
        shown = done.out + done.err + self.read("run/log.txt").decode()
        for words in ("proposals ls run", "proposals show run 1", "proposals diff run 1",
                      "ledger show run", "briefing run"):
            shown += self.succeed(*words.split()).out
        self.assertIn("?31m?", shown)
        self.assertIn("away??2J", shown)
        self.assertEqual(re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200f\u202e]", shown), [])


class Passphrase(Secrets):
    """experiment.secret: ask."""
    def setUp(self):
        super().setUp()
        self.shown = b""
        try:
            os.close(os.dup(pty.openpty()[0]))
        except OSError as error:
            self.skipTest("this machine has no pseudo-terminals: %s" % error)

    def on_terminal(self, answers, *words):
        """Runs a command at a terminal of its own and types the answers, each after a question;
        process number and terminal."""
        environment = dict(os.environ)
        self.token = environment[trireme.TOKEN] = "%d-s%d" % (os.getpid(), time.monotonic_ns())
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(trireme.PROGRAM, [trireme.PROGRAM] + [str(w) for w in words], environment)
        self.shown, asked = b"", 0
        for answer in answers:
            self.read_terminal(terminal, lambda: self.shown.count(b"passphrase of run: ") > asked)
            self.assertGreater(self.shown.count(b"passphrase of run: "), asked, self.shown)
            asked += 1
            os.write(terminal, answer)
        return pid, terminal

    def read_terminal(self, terminal, condition, seconds=60):
        end = time.monotonic() + trireme.bound(seconds)
        while not condition() and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    self.shown += os.read(terminal, 65536)
                except OSError:  # the other end is closed
                    return

    def end(self, pid, terminal):
        """Reads to the end; the code."""
        ended = []

        def gone():
            found = ended or os.waitpid(pid, os.WNOHANG)
            if found[0]:
                ended[:] = found
            return ended

        self.read_terminal(terminal, gone)
        wait_for(gone, "the end")
        self.read_terminal(terminal, lambda: False, 0.5)  # what is left of what it said
        os.close(terminal)
        return os.waitstatus_to_exitcode(ended[1])

    def test_a_passphrase_is_asked_for_at_the_terminal_alone_and_kept_nowhere(self):
        asking = ["--set", "experiment.secret=ask", "--set", "experiment.mode=approve"]
        line = ["train", "run.yaml", "--out", "run", "--workers", 1, "--json", *ENDLESS, *asking]
        self.refuse(2, ["experiment.secret", "no terminal"], *line, before=["setsid", "--wait"])
        self.assert_nothing("run/config.yaml")
        code = self.end(*self.on_terminal([b"open sesame\n", b"open sesami\n"], *line))
        self.assertEqual(code, 2, self.shown)
        self.assertIn(b"two different ones", self.shown)
        pid, terminal = self.on_terminal([b"open sesame\n", b"open sesame\n"], *line)
        wait_for(lambda: os.path.exists(self.path("run/metrics.jsonl")) and self.steps_done("run"),
                 "the first step")
        self.assertNotIn(b"sesame", self.shown)
        for name in ("secret", "secret.once"):
            self.assert_nothing("run/" + name)
        for process in processes(self.token):
            for file in ("cmdline", "environ"):
                with open("/proc/%d/%s" % (process, file), "rb") as f:
                    self.assertNotIn(b"sesame", f.read())
        self.assertTrue(self.ask({"propose": PATCH})["accepted"])
        code = self.end(*self.on_terminal([b"open sesami\n"], "proposals", "approve", "run", 1))
        self.assertEqual(code, 2, self.shown)
        self.assertIn(b"not the passphrase of the run", self.shown)
        code = self.end(*self.on_terminal([b"\x03"], "proposals", "approve", "run", 1))
        self.assertEqual(code, 2, self.shown)
        self.assertEqual(self.states("run"), {1: "waiting"})
        code = self.end(*self.on_terminal([b"open sesame\n"], "proposals", "approve", "run", 1))
        self.assertEqual(code, 0, self.shown)
        self.assertRegex(self.by("order")[0], r"\Aperson uid %d pid \d+\Z" % ME)
        self.assertEqual(self.states("run"), {1: "queued"})
        stops = self.on_terminal([b"open sesame\n"], "stop", "run")
        self.assertEqual(self.end(*stops), 0, self.shown)
        self.assertEqual(self.end(pid, terminal), 85, self.shown)
        for folder, _, names in os.walk(self.path("run")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    self.assertNotIn(b"sesame", f.read(), name)


if __name__ == "__main__":
    trireme.main()
