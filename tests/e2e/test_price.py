"""What trying a change costs: `trireme price` says what `propose` then does."""
import glob
import json

import trireme
from experiments import STEP_TOKENS, Experiments
from trireme import wait_for

# The first stretch begins at step 40. A plain one has 10 steps and tails of 5, and reads 64
# windows: an arm and the trunk's tail and reading take 20 steps and 2/3 of 64 * 32 tokens. This run
# may spend 7168; it has no time for steps 16 times as large, whose stretch and tail take 32.
SHORT = ["--set", "train.steps=70"]
PLAIN_MORE, PLAIN_TOKENS = 15 * STEP_TOKENS + 64 * 32 / 3, 20 * STEP_TOKENS + 2 * 64 * 32 / 3
# A run whose first stretch has 34 steps, and steps that take a while: it can be stopped in it.
LONG = ["--set", "schedule.warmup=200", "--set", "train.batch=32"]


class Prices(Experiments):
    def price(self, run, *changes, more=()):
        words = [word for change in changes for word in ("--set", change)]
        return json.loads(self.succeed("price", run, *words, "--json", *more).out)

    def begin_a_little(self, run, *options):
        """A run that has done a step or two."""
        done = self.train(run, "--max-seconds", 0.01, *options).end()
        self.assertEqual(done.code, 85, done)

    def ask(self, run, *changes, more=()):
        """A proposal that the next launch takes."""
        words = [word for change in changes for word in ("--set", change)]
        self.succeed("propose", run, *words, "--why", "x", "--wait", 0, *more)

    def assert_near(self, found, expected):
        """The ledger's numbers are whole ones, of an arm and of the rest; a price is rounded up."""
        self.assertLess(abs(found - expected), 2.01, "found %r, expected %r" % (found, expected))

    def test_the_price_says_the_sentence_that_propose_then_says_and_writes_nothing(self):
        self.begin_a_little("run", *SHORT)
        refused = [
            ("found '1.5', expected", ["optimizer.beta1=1.5"]),
            ("train.seed: no experiment may change this", ["train.seed=1"]),
            ("unknown key", ["optimizer.speed=2"]),
            ("which it has already", ["optimizer.lr=3e-4"]),
            ("microbatch", ["train.batch=6"]),
            ("too late in the run: a stretch of it begins at step 40 and takes 32",
             ["train.batch=128"]),
            ("which a run of 70 steps cannot pay for", ["optimizer.lr=1e-4"]),
            ("at most 8", ["data.sources.%d.weight=2" % i for i in range(9)]),
        ]
        before = self.tree("run")
        prices = [self.price("run", *changes) for _, changes in refused]
        legal = self.price("run", "data.sources.b.weight=0.5")
        self.assertEqual(self.tree("run"), before)
        for (part, changes), price in zip(refused, prices):
            self.assertIs(price["accepted"], False, changes)
            self.assertIn(part, price["text"])
            self.assertNotIn("start", price)
            self.ask("run", *changes)
        self.assertIs(legal["accepted"], True)
        for _ in range(2):
            self.ask("run", "data.sources.1.weight=0.5")
        while any(not f.endswith(".answer.json")
                  for f in glob.glob(self.path("run", "inbox", "*.json"))):
            self.begin_a_little("run", *SHORT)  # it takes some of them in a step
        said = [row["reason"] for n, row in sorted(self.rows("run").items()) if "reason" in row]
        events = self.events("run")  # of what is too large to be recorded
        self.assertEqual([price["text"] for price in prices],
                         said[:-1] + [text for text in events if "at most 8" in text])
        same = self.price("run", "data.sources.b.weight=5e-1")
        self.assertEqual(same["text"], said[-1])
        self.assertEqual((same["accepted"], same["duplicate"]), (False, len(refused)))
        other = self.price("run", "data.sources.1.weight=0.7", "optimizer.beta2=0.97")
        self.assertEqual((other["accepted"], other["collides"]), (True, [len(refused)]))

    def test_what_is_no_change_is_refused_as_propose_refuses_it(self):
        self.begin_a_little("run", *SHORT)
        for part, words in (("found no --set", []), ("expected PATH=VALUE", ["--set", "a"]),
                            ("twice", ["--set", "a=1", "--set", "a=2"])):
            self.refuse(2, [part], "propose", "run", *words, "--why", "x")
            self.refuse(2, [part], "price", "run", *words)
        self.refuse(2, ["nowhere: found no run"], "price", "nowhere", "--set", "optimizer.lr=1")

    def test_the_ledgers_stretch_begins_where_the_price_says_and_costs_what_it_says(self):
        self.begin_a_little("run")
        price = self.price("run", "optimizer.beta2=0.97")
        self.assertEqual((price["accepted"], price["start"], price["steps"], price["tail"]),
                         (True, 40, 10, 5))
        self.assert_near(price["more"], PLAIN_MORE)
        self.assert_near(price["tokens"], PLAIN_TOKENS)
        self.assertEqual(price["decisions"][:3], [50, 60, 70])
        self.assertIs(price["calm"], False)
        self.assertEqual(price["on_adoption"], "superseded")
        self.assertIn("it is tried as soon as there is room", price["text"])
        self.ask("run", "optimizer.beta2=0.97")
        call = self.train("run")
        self.wait_records(call, "run", 1, "decision")
        self.stop(call)
        stretch, pair = self.ledger("run", "stretch")[0], self.ledger("run", "observation")[0]
        decision = self.ledger("run", "decision")[0]
        self.assertEqual((stretch["step"], decision["step"]),
                         (price["start"], price["decisions"][0]))
        self.assertEqual((stretch["stretch"]["horizon"], stretch["stretch"]["tail"]),
                         (price["steps"], price["tail"]))
        self.assert_near(pair["observation"]["tokens"], price["more"])
        self.assert_near(pair["observation"]["tokens"] + decision["decision"]["tokens"],
                         price["tokens"])

    def test_while_a_stretch_is_under_way_the_next_begins_where_it_ends(self):
        call = self.begin_with("run", "optimizer.beta2=0.97", options=LONG)
        self.wait_records(call, "run", 1, "stretch")
        self.stop(call)
        price = self.price("run", "optimizer.beta1=0.85")
        later = self.price("run", "optimizer.beta1=0.85", more=["--start", 241])
        self.assertEqual((price["accepted"], price["start"], price["steps"]), (True, 234, 39))
        self.assertEqual((later["start"], later["steps"]), (250, 42))
        self.assertGreater(later["tokens"], price["tokens"])
        self.assertEqual(later["last_start"], price["last_start"])
        at_last = self.price("run", "optimizer.beta1=0.85", more=["--start", price["last_start"]])
        beyond = self.price("run",
                            "optimizer.beta1=0.85",
                            more=["--start", price["last_start"] + 1])
        self.assertIn("start", at_last)
        self.assertTrue("hindered" in beyond or not beyond["accepted"], beyond)
        self.ask("run", "optimizer.beta1=0.85")
        call = self.train("run", *LONG)
        self.wait_records(call, "run", 2, "decision")
        self.stop(call)
        second = self.ledger("run", "stretch")[1]
        self.assertEqual((second["step"], second["stretch"]["horizon"]), (234, 39))
        self.assertIn(2, [arm["number"] for arm in second["stretch"]["arms"]])
        pair = [r["observation"] for r in self.ledger("run", "observation") if r["number"] == 2][0]
        self.assert_near(pair["tokens"], price["more"])

    def test_a_run_that_has_tried_its_hypotheses_says_so_also_when_it_is_over(self):
        call = self.begin_with("run",
                               "optimizer.beta2=0.97",
                               options=["--set", "gate.hypotheses=1", "--set", "train.steps=3000"])
        self.wait_records(call, "run", 1, "stretch")
        price = self.price("run", "optimizer.beta1=0.85")
        self.propose_refused([price["text"]], "run", "optimizer.beta1=0.85")
        self.assertIn("this run has tried its 1 hypotheses", price["text"])
        self.stop(call)
        self.begin_a_little("over", "--set", "train.steps=45")
        self.trained("over", "--set", "train.steps=45")
        before = self.tree("over")
        price = self.price("over", "optimizer.beta1=0.85")
        self.assertEqual(price["step"], 45)
        self.assertIn("too late in the run: a stretch of it begins at step 50", price["text"])
        self.assertNotIn("last_start", price)
        self.assertEqual(self.tree("over"), before)

    def test_who_asks_and_the_runs_mode_say_what_follows_and_what_may_be_spent(self):
        options = ["--set", "experiment.mode=approve", "--set", "gate.stake=0.05"]
        self.begin_a_little("run", *options)
        person = self.price("run", "optimizer.beta2=0.97")
        planner = self.price("run", "optimizer.beta2=0.97", more=["--as", "planner"])
        self.assertIn("it is tried as soon as there is room", person["text"])
        self.assertIn("it waits for approval", planner["text"])
        self.assertGreater(person["last_start"], planner["last_start"])
        self.assertGreater(len(person["decisions"]), len(planner["decisions"]))
        self.ask("run", "optimizer.beta2=0.97")
        self.begin_a_little("run", *options)
        self.assertEqual(self.states("run"), {1: "queued"})

    def test_data_that_nothing_can_be_judged_by_is_told_as_propose_tells_it(self):
        self.write_data("small", 3, 30000)
        small = ["--set", "data.sources.0.path=small"]
        call = self.train("run", *small, "--set", "train.steps=1000000")
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        price = self.price("run", "optimizer.beta2=0.97")
        self.assertIn("experiments are off: the validation text of source", price["text"])
        self.propose_refused([price["text"]], "run", "optimizer.beta2=0.97")
        self.stop(call)


if __name__ == "__main__":
    trireme.main()
