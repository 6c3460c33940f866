"""What planners and people look at: curves of forks, two arms side by side, a diagnosis, notes."""
import json
import os
import shutil
import statistics
import struct

import experiments
import trireme
from experiments import Experiments
from mcp_client import Client
from trireme import wait_for

# At its first turn four changes and two notes, one of which is none. It writes down what it reads.
STEERS = """import json, sys
for line in sys.stdin:
    sys.stderr.write(line)
    sys.stderr.flush()
    told = json.loads(line)
    patches = [{"optimizer.lr": 0.003}, {"optimizer.beta2": 0.9}, {"data.sources.b.weight": 0.8},
               {"train.batch": 4}]
    answer = {"proposals": [{"id": "p%d" % i, "patch": p} for i, p in enumerate(patches)],
              "notes": ["the rate looks far too low", "two\\nlines"]}
    print(json.dumps({} if told.get("tried") else answer), flush=True)
"""
# Notes at which steps it was asked.
NOTES = """import json, sys
for line in sys.stdin:
    sys.stderr.write(line)
    sys.stderr.flush()
    print(json.dumps({"notes": ["asked at %d" % json.loads(line)["step"]]}), flush=True)
"""
TURN = 20  # the planner's first
GROUPS = {"embed": "embedding", "attn": "attention", "mlp": "feed_forward", "head": "output"}


def rms(values):
    return (sum(v * v for v in values) / len(values))**0.5


