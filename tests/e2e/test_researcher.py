"""What the researcher of examples/ makes of what earlier runs have learned; nothing is trained."""
import contextlib
import importlib.util
import io
import os
import unittest

import trireme

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                    "examples", "researcher.py")
RATE, BATCH, WEIGHT = "optimizer.lr", "train.batch", "data.sources.1.weight"


def note(*values, **more):
    """A note of what is known: path, value before, value after."""
    return dict(more, recipe=[dict(zip(("path", "before", "after"), v)) for v in values])


def briefing(*known, dev=1, tried=()):
    """Of a run whose rate is far too low; dev: points of the curve."""
    return {
        "config": {
            RATE: "0.0004", BATCH: "16", "train.microbatch": "4", "model.width": "64",
            "optimizer.beta2": "0.99", "data.sources.0.weight": "1", WEIGHT: "0.3"
        }, "sources": [{"name": "one", "counts": 1}, {"name": "two"}],
        "may_change": [{"path": path} for path in (RATE, BATCH, WEIGHT, "optimizer.beta2")],
        "known": list(known), "tried": list(tried), "dev": [{}] * dev, "tokens": 0,
        "tokens_planned": 1000, "tokens_left": 100, "recent": {"loss": 1, "falls_in_100_steps": 1}
    }


class Server:
    """Tools that answer from a briefing, and note what is proposed."""
    def __init__(self, look, settled, dear):
        self.look, self.settled, self.dear, self.proposed = look, settled, dear, []
        self.tools = {"price": {}, "propose": {}}

    def call(self, name, **arguments):
        if name == "briefing":
            return self.look, None
        if name == "price":
            has = arguments["set"] in self.settled
            if arguments["set"] in self.dear:
                return {"accepted": False}, None
            return dict({"tokens": 1, "more": 1}, **{"settled": "a run has"} if has else {}), None
        self.proposed.append(arguments["set"])
        return {"number": len(self.proposed), "text": "legal"}, None


class Researcher(unittest.TestCase):
    def setUp(self):
        spec = importlib.util.spec_from_file_location("researcher", PATH)
        self.researcher = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.researcher)

    def proposed(self, look, settled=(), dear=(), memory=True):
        server = Server(look, settled, dear)
        with contextlib.redirect_stdout(io.StringIO()):
            self.researcher.turn(server, 40, memory)
        return server.proposed

    def test_what_runs_adopted_one_after_the_other_comes_first_as_one_change_without_a_curve(self):
        first = note((RATE, "4e-4", "0.004"), ("data.sources.two.weight", "0.3", "0.01"))
        second = note((BATCH, "16", "8"), (RATE, "0.004", "0.003"))
        self.assertEqual(self.proposed(briefing(first, second)),
                         [["%s=0.003" % RATE, "%s=0.01" % WEIGHT,
                           "%s=8" % BATCH]])
        self.assertEqual(len(self.proposed(briefing(first, second, dev=2))), 1)
        self.assertEqual(self.proposed(briefing(first, second), memory=False), [])

    def test_what_cannot_be_paid_leaves_the_turn_to_the_rules(self):
        look = briefing(note((RATE, "4e-4", "0.004")), dev=2)
        free = self.proposed(look)
        self.assertEqual(free, [["%s=0.004" % RATE]])
        self.assertEqual(self.proposed(look, dear=free)[0], ["%s=0.00469" % RATE])

    def test_what_was_adopted_from_other_values_or_was_not_or_is_no_number_is_passed_over(self):
        for known in (note((RATE, "0.001", "0.004")), note(
            (RATE, "4e-4", "0.004"), outcome="beaten"), note(
                (RATE, "4e-4", "4e-4")), note(
                    ("data.sources.x.weight", "1", "2")), note(
                        (RATE, "4e-4", "high")), {"text": "a word"}):
            self.assertEqual(self.proposed(briefing(known)), [], known)

    def test_what_was_tried_here_is_not_remembered_again(self):
        known = note((RATE, "4e-4", "0.004"))
        tried = [{"patch": {RATE: "0.004"}, "outcome": "no sign"}]
        self.assertEqual(self.proposed(briefing(known, tried=tried)), [])

    def test_what_an_earlier_run_has_settled_is_not_tried(self):
        high, low = ["%s=0.00469" % RATE], ["%s=0.0016" % RATE]
        without = self.proposed(briefing(dev=2))
        self.assertEqual(without[0], high)
        self.assertEqual(without[1], low)
        self.assertEqual(self.proposed(briefing(dev=2), settled=[high]), [low])
        self.assertEqual(self.proposed(briefing(dev=2), settled=[high], memory=False), without)
        beaten = note((RATE, "0.0004", "0.00469"), outcome="beaten")
        self.assertNotIn(high, self.proposed(briefing(beaten, dev=2)))


if __name__ == "__main__":
    trireme.main()
