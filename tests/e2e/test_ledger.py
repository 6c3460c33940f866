"""The ledger of a run cannot be changed without being found out, and neither a crash nor its
absence does harm."""
import hashlib
import json
import os
import random
import re
import signal

import experiments
import trireme
from experiments import Experiments
from trireme import wait_for


class Chain(Experiments):
    """One campaign that is over, and one that was stopped in its middle."""
    def make(self):
        super().make()
        self.write_config(base=experiments.CONFIG, experiment={"planner": "random"})
        self.trained("whole")
        call = self.train("half")
        self.wait_records(call, "half", 12)
        self.stop(call)

    def lines(self, run):
        return self.read(run + "/ledger.jsonl").splitlines(keepends=True)

    def put(self, run, lines):
        self.write(run + "/ledger.jsonl", b"".join(lines))

    def assert_found_out(self, run, line):
        """verify ends with 3 and names the altered line, or the one after it (its `prev`)."""
        done = self.refuse(3, ["ledger.jsonl"], "ledger", "verify", run)
        found = re.search(r"ledger\.jsonl:(\d+)|line (\d+)", done.err)
        self.assertIsNotNone(found, "no line is named: " + done.err)
        self.assertIn(int(found[1] or found[2]), (line, line + 1), done.err)

    def test_a_ledger_that_nobody_touched_holds_and_its_checkpoints_agree(self):
        for run in ("whole", "half"):
            reply = json.loads(self.succeed("ledger", "verify", run, "--json").out)
            self.assertEqual(reply["records"], len(self.lines(run)))
            self.assertEqual(reply["checkpoints"], len(self.checkpoints(run)))
            newest = self.manifest(run, self.checkpoints(run)[-1])
            self.assertEqual((newest["ledger_records"], newest["ledger_head"]),
                             (reply["records"], reply["head"]))

    def test_any_flipped_bit_is_found_with_its_line(self):
        draw = random.Random(11)
        whole = self.lines("whole")
        places = [(i, draw.randrange(len(whole[i]))) for i in draw.sample(range(len(whole)), 30)]
        places += [(0, 0), (3, len(whole[3]) - 1), (len(whole) - 1, 10),
                   (len(whole) - 1, len(whole[-1]) - 2)]
        for i, at in places:
            lines, old = list(whole), whole[i][at]
            new = draw.choice([old ^ 1 << bit for bit in range(7) if 32 <= old ^ 1 << bit < 127])
            lines[i] = lines[i][:at] + bytes([new]) + lines[i][at + 1:]
            self.put("whole", lines)
            with self.subTest(line=i + 1, byte=at, now=lines[i][max(at - 20, 0):at + 20]):
                self.assert_found_out("whole", i + 1)

    def test_a_removed_added_or_swapped_line_is_found(self):
        whole = self.lines("whole")
        for i in (0, 5, len(whole) - 2):
            self.put("whole", whole[:i] + whole[i + 1:])
            self.assert_found_out("whole", i + 1)
        self.put("whole", whole[:6] + [whole[5]] + whole[6:])
        self.assert_found_out("whole", 7)
        self.put("whole", whole[:5] + [whole[6], whole[5]] + whole[7:])
        self.assert_found_out("whole", 6)

    def test_a_ledger_that_was_cut_is_found_by_its_checkpoints(self):
        whole = self.lines("whole")
        for lines in (whole[:-1], whole[:3], []):
            self.put("whole", lines)
            self.refuse(3, ["ledger.jsonl: found %d records, expected at least" % len(lines)],
                        "ledger", "verify", "whole")
        self.put("whole", whole[:8] + [whole[8][:40]])  # in the middle of a line
        self.refuse(3, ["ledger.jsonl", "found 8 records, expected at least"], "ledger", "verify",
                    "whole")
        os.unlink(self.path("whole/ledger.jsonl"))
        self.refuse(3, ["ledger.jsonl: found 0 records"], "ledger", "verify", "whole")

    def test_a_ledger_that_was_written_anew_is_found_by_its_checkpoints(self):
        """A chain that holds in itself, but is not the one that the checkpoints knew."""
        prev, lines = "0" * 64, []
        for line in self.lines("whole"):
            line = line.replace(b"drawn at random", b"drawn with care")
            line = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"%s"' % prev.encode(), line)
            prev = hashlib.sha256(line).hexdigest()
            lines.append(line)
        self.put("whole", lines)
        self.refuse(3, ["ledger.jsonl", "SHA-256", "checkpoint"], "ledger", "verify", "whole")
        self.refuse(3, ["ledger.jsonl", "checkpoint"], "resume", "whole", "--set",
                    "train.steps=%d" % (experiments.STEPS + 1))

    def test_the_chain_is_what_sha256sum_says(self):
        lines = self.lines("whole")
        for before, line in zip(lines, lines[1:]):
            self.assertEqual(json.loads(line)["prev"], hashlib.sha256(before).hexdigest())

    def test_a_torn_last_line_is_cut_off_by_the_next_launch(self):
        torn = b'{"seq":99,"prev":"0000'
        self.put("half", [*self.lines("half"), torn])
        self.succeed("ledger", "verify", "half")
        self.succeed("proposals", "ls", "half")
        self.trained("half")
        self.assertNotIn(torn, self.read("half/ledger.jsonl"))
        self.assert_same_campaign("half", "whole")
        self.succeed("ledger", "verify", "half")

    def test_a_run_whose_ledger_was_altered_does_not_go_on(self):
        half = self.lines("half")
        for lines in (half[:4] + half[5:], [half[0].replace(b"random", b"rundom"),
                                            *half[1:]], half[:-3]):
            self.put("half", lines)
            before = self.tree("half/checkpoints")
            for words in (("resume", "half"), ("train", "run.yaml", "--out", "half")):
                self.refuse(3, ["ledger.jsonl"], *words, "--workers", 1)
            self.assertEqual(self.tree("half/checkpoints"), before)
            self.assertEqual(self.lines("half"), lines)

    def test_an_altered_ledger_is_not_replayed_and_not_read(self):
        lines = self.lines("whole")
        self.put("whole", lines[:4] + lines[5:])
        self.refuse(3, ["ledger.jsonl"], "ledger", "replay", "whole", "--out", "again", "--workers",
                    1)
        self.assert_nothing("again")
        for words in (("proposals", "ls", "whole"), ("trials", "ls", "whole"),
                      ("ledger", "show", "whole"), ("brief", "whole"), ("briefing", "whole")):
            self.refuse(3, ["ledger.jsonl"], *words)

    def test_a_run_goes_on_after_a_crash_between_a_record_and_its_checkpoint(self):
        call = self.train("run")
        self.wait_records(call, "run", 20)
        os.kill(call.rank(0), signal.SIGKILL)
        self.assertEqual(call.end(30).code, 5)
        before = self.read("run/ledger.jsonl")
        self.succeed("ledger", "verify", "run")
        self.trained("run")
        whole = before[:before.rindex(b"\n") + 1]
        self.assertTrue(
            self.read("run/ledger.jsonl").startswith(whole), "lines that stood there were changed")
        self.assert_same_campaign("run", "whole")