def floats(data):
    return struct.unpack("<%df" % (len(data) // 4), data)


class Looks(Experiments):
    def json_of(self, *words):
        return json.loads(self.succeed(*words, "--json").out)

    def forks(self, run):
        """The lines of each fork by its name, in the order of the file."""
        found = {}
        for line in self.metrics(run, "train"):
            if line["trial"] != "trunk" and "tail" not in line["trial"]:
                found.setdefault(line["trial"], []).append(line)
        return found

    def assert_rates(self, found, run):
        """Rates that were foretold are those of the updates that came."""
        came = {line["step"]: line["lr"] for line in self.trunk(run)}
        self.assertEqual(len(found), 5)
        for rate in found:
            self.assertAlmostEqual(rate["lr"], came[rate["step"] + 1], delta=1e-12)


class Campaign(Looks):
    """A campaign that is over, with several forks in one stretch."""
    def make(self):
        super().make()
        planner = {"planner": "script", "command": [self.write_program("planner", STEERS)]}
        self.write_config(base=experiments.CONFIG,
                          train={"steps": 240},
                          experiment={**planner, "hold": 60})
        self.trained("run")

    def test_the_curve_of_a_fork_is_that_of_its_lines(self):
        forks, trunk = self.forks("run"), self.trunk("run")
        self.assertLessEqual({"h1.0", "h2.0", "h3.0", "h4.0"}, set(forks))
        for name, lines in forks.items():
            points = self.json_of("curve", "run", "--trial", name, "--every", 1)["points"]
            self.assertEqual([(p["step"], p["loss"], p["grad_norm"], p["lr"]) for p in points],
                             [(m["step"], m["loss"], m["grad_norm"], m["lr"]) for m in lines])
            before = sum(m["tokens"] for m in trunk if m["step"] < lines[0]["step"])
            self.assertEqual(
                [p["tokens"] for p in points],
                [before + sum(m["tokens"] for m in lines[:i + 1]) for i in range(len(lines))])
            self.assertFalse(any("val_loss" in p or p["sources"] for p in points))
        lines = forks["h1.0"]
        first, last = lines[2]["step"], lines[-1]["step"]
        some = self.json_of("curve", "run", "--trial", "h1.0", "--from", first, "--every",
                            4)["points"]
        self.assertEqual([p["step"] for p in some], [s for s in range(first + 3, last, 4)] + [last])
        self.assertAlmostEqual(some[0]["loss"],
                               statistics.mean(line["loss"] for line in lines[2:6]))

    def test_what_is_no_line_of_training_and_every_tail_is_refused_with_names_that_are_there(self):
        tails = {m["trial"] for m in self.metrics("run", "train") if "tail" in m["trial"]}
        self.assertTrue(any(name.startswith("trunk-tail") for name in tails))
        for name in ["h9.9", "h1", "", *sorted(tails)[:2], sorted(tails)[-1]]:
            for command in ("curve", "diagnose"):
                done = self.refuse(2, ["no line of training '%s'" % name, "trunk"], command, "run",
                                   "--trial", name)
                self.assertFalse("tail" in done.err.replace(name, "") or done.err.count(",") > 8)

    def test_a_curve_by_nothing_has_the_same_points_without_sources(self):
        whole = self.json_of("curve", "run")["points"]
        total = self.json_of("curve", "run", "--by", "total")["points"]
        self.assertTrue(all(len(point["sources"]) == 2 for point in whole))
        for point in whole:
            point["sources"] = []
        self.assertEqual(whole, total)

    def test_two_arms_are_compared_at_the_steps_that_both_have(self):
        forks = self.forks("run")
        rows = {name: {m["step"]: m for m in lines} for name, lines in forks.items()}
        rows["trunk"] = {m["step"]: m for m in self.trunk("run")}
        for first, second in ((1, 0), (0, 1), (2, 1), (1, 3)):
            reply = self.json_of("compare", "run", first, second, "--last", 5)
            a, b = rows[reply["first"]], rows[reply["second"]]
            steps = sorted(set(a) & set(b))
            leads = [b[step]["loss"] - a[step]["loss"] for step in steps]
            self.assertEqual((reply["from"], reply["to"], reply["steps"], reply["last_steps"]),
                             (steps[0], steps[-1], len(steps), 5))
            for key, values in (("lead", leads), ("last_lead", leads[-5:])):
                self.assertAlmostEqual(reply[key], statistics.mean(values), 12)
                self.assertAlmostEqual(reply[key + "_error"],
                                       statistics.stdev(values) / len(values)**0.5, 12)
            self.assertTrue(reply["worth"].startswith("a hint, no evidence"))
            self.assertEqual("data.sources.1.weight" in reply["worth"], 3 in (first, second))

    def test_arms_that_have_no_step_in_common_are_refused(self):
        self.refuse(2, ["found 1 twice"], "compare", "run", 1, 1)
        self.refuse(2, ["found no proposal 9, there are 4"], "compare", "run", 9, 0)
        self.refuse(2, ["fewer than 2 steps that both have", "different sizes", "proposal 4 has"],
                    "compare", "run", 4, 0)

    def test_a_diagnosis_of_a_fork_has_its_last_steps_and_says_what_is_missing(self):
        lines = self.forks("run")["h4.0"][-100:]
        reply = self.json_of("diagnose", "run", "--trial", "h4.0")
        self.assertEqual((reply["step"], reply["lr"], reply["recent"]["steps"]),
                         (lines[-1]["step"], lines[-1]["lr"], len(lines)))
        self.assertEqual([line["tokens"] for line in lines], [4 * 32] * len(lines))
        self.assertEqual(reply["groups"], [])
        self.assertNotIn("alone", reply)
        self.assertTrue(any("of forks there is no checkpoint" in m for m in reply["missing"]))

    def test_tools_say_the_same_bytes_as_the_commands(self):
        client = Client([trireme.PROGRAM, "mcp", "run", "--role", "read"], self.folder)
        self.addCleanup(client.close)
        for name, words, arguments in (("curve", ["--trial", "h1.0"], {"trial": "h1.0"}),
                                       ("compare", [1, 0], {"first": 1, "second": 0}),
                                       ("diagnose", [], {}), ("ledger notes", [], {})):
            text = self.succeed(*name.split(), "run", *words, "--json").out.rstrip("\n")
            result = client.call(name.replace(" ", "_"), **arguments)
            self.assertFalse(result["isError"], result)
            self.assertEqual(result["content"][0]["text"], text)
            self.assertEqual(result["structuredContent"], json.loads(text))
        refused = client.call("curve", trial="h9.9")
        self.assertTrue(refused["isError"])
        self.assertNotIn(self.folder, refused["content"][0]["text"])

    def test_what_the_planner_notes_is_in_the_briefing_and_a_replay_has_it_too(self):
        notes = self.json_of("ledger", "notes", "run")["notes"]
        self.assertEqual([(n["number"], n["step"], n["text"]) for n in notes],
                         [(1, TURN, "the rate looks far too low")])
        self.assertRegex(notes[0]["by"], r"\Aplanner script uid \d+ pid \d+\Z")
        self.assertIn("expected one line of UTF-8", self.read("run/log.txt").decode())
        self.assertEqual(
            self.json_of("briefing", "run")["notes"],
            [{k: notes[0][k]
              for k in ("number", "step", "text")}])
        self.succeed("ledger", "replay", "run", "--out", "again")
        self.assertEqual(self.hash_of("again"), self.hash_of("run"))
        again = self.json_of("ledger", "notes", "again")["notes"]
        self.assertEqual(again[0]["text"], notes[0]["text"])


class Diagnosis(Looks):
    """Runs without experiments."""
    def groups(self, run, step, update):
        """(kind, layer) -> (parameters, RMS of weights, of updates, share of second moments that
        are 0), from the shard. update: of an element's weight, moments, and decay."""
        _, body = trireme.safetensors(self.read(self.shard(run, step)))
        rows = {}
        for key in body:
            kind, name = key.split("/")
            if kind != "weight":
                continue
            words = name.split(".")
            layer = int(words[1]) if words[0] == "layers" else None
            group = GROUPS.get(words[2 if words[0] == "layers" else 0], "norms")
            w = floats(body[key])
            m1 = floats(body["moment1/" + name])
            m2 = floats(body["moment2/" + name]) if "moment2/" + name in body else None
            matrix = "norm" not in name and not name.endswith("bias")
            row = rows.setdefault((group, layer), ([], [], []))
            row[0].extend(w)
            row[1].extend(update(w[i], m1[i], m2[i] if m2 else 0, matrix) for i in range(len(w)))
            row[2].extend(m2 or [])
        return {
            key: (len(w), rms(w), rms(u), sum(v == 0 for v in m2) / len(m2) if m2 else None)
            for key, (w, u, m2) in rows.items()
        }

    def assert_groups(self, reply, expected):
        found = {(g["kind"], g.get("layer")): g for g in reply["groups"]}
        self.assertEqual(set(found), set(expected))
        for key, (n, weights, updates, zeros) in expected.items():
            group = found[key]
            self.assertEqual(group["parameters"], n)
            self.assertAlmostEqual(group["weight_rms"] / weights, 1, 5)
            self.assertAlmostEqual(group["update_rms"] / updates, 1, 4)
            self.assertAlmostEqual(group["ratio"], group["update_rms"] / group["weight_rms"], 12)
            self.assertEqual(group.get("zero_moments"), zeros)

    def test_weights_updates_rates_and_steps_are_those_of_the_files(self):
        self.write_config(base=experiments.CONFIG,
                          model={"tied": False},
                          train={"steps": 260},
                          optimizer={"lr": 3e-3, "clip": 1.5})
        call = self.train("run")
        wait_for(lambda: self.steps_done("run") >= 120 or call.process.poll() is not None, "steps")
        self.stop(call)
        step, lines = self.last_step("run"), self.trunk("run")[-100:]
        o = {"lr": lines[-1]["lr"], "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "weight_decay": 0.1}
        o.update({
            key: value
            for key, value in self.manifest("run", step)["config"]["optimizer"].items()
            if key in o and key != "lr"
        })

        def update(w, m, v, matrix):
            decay = o["lr"] * o["weight_decay"] * w if matrix else 0
            root = (v / (1 - o["beta2"]**step))**0.5
            return -decay - o["lr"] / (1 - o["beta1"]**step) * m / (root + o["eps"])

        reply = self.json_of("diagnose", "run")
        self.assertEqual((reply["checkpoint"], reply["optimizer"], reply["step"]),
                         (step, "adamw", step))
        self.assertEqual(reply["tokens"], step * experiments.STEP_TOKENS)
        groups = self.groups("run", step, update)
        self.assertGreater(groups[("embedding", None)][3], 0.5)  # most bytes are in no text
        self.assert_groups(reply, groups)
        recent, norms = reply["recent"], [line["grad_norm"] for line in lines]
        self.assertAlmostEqual(recent["grad_norm"] / statistics.median(norms), 1, 2)
        self.assertAlmostEqual(recent["clipped"],
                               sum(n + 1e-6 > 1.5 for n in norms) / 100,
                               delta=0.0006)
        self.assertEqual((reply["clip"], reply["lr"], recent["steps"]), (1.5, lines[-1]["lr"], 100))
        speed = experiments.STEP_TOKENS / statistics.median(line["seconds"] for line in lines)
        self.assertAlmostEqual(reply["alone"] / speed, 1, 3)
        self.assertNotIn("beside", reply)
        self.assertEqual(reply["missing"], [])
        self.trained("run")
        self.assert_rates(reply["rates"], "run")
        self.assertEqual([reply["rates"][i]["step"] for i in (0, 4)], [step, 259])
        over = self.json_of("diagnose", "run")
        self.assertEqual(over["missing"], ["rates to come: the run is over"])
        self.assertEqual(over["checkpoint"], 260)

    def test_the_state_of_sgd_is_its_buffer(self):
        self.write_config(base=experiments.CONFIG,
                          train={"steps": 60},
                          optimizer={"name": "sgd", "momentum": 0.9, "lr": 0.01})
        self.trained("run")
        lr = self.trunk("run")[-1]["lr"]
        reply = self.json_of("diagnose", "run")
        self.assertEqual(reply["optimizer"], "sgd")
        self.assert_groups(reply, self.groups("run", 60, lambda w, m, v, matrix: -lr * m))

    def test_what_is_not_there_is_said_and_a_damaged_checkpoint_is_passed_over(self):
        self.write_config(base=experiments.CONFIG, train={"steps": 60})
        self.trained("run")
        self.change(self.shard("run", 60), -5, b"\x55")
        reply = self.json_of("diagnose", "run")
        self.assertEqual(reply["checkpoint"], 50)
        self.assertTrue(any("the checkpoint of step 60: " in m for m in reply["missing"]), reply)
        shutil.rmtree(self.path("run/checkpoints"))
        self.cut("run/metrics.jsonl", 0)
        reply = self.json_of("diagnose", "run")
        self.assertEqual(reply["step"], 0)
        self.assertEqual(reply["missing"], [
            "the last steps: none is done yet",
            "weights and the optimizer's state: there is no checkpoint yet"
        ])
        self.assertEqual(self.json_of("curve", "run"), {"points": []})


ENDLESS = ["--set", "train.steps=1000000", "--set", "schedule.warmup=500000"]


class Notes(Looks):
    def begin_endless(self):
        call = self.train("run", *ENDLESS)
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        return call

    def texts(self):
        return [note["text"] for note in self.json_of("ledger", "notes", "run")["notes"]]

    def test_notes_of_people_and_planners_stay_over_launches_and_twice_the_same_is_one(self):
        call = self.begin_endless()
        answer = self.json_of("note", "run", "b is noise: ln 256 from the start")
        self.assertTrue(answer["accepted"])
        self.succeed("note", "run", "größer \"batch\"", "--as", "planner")
        self.succeed("note", "run", "größer \"batch\"", "--as", "planner")
        notes = self.json_of("ledger", "notes", "run")["notes"]
        self.assertEqual([n["text"] for n in notes],
                         ["b is noise: ln 256 from the start", "größer \"batch\""])
        self.assertEqual([n["by"].split()[0] for n in notes], ["person", "planner"])
        self.assertEqual([r["note"] for r in self.ledger("run", "note")], self.texts())
        # The launch is killed, so the ledger has notes that no checkpoint knows.
        before = self.ledger("run")
        call.kill()
        call.process.wait()
        steps = self.steps_done("run")
        call = self.train("run", *ENDLESS)
        wait_for(lambda: self.steps_done("run") > steps or call.process.poll() is not None,
                 "steps that the launch before had not done")
        self.assertEqual(self.ledger("run"), before)
        self.assertTrue(self.json_of("note", "run", "a third one")["accepted"])
        text = self.succeed("briefing", "run", "--for", "llm").out
        self.stop(call)
        self.assertIn('NOTES    1 (step %d): "b is noise' % notes[0]["step"], text)
        self.assertIn('2 (step %d): "größer \\"batch\\""' % notes[1]["step"], text)
        self.assertEqual(len(self.texts()), 3)
        self.succeed("ledger", "verify", "run")
        shown = self.succeed("ledger", "show", "run").out
        self.assertIn("b is noise: ln 256 from the start", shown)
        self.assertIn("größer", self.succeed("ledger", "notes", "run").out)

    def told(self):
        """The briefings, as the planner has written them to its stderr."""
        try:
            with open(self.path("run/planner.log")) as f:
                return [json.loads(line) for line in f if line[0] == "{" and line[-1] == "\n"]
        except FileNotFoundError:
            return []

    def test_what_a_planner_notes_it_is_told_at_its_next_turn_and_in_the_next_launch(self):
        self.write_config(base=experiments.CONFIG,
                          train={"steps": 20000},
                          experiment={
                              "planner": "script", "hold": 60,
                              "command": [self.write_program("planner", NOTES)]
                          })
        for turns in (2, 4):
            call = self.train("run")
            wait_for(lambda: len(self.told()) >= turns or call.process.poll() is not None, "turns")
            self.stop(call)
        steps, texts = [t["step"] for t in self.told()], self.texts()
        self.assertEqual(steps, sorted(set(steps)))
        self.assertEqual(texts, ["asked at %d" % step for step in steps][:len(texts)])
        self.assertGreaterEqual(len(texts), len(steps) - 1)
        for i, told in enumerate(self.told()):
            self.assertEqual([note["text"] for note in told["notes"]], texts[max(0, i - 8):i])

    def test_a_note_that_is_none_is_refused_by_the_command_and_by_the_coordinator(self):
        call = self.begin_endless()
        for text in ("", "x" * 501, "two\nlines", "\x1b[2J"):
            self.refuse(2, ["a note: found"], "note", "run", text)
        for i, text in enumerate(("x" * 501, "two\nlines", "\u202eround")):
            path = self.request("run", {"note": text}, "n%d" % i)
            wait_for(lambda: os.path.exists(path) or call.process.poll() is not None, "the answer")
            with open(path) as f:
                answer = json.load(f)
            self.assertFalse(answer["accepted"])
            self.assertIn("a note: found", answer["text"])
        self.stop(call)
        self.assertEqual(self.ledger("run"), [])

    def test_planners_leave_64_notes_at_most_and_persons_more(self):
        call = self.begin_endless()
        paths = [
            self.request("run", {"note": "number %d" % i}, "request-%03d" % i) for i in range(66)
        ]
        wait_for(lambda: all(map(os.path.exists, paths)) or call.process.poll() is not None,
                 "the answers")
        answers = [json.loads(self.read(path)) for path in paths]
        self.assertEqual([a["accepted"] for a in answers], [True] * 64 + [False] * 2)
        self.assertIn("found 64 notes of planners, expected at most 64", answers[-1]["text"])
        self.refuse(2, ["found 64 notes"], "note", "run", "no", "--as", "planner")
        self.succeed("note", "run", "yes")
        self.stop(call)
        self.assertEqual(self.texts()[-2:], ["number 63", "yes"])

    def test_a_note_to_a_run_that_nobody_trains_waits_as_a_proposal_does(self):
        self.begin_endless_and_stop()
        answer = self.json_of("note", "run", "look at b")
        self.assertNotIn("accepted", answer)
        self.assertIn("nobody trains this run now: it waits", answer["text"])
        call = self.train("run", *ENDLESS)
        wait_for(lambda: self.ledger("run", "note") or call.process.poll() is not None, "the note")
        self.stop(call)
        self.assertEqual(self.texts(), ["look at b"])

    def begin_endless_and_stop(self):
        self.stop(self.begin_endless())

    def test_a_tool_leaves_notes_as_a_planner_and_only_where_it_may_propose(self):
        call = self.begin_endless()
        looks, proposes = (Client([trireme.PROGRAM, "mcp", "run", "--role", role], self.folder)
                           for role in ("read", "propose"))
        self.addCleanup(looks.close)
        self.addCleanup(proposes.close)
        names = {tool["name"] for tool in looks.request("tools/list")["tools"]}
        self.assertTrue({"compare", "curve", "diagnose", "ledger_notes"} <= names)
        self.assertNotIn("note", names)
        self.assertTrue(proposes.get("note", text="from a tool")["accepted"])
        notes = looks.get("ledger_notes")["notes"]
        self.stop(call)
        self.assertEqual(notes[0]["text"], "from a tool")
        self.assertTrue(notes[0]["by"].startswith("planner uid"))


if __name__ == "__main__":
    trireme.main()
