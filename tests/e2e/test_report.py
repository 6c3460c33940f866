#!/usr/bin/env python3
"""`trireme report`, `trireme ledger export`: what a campaign has taught, a page and tables."""
import json
import os
import re
import sqlite3
import stat
import unittest
import xml.etree.ElementTree

from experiments import Experiments

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


class Report(Experiments):
    def make(self):
        """A campaign with a change that is adopted, and one that is refused."""
        super().make()
        call = self.begin_with("run", "optimizer.lr=0.005", why="a | rate <too> low", workers=1)
        self.assertEqual(call.end(180).code, 0)

    def ledger_counts(self):
        kinds = [r["kind"] for r in self.ledger("run")]
        return {kind: kinds.count(kind) for kind in set(kinds)}

    def test_a_page_tells_adoptions_from_claims_and_the_looks_at_the_sealed_part(self):
        counts = self.ledger_counts()
        self.assertGreaterEqual(counts.get("promotion", 0), 1)
        claims = sum(r["kind"] == "claim" and r["claim"]["answer"] == "claimed"
                     for r in self.ledger("run"))
        said = json.loads(self.succeed("report", "run", "--out", "page.md", "--json").out)
        self.assertEqual([said["runs"], said["tried"], said["adopted"], said["claimed"]],
                         [1, 1, counts["promotion"], claims])
        page = self.read("page.md").decode()
        self.assertIn("optimizer.lr=0.005", page)
        self.assertIn("adopted (screening)", page)
        self.assertEqual(page.count("a gain of"), claims)
        self.assertIn("a &#124; rate &#60;too&#62; low", page)  # nobody's text breaks the table
        self.assertIn("Nobody has looked", page)
        self.assertIn("](page.svg)", page)
        picture = xml.etree.ElementTree.parse(self.path("page.svg")).getroot()
        texts = [e.text for e in picture.iter() if e.tag.endswith("text")]
        self.assertIn("1: optimizer.lr=0.005", texts)

        # each look costs: the second has a wider interval
        for _ in range(2):
            self.succeed("eval", "run", "--part", "sealed")
        self.succeed("report", "run", "--out", "page.md")
        rows = re.findall(r"^\| run \| (\d) \| .* \| (\+- [0-9.]+) \| ([0-9.]+) \|$",
                          self.read("page.md").decode(), re.M)
        self.assertEqual([(k, level) for k, _, level in rows], [("1", "0.9750"), ("2", "0.9917")])
        self.assertLess(rows[0][1], rows[1][1])
        self.refuse(2, ["nowhere"], "report", "run", "nowhere", "--out", "other.md")
        self.assert_nothing("other.md")

    def test_the_example_questions_are_answered_by_the_exported_ledgers(self):
        os.symlink(self.path("run"), self.path("again"))
        said = json.loads(
            self.succeed("ledger", "export", "run", "again", "--out", "l.sqlite", "--json").out)
        lines = self.ledger("run")
        self.assertEqual([said["runs"], said["records"]], [2, 2 * len(lines)])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("l.sqlite")).st_mode), 0o600)
        db = sqlite3.connect(self.path("l.sqlite"))
        with open(os.path.join(EXAMPLES, "ledger.md")) as f:
            questions = re.findall(r"```sql\n(.*?)```", f.read(), re.S)
        self.assertEqual(len(questions), 3)
        settings, costs, later = [db.execute(q).fetchall() for q in questions]
        db.close()
        pairs = [r for r in lines if r["kind"] == "observation"]
        adopted = [r["step"] for r in lines if r["kind"] == "promotion"]
        self.assertEqual(settings[0][:3], ("optimizer.lr", 2, 2))
        tokens = sum(r["observation"]["tokens"] for r in pairs)
        spent = tokens + sum(r["decision"]["tokens"] for r in lines if r["kind"] == "decision")
        for folder, _, cost, _, in_adopted, in_others in costs:
            self.assertIn(folder, ("run", "again"))
            self.assertEqual([cost, in_adopted, in_others], [spent, tokens, 0])
        reverse = [
            r["observation"]["fork_loss"] - r["observation"]["trunk_loss"] for r in pairs
            if r["step"] > adopted[0]
        ]
        first = pairs[0]["observation"]
        self.assertEqual(len(later), 2)
        self.assertEqual(later[0][1:4], ("0.0003", 1, "optimizer.lr=0.005"))
        self.assertAlmostEqual(later[0][4], first["trunk_loss"] - first["fork_loss"])
        self.assertAlmostEqual(later[0][5], sum(reverse) / len(reverse))
        self.assertEqual(later[0][6], len(reverse))

        before = self.read("l.sqlite")
        self.refuse(2, ["nowhere"], "ledger", "export", "run", "nowhere", "--out", "l.sqlite")
        self.assertEqual(self.read("l.sqlite"), before)
        self.assert_nothing("l.sqlite.new")


if __name__ == "__main__":
    unittest.main()