class Before(Experiments):
    """Runs of earlier programs."""
    def make_older(self, run):
        """Its rule becomes one of the revision before, in the ledger and for its checkpoints; the
        revision that it had."""
        prev, heads, revision = "0" * 64, {}, None
        lines = self.read(run + "/ledger.jsonl").splitlines(keepends=True)
        for i, line in enumerate(lines):
            found = re.search(rb'"rule":{"revision":(\d+)', line)
            if found:
                revision = int(found[1])
                line = line.replace(found[0], b'"rule":{"revision":%d' % (revision - 1))
            line = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"%s"' % prev.encode(), line)
            prev = heads[i + 1] = hashlib.sha256(line).hexdigest()
            lines[i] = line
        self.write(run + "/ledger.jsonl", b"".join(lines))
        for step in self.checkpoints(run):
            manifest = self.manifest(run, step)
            path = "%s/checkpoints/step-%08d/manifest.json" % (run, step)
            text = self.read(path).decode()
            if manifest.get("ledger_records"):
                text = text.replace(manifest["ledger_head"], heads[manifest["ledger_records"]])
            self.write(path, text)
            done = self.run_it("ledger", "verify", run)  # says what its digest is to be
            digest = re.search(r"found digest (\w+), expected (\w+)", done.err)
            if digest:
                self.write(path, text.replace(digest[1], digest[2]))
        return revision

    def test_a_run_of_an_earlier_revision_of_the_rule_goes_on_by_the_present_one(self):
        self.write_config(base=experiments.CONFIG, experiment={"planner": "random"})
        call = self.train("old")
        self.wait_records(call, "old", 2, "stretch")
        self.stop(call)
        revision = self.make_older("old")
        older = self.ledger("old", "rule")
        self.assertEqual([r["rule"]["revision"] for r in older], [revision - 1])
        self.succeed("ledger", "verify", "old")
        self.assertIn("rule %d for" % (revision - 1), self.succeed("ledger", "show", "old").out)
        done = self.succeed("resume", "old", "--workers", 1)
        self.assertIn("revision %d decides from step" % revision, done.out)
        self.assertEqual([r["rule"]["revision"] for r in self.ledger("old", "rule")],
                         [revision - 1, revision])
        self.assertEqual(self.ledger("old", "correction"), [])
        self.succeed("ledger", "verify", "old")
        self.refuse(2, [
            "old: from line %d on its ledger is of revision %d of the rule, and this version "
            "replays revision %d alone: replay it with the version that trained it" %
            (older[0]["seq"], revision - 1, revision)
        ], "ledger", "replay", "old", "--out", "again", "--workers", 1)

    def test_an_old_run_goes_on_as_before_and_gets_no_ledger(self):
        self.trained("plain")
        call = self.train("old")
        wait_for(lambda: self.steps_done("old") >= 60, "a checkpoint")
        self.stop(call)
        config = re.sub(r"(?m)^(experiment|gate):.*\n(?:[ \t-].*\n)*", "",
                        self.read("old/config.yaml").decode())
        self.assertNotIn("gate", config)
        self.write("old/config.yaml", config)  # as one wrote it before there were experiments
        self.succeed("resume", "old", "--workers", 1)
        self.assert_nothing("old/ledger.jsonl")
        self.assertEqual(self.hash_of("old"), self.hash_of("plain"))
        self.assertEqual(self.losses("old"), self.losses("plain"))


