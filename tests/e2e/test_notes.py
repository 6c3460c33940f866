"""What a run has learned is told to the runs after it, by a file of notes."""
import hashlib
import json
import os
import sqlite3
import stat

import experiments
import trireme
from experiments import Experiments
from mcp_client import Client, Refused
from trireme import wait_for

# Writes down what it is told, and proposes nothing.
READS = """import json, sys
for line in sys.stdin:
    sys.stderr.write(line)
    sys.stderr.flush()
    print('{"proposals": []}', flush=True)
"""
RATE = "optimizer.lr=0.003"


class Notes(Experiments):
    """`first`, in which a higher rate was adopted; other runs come after it."""
    def make(self):
        super().make()
        for seed, name in ((1, "a"), (2, "b")):  # other validation text
            self.write_data(name + "2", seed + 10, 300000, "--val", 0.3)
        self.write_config("low.yaml",
                          base=experiments.CONFIG,
                          gate={"claims": "none"},
                          train={"steps": 400})
        line = ["train", "low.yaml", "--out", "first", "--workers", 2, "--servers", 1]
        self.assertEqual(self.run_it(*line, "--max-seconds", 0.01).code, 85)
        self.succeed("propose", "first", "--set", RATE, "--why", "the rate is low", "--wait", 0)
        self.succeed(*line)

    def configure(self, other, **experiment):
        """A configuration that is judged by other text, or by the same as the first run."""
        end = "2" if other else ""
        data = {
            "sources": [{"name": "a", "path": "a" + end, "weight": 0.6},
                        {"name": "b", "path": "b" + end, "weight": 0.4}]
        }
        self.write_config(base=experiments.CONFIG, data=data, experiment=experiment)

    def begun(self, run="second"):
        """A run of two steps; what a planner would be told of earlier ones."""
        self.assertEqual(self.train(run, "--max-seconds", 0.01).end().code, 85)
        return json.loads(self.succeed("briefing", run, "--json").out)["known"]

    def claim(self):
        """Makes the note one of a claim, as the coordinator writes it."""
        with sqlite3.connect(self.path("notes.sqlite")) as file:
            [(text, )] = file.execute("SELECT note FROM note")
            note = dict(json.loads(text),
                        kind="claim",
                        outcome="claimed",
                        gain=0.25,
                        half_width=0.0625)
            file.execute("UPDATE note SET note = ?", [json.dumps(note)])
        file.close()

    def client(self, run, role):
        made = Client([trireme.PROGRAM, "mcp", run, "--role", role], self.folder)
        self.addCleanup(made.close)
        return made

    def notes(self, where="first"):
        return json.loads(self.succeed("notes", "ls", where, "--json").out).get("notes", [])

    def test_a_run_notes_what_it_adopted_with_the_records_that_show_it(self):
        [note] = self.notes()
        self.assertEqual((note["kind"], note["outcome"]), ("adoption", "adopted"))
        self.assertNotIn("gain", note)
        self.assertEqual(note["recipe"],
                         [{"path": "optimizer.lr", "before": "0.0003", "after": "0.003"}])
        self.assertEqual((note["run_name"], note["by"]), ("first", "coordinator"))
        self.assertEqual(note["text"], "the rate is low")
        self.assertEqual(note["of"]["tokens"], 400 * experiments.STEP_TOKENS)
        lines = self.read("first/ledger.jsonl").splitlines(keepends=True)
        kinds = [json.loads(lines[e["seq"] - 1])["kind"] for e in note["evidence"]]
        self.assertEqual(kinds, ["verdict", "promotion"])
        for evidence in note["evidence"]:
            self.assertEqual(evidence["sha256"],
                             hashlib.sha256(lines[evidence["seq"] - 1]).hexdigest())
        stretch = self.ledger("first", "stretch")[0]["stretch"]
        self.assertEqual(note["tokens"], stretch["trained"])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("notes.sqlite")).st_mode), 0o600)
        self.assertIn("1 notes were looked at: all hold",
                      self.succeed("notes", "lint", "first").out)

    def test_a_launch_notes_what_one_before_could_not_and_nothing_twice(self):
        before = self.notes()
        again = ["train", "low.yaml", "--out", "first", "--workers", 2, "--servers", 1]
        self.succeed(*again)
        self.assertEqual(self.notes(), before)
        os.remove(self.path("notes.sqlite"))
        self.succeed(*again)
        self.assertEqual(self.notes(), before)

    def test_the_next_run_is_told_what_the_first_adopted(self):
        self.configure(other=True)
        [known] = self.begun()
        [note] = self.notes()
        self.assertEqual(known["recipe"], note["recipe"])
        self.assertNotIn("gain", known)
        self.assertEqual(known["outcome"], "adopted (screening)")
        self.assertEqual((known["parameters"], known["tokens"]),
                         (note["of"]["parameters"], note["tokens"]))
        text = self.succeed("briefing", "second", "--for", "llm").out
        self.assertIn('"optimizer.lr" "0.0003" -> "0.003": adopted (screening)', text)
        line = self.succeed("briefing", "second", "--json").out
        for place in (self.folder, self.tmp, "first", "notes.sqlite"):
            self.assertNotIn(place, line)
            self.assertNotIn(place, text)
        self.claim()
        text = self.succeed("briefing", "second", "--for", "llm").out
        self.assertIn('"0.0003" -> "0.003": claimed, gain 0.25 +- 0.0625 (', text)

    def test_one_that_is_judged_by_the_same_text_is_told_the_change_alone(self):
        self.configure(other=False)
        alone = [{"recipe": self.notes()[0]["recipe"]}]
        self.assertEqual(self.begun(), alone)
        self.claim()
        line = self.succeed("briefing", "second", "--json").out
        self.assertEqual(json.loads(line)["known"], alone)
        self.assertNotIn("0.0625", line)

    def test_a_planner_reads_what_the_command_prints(self):
        self.configure(other=True, planner="script", command=[self.write_program("reads", READS)])
        call = self.train("second")
        log = self.path("second/planner.log")
        wait_for(lambda: os.path.exists(log) and b"\n" in self.read("second/planner.log"),
                 "the first briefing", 120)
        self.stop(call)
        told = json.loads(self.read("second/planner.log").splitlines()[0])["known"]
        shown = json.loads(self.succeed("briefing", "second", "--json").out)["known"]
        self.assertEqual(told, shown)
        self.assertEqual(len(told), 1)

    def test_a_planners_program_may_not_lie_beside_the_notes(self):
        self.configure(other=True,
                       planner="script",
                       command=[self.write_program("reads", READS)],
                       notes=self.path("programs/notes.sqlite"))
        self.refuse(2, ["programs/notes.sqlite", "no planner may read"], "train", "run.yaml",
                    "--out", "second", "--workers", 2, "--servers", 1)

    def test_a_run_without_notes_is_told_nothing(self):
        self.configure(other=True, notes="")
        self.assertEqual(self.begun(), [])
        self.refuse(2, ["second", "experiment.notes", "no notes"], "notes", "ls", "second")

    def test_a_proposal_that_was_settled_before_is_told_so_and_taken(self):
        self.configure(other=False, planner="client", hold=300)  # it rests, or is beyond the scale
        self.begun()
        self.claim()
        call = self.train("second")
        wait_for(lambda: self.steps_done("second") > 2, "a step", 120)
        price = json.loads(self.succeed("price", "second", "--set", RATE, "--json").out)
        answer = self.propose("second", RATE)
        self.assertTrue(answer["accepted"], answer)
        self.assertIn("run 'first' has settled the same change at the same scale", answer["text"])
        self.assertIn("claimed, as note 1 tells", answer["text"])
        self.assertEqual(price["settled"], answer["text"].split("; ")[-1])
        self.assertTrue(price["text"].endswith("; " + price["settled"]), price)
        self.assertTrue(price["accepted"])
        other = self.propose("second", "optimizer.lr=0.0025")
        self.assertNotIn("settled", other["text"])
        self.stop(call)

    def test_planners_are_told_by_the_price_that_it_was_settled_and_how_only_by_other_text(self):
        for other in (False, True):
            run = "second%d" % other
            self.configure(other=other)
            self.begun(run)
            if not other:
                self.claim()
            told = self.client(run, "read").get("price", set=[RATE])
            self.assertIn("run 'first' has settled the same change", told["settled"])
            self.assertEqual("claimed" in json.dumps(told), other)
            self.assertNotIn("settled", self.client(run, "read").get("price", set=[RATE + "5"]))

    def test_clients_read_and_search_what_planners_may_know_and_persons_all(self):
        self.configure(other=False)
        self.begun()
        self.claim()
        self.succeed("notes", "add", "first", "it gained 0.25", "--evidence", "3")
        planner, person = self.client("second", "read"), self.client("second", "approve")
        alone = {key: self.notes()[0][key] for key in ("id", "run", "run_name", "recipe")}
        [note] = planner.get("notes_ls")["notes"]
        self.assertEqual(note, dict(alone, kind="adoption", of={}, gate=[], evidence=[]))
        self.assertEqual(planner.get("notes_search", query="optimizer")["notes"], [note])
        for hidden in ("claimed", "low", "gained", "0.25"):
            self.assertEqual(planner.get("notes_search", query=hidden)["notes"], [], hidden)
        self.assertEqual(person.get("notes_ls")["notes"], self.notes())
        self.assertEqual(len(person.get("notes_search", query="low")["notes"]), 1)
        with self.assertRaises(Refused):
            planner.call("notes_add", text="a thing")
        self.assertTrue(planner.call("notes_ls", **{"as": "person"})["isError"])
        text = self.succeed("notes", "ls", "second", "--as", "planner").out
        self.assertNotIn("(null)", text)
        self.assertNotIn("0.25", text)
        self.configure(other=True)
        self.begun("third")
        [claim] = self.client("third", "read").get("notes_ls")["notes"][:1]
        self.assertEqual((claim["kind"], claim["outcome"]), ("claim", "claimed"))
        self.assertNotIn("gain", claim)  # known tells it, and this has no rounding

    def test_a_client_that_proposes_adds_notes_of_planners_about_its_run_alone(self):
        client = self.client("first", "propose")
        added = client.get("notes_add", text="warm up longer", evidence=["3"])
        note = self.notes()[-1]
        self.assertEqual((added["id"], added["evidence"]), (note["id"], 1))
        self.assertEqual((note["kind"], note["run_name"], note["evidence"][0]["seq"]),
                         ("planner", "first", 3))
        self.assertRegex(note["by"], "^planner ")
        self.assertIn(note, client.get("notes_ls")["notes"])
        for evidence in ("first:3", "/etc:1", "../first:3", "x", "0", "99999"):
            refused = client.call("notes_add", text="a thing", evidence=[evidence])
            self.assertTrue(refused["isError"], evidence)
            self.assertNotIn(self.folder, refused["content"][0]["text"])
        for more in ({"as": "person"}, {"kind": "claim"}, {"outcome": "claimed"}):
            self.assertTrue(client.call("notes_add", text="a thing", **more)["isError"], more)
        for i in range(63):
            client.get("notes_add", text="thing %d" % i)
        full = client.call("notes_add", text="one more")
        self.assertIn("found 64 notes of planners, expected at most 64", full["content"][0]["text"])
        self.succeed("notes", "add", "first", "a person's")

    def test_a_memory_that_cannot_be_read_harms_nothing(self):
        self.write("notes.sqlite", b"this is no database" * 100)
        self.succeed("train", "low.yaml", "--out", "first", "--workers", 2, "--servers", 1)
        self.assertEqual(self.read("first/log.txt").count(b"not noted yet"), 1)
        self.configure(other=True)
        self.assertEqual(self.begun(), [])
        self.refuse(3, ["notes.sqlite", "not a database"], "notes", "ls", "first")

    def test_a_replay_notes_nothing(self):
        os.remove(self.path("notes.sqlite"))
        self.succeed("ledger", "replay", "first", "--out", "replayed")
        self.assert_nothing("notes.sqlite")

    def test_people_and_planners_add_notes_whose_evidence_is_checked(self):
        n = len(self.ledger("first"))
        line = self.succeed("notes", "add", "first", "warm up longer", "--evidence", "first:3",
                            "--json").out
        note = self.notes()[-1]
        self.assertEqual(json.loads(line), {"id": note["id"], "evidence": 1})
        self.assertEqual((note["kind"], note["run_name"]), ("person", "first"))
        self.assertRegex(note["by"], r"^person uid %d pid \d+ unseparated$" % os.geteuid())
        self.succeed("notes", "add", "notes.sqlite", "a general thing", "--as", "planner")
        self.assertEqual((self.notes()[-1]["kind"], self.notes()[-1].get("run")), ("planner", None))
        before = self.notes()
        for evidence, parts in (("first:%d" % (n + 1), ["record %d" % (n + 1),
                                                        "1 to %d" % n]), ("first", ["RUN:SEQ"]),
                                ("first:x", ["RUN:SEQ"]), ("absent:1", ["absent"]), ("first:0",
                                                                                     ["record 0"])):
            self.refuse(2, parts, "notes", "add", "first", "text", "--evidence", evidence)
        self.refuse(2, ["controls a terminal"], "notes", "add", "first", "two\nlines")
        self.refuse(2, ["501 bytes"], "notes", "add", "first", "x" * 501)
        self.refuse(2, ["absent.sqlite", "no such file"], "notes", "ls", "absent.sqlite")
        self.assertEqual(self.notes(), before)
        found = json.loads(self.succeed("notes", "search", "first", "WARM", "--json").out)["notes"]
        self.assertEqual([note["text"] for note in found], ["warm up longer"])
        self.assertIn("no such notes", self.succeed("notes", "search", "first", "absent").out)
        self.assertIn("warm up longer", self.succeed("notes", "ls", "first").out)

    def test_lint_finds_what_does_not_hold_and_fails(self):
        lines = self.read("first/ledger.jsonl").splitlines(keepends=True)
        seq = self.notes()[0]["evidence"][0]["seq"]
        lines[seq - 1] = lines[seq - 1].replace(b'"by":"rule"', b'"by":"nobody"')
        self.write("first/ledger.jsonl", b"".join(lines))
        done = self.run_it("notes", "lint", "first")
        self.assertEqual(done.code, 3, done)
        self.assertIn("note 1: altered: line %d of run first (" % seq, done.out)
        self.assertIn("1 faults in 1 notes", done.err)
        os.makedirs(self.path("elsewhere"))
        os.rename(self.path("first"), self.path("elsewhere/first"))
        self.assertIn("gone", self.run_it("notes", "lint", "notes.sqlite").out)
        self.assertIn("altered",
                      self.run_it("notes", "lint", "notes.sqlite", "--runs", "elsewhere").out)
        self.refuse(2, ["--runs", "found no run in a"], "notes", "lint", "notes.sqlite", "--runs",
                    "a")


if __name__ == "__main__":
    trireme.main()
