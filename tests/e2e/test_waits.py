"""Proposals that wait for others, that come in the place of others, and the order of the queue: on
the command line and as tools."""
import json
import os

import experiments
import trireme
from experiments import Experiments
from mcp_client import Client
from trireme import wait_for

# A run that nobody waits for the end of, nor for the first stretch.
ENDLESS = ["--set", "train.steps=1000000", "--set", "schedule.warmup=500000"]
# A run whose first stretch has 34 steps, and steps that take a while: it can be stopped in it.
LONG = ["--set", "schedule.warmup=200", "--set", "train.batch=32"]
LONG_STEP_TOKENS = 32 * 32


class Waits(Experiments):
    def begin_endless(self):
        call = self.train("run", *ENDLESS)
        wait_for(lambda: self.steps_done("run") >= 3 or call.process.poll() is not None,
                 "the first steps")
        return call

    def refused(self, parts, change, *more):
        self.refuse(2, parts, "propose", "run", "--set", change, "--why", "x", *more)

    def queue(self, *words):
        reply = json.loads(self.succeed("queue", "run", *words, "--json").out)
        return [(row["number"], row["state"]) for row in reply.get("queue", [])]

    def test_one_waits_for_another_or_is_not_needed_and_the_queue_says_so(self):
        call = self.begin_endless()
        self.assertIn("nothing is in the queue", self.succeed("queue", "run").out)
        self.propose("run", "optimizer.lr=0.001")
        answer = self.propose("run", "optimizer.beta2=0.9", more=["--on-adoption-of", 1])
        self.assertEqual(answer["text"], "proposal 2: legal; it waits until 1 is adopted")
        self.propose("run", "optimizer.beta1=0.8", more=["--after", 1])
        self.refused(["after: found no proposal 9"], "optimizer.clip=2", "--after", 9)
        self.refused(["expected one of them at most"], "optimizer.clip=2", "--after", 1,
                     "--on-adoption-of", 1)
        self.assertEqual(self.queue(), [(1, "queued"), (2, "deferred"), (3, "deferred")])
        shown = self.succeed("queue", "run").out
        self.assertIn("until 1 is adopted", shown)
        self.assertIn("until 1 is over", shown)
        self.assertIn("until 1 is adopted", self.succeed("proposals", "ls", "run").out)
        self.assertIn("until 1 is over", self.succeed("proposals", "show", "run", 3).out)
        tried = json.loads(self.succeed("briefing", "run", "--json").out)["tried"]
        self.assertEqual((tried[1]["outcome"], tried[1]["reason"]),
                         ("deferred", "until 1 is adopted"))
        killed = json.loads(self.succeed("proposals", "kill", "run", 1, "--json").out)
        self.assertEqual((killed["text"], killed["tokens"]),
                         ("proposal 1: killed before its first pair: it cost nothing", 0))
        states = self.states("run")
        self.assertEqual([states[n] for n in (1, 2, 3)], ["killed", "not needed", "queued"])
        self.refused(["on_adoption_of: proposal 1 is killed"], "optimizer.clip=2",
                     "--on-adoption-of", 1)
        self.stop(call)
        at = {r["step"] for r in self.ledger("run") if r["step"] and r.get("number") in (1, 2, 3)}
        steps = [r["step"] for r in self.ledger("run", "verdict")]
        self.assertEqual(len(set(steps)), 1, at)
        self.assertEqual(self.ledger("run", "validation")[-2]["step"], steps[0])

    def test_the_queue_is_ordered_by_a_person_and_a_replaced_one_leaves_its_place(self):
        call = self.begin_endless()
        for value in (0.001, 0.002, 0.003):
            self.propose("run", "optimizer.lr=%g" % value)
        self.assertEqual([n for n, _ in self.queue(3, 2)], [3, 2, 1])
        self.assertEqual([n for n, _ in self.queue()], [3, 2, 1])
        self.assertIn("the queue: 1, 3, 2", self.succeed("queue", "run", 1).out)
        self.refuse(2, ["found proposal 2 twice"], "queue", "run", 2, 2)
        self.refuse(2, ["run: found no proposal 8, there are 3"], "queue", "run", 8)
        # the same change again: what is replaced is none that says the same
        answer = self.propose("run", "optimizer.lr=0.003", more=["--replaces", 3])
        self.assertIn("it replaces 3", answer["text"])
        self.assertEqual([n for n, _ in self.queue()], [1, 4, 2])
        self.assertEqual(self.states("run")[3], "replaced")
        self.refused(["replaces: proposal 3 is replaced"], "optimizer.lr=0.004", "--replaces", 3)
        self.stop(call)
        self.assertEqual([r["numbers"] for r in self.ledger("run", "order")], [[3, 2], [1]])

    def test_what_is_tried_is_replaced_in_one_step_and_its_tokens_come_back(self):
        call = self.begin_with("run", "optimizer.clip=0.5", options=LONG)
        self.wait_records(call, "run", 1, "application")
        self.stop(call)
        self.assertEqual(self.states("run"), {1: "open"})
        self.succeed("propose", "run", "--set", "optimizer.lr=0.003", "--why", "x", "--replaces", 1,
                     "--wait", 0)
        done = self.trained("run", *LONG)
        self.assertIn("hypothesis 1: replaced", done.out)
        states = self.states("run")
        self.assertEqual(states[1], "replaced")
        self.assertIn(states[2], ("adopted", "kept", "claimed"))
        first = self.ledger("run", "verdict")[0]
        proposed = [r for r in self.ledger("run", "proposal") if r["number"] == 2][0]
        self.assertEqual((first["number"], first["step"]), (1, proposed["step"]))
        stood = first["step"] - self.ledger("run", "stretch")[0]["step"]
        self.assertEqual(first["judgement"].get("tokens", 0), stood * LONG_STEP_TOKENS)
        inbox = self.path("run", "inbox")
        answers = [
            json.loads(self.read("run/inbox/" + name)) for name in os.listdir(inbox)
            if name.endswith(".answer.json")
        ]
        back = [a["tokens"] for a in answers if "it replaces 1" in a.get("text", "")]
        self.assertEqual(len(back), 1, answers)
        self.assertGreater(back[0], 0)
        self.assert_all_is_spent("run", step_tokens=LONG_STEP_TOKENS)
        self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assert_same_campaign("again", "run")

    def test_a_client_that_proposes_orders_and_replaces_its_own_and_no_others(self):
        call = self.begin_endless()
        client = Client([trireme.PROGRAM, "mcp", "run", "--role", "propose"], self.folder, True)
        self.addCleanup(client.close)

        def propose(change, **more):
            return client.get("propose", set=[change], why="x", **more)

        def client_refused(parts, tool, **more):
            answer = client.call(tool, **more)
            self.assertTrue(answer["isError"], answer)
            for part in parts:
                self.assertIn(part, answer["content"][0]["text"])

        propose("optimizer.lr=0.001")
        self.propose("run", "optimizer.lr=0.002")  # a person's
        propose("optimizer.lr=0.003")
        propose("optimizer.lr=0.004")
        found = client.get("queue", numbers=[4, 3])
        self.assertEqual([row["number"] for row in found["queue"]], [1, 2, 4, 3])
        client_refused(["for persons"], "queue", numbers=[2])
        client_refused(["is another's"], "propose", set=["optimizer.lr=0.005"], why="x", replaces=2)
        answer = propose("optimizer.lr=0.006", replaces=1, on_adoption_of=2)
        self.assertEqual(answer["tokens"], 0)
        found = client.get("queue")
        self.assertEqual([row["number"] for row in found["queue"]], [6, 2, 4, 3])
        self.assertEqual((found["queue"][0]["state"], found["queue"][0]["on_adoption_of"]),
                         ("deferred", 2))
        tried = client.get("briefing")["tried"]
        self.assertEqual(tried[-1]["reason"], "until 2 is adopted")
        withdrawn = client.get("proposals_kill", number=3)
        self.assertIn("it cost nothing", withdrawn["text"])
        self.stop(call)


if __name__ == "__main__":
    trireme.main()