class Parts(Experiments):
    """What the parts of the validation text say."""
    def evaluate(self, *more):
        return json.loads(self.succeed("eval", "run", "--json", *more).out)

    def test_gate_and_sealed_parts_are_weighed_by_the_gates_weights(self):
        self.trained("run", "--set", "train.steps=20", "--set", "gate.weights=[3, 1]")
        dev = self.evaluate()
        results = {}
        for part in ("gate", "sealed"):
            reply = results[part] = self.evaluate("--part", part)
            a, b = (source["val_loss"] for source in reply["sources"])
            self.assertAlmostEqual(reply["val_loss"], (3 * a + b) / 4, 12)
            self.assertNotEqual(a, b)
            self.assertEqual([source["name"] for source in reply["sources"]], ["a", "b"])
        self.assertEqual(
            len({results["gate"]["val_loss"], results["sealed"]["val_loss"], dev["val_loss"]}), 3)
        plain = self.evaluate("--part", "sealed", "--set", "gate.weights=[]")
        self.assertNotEqual(plain["val_loss"], results["sealed"]["val_loss"])
        self.assertEqual(plain["sources"], results["sealed"]["sources"])
        self.assertEqual(dev, self.evaluate("--part", "dev"))
        last = self.metrics("run", "eval")[-1]
        self.assertEqual(dev["val_loss"], last["val_loss"])

    def test_a_part_that_is_none_is_refused(self):
        self.trained("run", "--set", "train.steps=1")
        self.refuse(2, ["part", "secret", "dev, gate, sealed"], "eval", "run", "--part", "secret")
        self.refuse(2, ["gate.weights", "3"], "train", "run.yaml", "--out", "new", "--set",
                    "gate.weights=[1, 2, 3]")
        self.assert_nothing("new")

    def test_a_text_without_a_gate_part_says_that_experiments_are_off_and_trains_all_the_same(self):
        self.write_data("small", 1, 40000)
        done = self.trained("run", "--set", "data.sources.0.path=small", "--set",
                            "experiment.planner=random", "--set", "train.steps=60")
        self.assertRegex(done.out, "note: experiments are off: .*source 'a'")
        self.assert_nothing("run/ledger.jsonl")


if __name__ == "__main__":
    trireme.main()
