"""experiment.planner: client: a client of the run has turns, for which the training may rest."""
import json
import os
import random
import signal
import time

import experiments
import trireme
from experiments import Experiments
from mcp_client import Client
from trireme import wait_for

HOLD = 30


class Turns(Experiments):
    def make(self):
        super().make()
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "client", "hold": HOLD, "forks": 2})

    def client(self, run):
        made = Client([trireme.PROGRAM, "mcp", run, "--role", "propose"], self.folder)
        self.addCleanup(made.close)
        return made

    def begun(self, run, *more):
        """A training that has taken its run."""
        call = self.train(run, *more, workers=1)
        wait_for(
            lambda: self.incarnation(run) and self.is_trained(run) or call.process.poll() is
            not None, "the launch")
        return call

    def incarnation(self, run):
        return os.path.exists(self.path(run, "incarnation"))

    def is_trained(self, run):
        return json.loads(
            self.run_it("wait", run, "--for", "seconds", "--timeout", 0, "--json").out
            or "{}").get("trained")

    def turn(self, client, seconds=120):
        """Waits for a turn; its step, or None when the training is over."""
        end = time.monotonic() + trireme.bound(seconds)
        while time.monotonic() < end:
            found = client.get("wait", **{"for": "turn", "timeout": 10})
            if found["happened"]:
                return found["turn"]
            if not found["trained"]:
                return None
        self.fail("no turn came")

    def steer(self, run, delay, proposals):
        """A client that proposes these, one a turn, and is done in each; the turns' steps."""
        client, steps, left = self.client(run), [], list(proposals)
        while (step := self.turn(client)) is not None:
            steps.append(step)
            time.sleep(delay())
            if left:
                self.assertTrue(
                    client.get("propose", set=[left.pop(0)], why="it is far too low")["accepted"])
            time.sleep(delay())
            client.get("done", step=step)
        return steps

    def steered(self,
                run,
                delay=lambda: 0,
                proposals=("optimizer.lr=0.0024", "optimizer.lr=0.004")):
        call = self.begun(run)
        steps = self.steer(run, delay, proposals)
        done = call.end()
        self.assertEqual(done.code, 0, done)
        return steps

    def adoptions(self, run):
        return [(r["step"], r["promotion"]["patch"]) for r in self.ledger(run, "promotion")]

    def held(self, run):
        with open(self.path(run, "metrics.jsonl")) as f:
            return sum(json.loads(line).get("held_seconds", 0) for line in f)

    def test_the_training_rests_for_a_client_so_its_delays_change_nothing(self):
        steps = self.steered("quick")
        draw = random.Random(1)
        self.assertEqual(self.steered("slow", lambda: draw.choice([0, 0, 0.1, 0.7])), steps)
        self.assertEqual(steps[0], 20)
        self.assertTrue(all(step % 20 == 0 for step in steps))
        self.assertTrue(self.adoptions("quick"))
        self.assertEqual(self.adoptions("slow"), self.adoptions("quick"))
        self.assertEqual(self.hash_of("slow"), self.hash_of("quick"))
        self.assertGreater(self.held("slow"), self.held("quick"))
        self.assertFalse(os.path.exists(self.path("quick", "turn")))
        by = {r["by"].split(" uid ")[0] for r in self.ledger("quick", "proposal")}
        self.assertEqual(by, {"planner"})

        self.succeed("ledger", "replay", "slow", "--out", "again", "--workers", 1)
        self.assertEqual(self.hash_of("again"), self.hash_of("quick"))
        self.assertEqual(self.held("again"), 0)

    def test_a_launch_that_was_stopped_in_a_turn_asks_again(self):
        self.steered("whole", proposals=["optimizer.lr=0.0024"])
        call = self.begun("run")
        self.assertEqual(self.turn(self.client("run")), 20)
        self.stop(call)
        self.assertFalse(os.path.exists(self.path("run", "turn")))
        self.assertEqual(self.last_step("run"), 20)
        self.assertEqual(self.steered("run", proposals=["optimizer.lr=0.0024"])[0], 20)
        self.assertEqual(self.adoptions("run"), self.adoptions("whole"))
        self.assertEqual(self.hash_of("run"), self.hash_of("whole"))

    def test_a_client_that_is_killed_in_its_turn_costs_a_rest_a_turn_and_these_become_rare(self):
        call = self.begun("run", "--set", "experiment.hold=1")
        client = self.client("run")
        self.assertEqual(self.turn(client), 20)
        client.close()
        done = call.end()
        self.assertEqual(done.code, 0, done)
        rests = [r["step"] for r in self.ledger("run", "event") if "held_seconds" in r]
        self.assertEqual(rests, [20, 40, 80, 160, 320])
        self.assertAlmostEqual(self.held("run"), len(rests), delta=0.5 * len(rests))
        self.assertIn("note: step 20 is the planner's turn: the training rests up to 1 s", done.out)

    def test_a_turn_that_a_killed_launch_left_is_none(self):
        call = self.begun("run", "--set", "train.steps=20000")
        client = self.client("run")
        self.assertEqual(self.turn(client), 20)
        call.process.send_signal(signal.SIGKILL)
        call.end()
        left = self.path("run", "turn")
        wait_for(lambda: not self.is_trained("run"), "the end of the launch")
        with open(left, "w") as f:  # as the ranks, where they are killed too, leave it
            f.write('{"incarnation":1,"step":20}\n')
        self.assertFalse(client.get("wait", **{"for": "turn", "timeout": 1})["happened"])
        call = self.begin("resume", "run", "--set", "experiment.planner=none", "--workers", 1)
        wait_for(lambda: self.steps_done("run") > 60 or call.process.poll() is not None, "steps")
        self.refuse(2, ["no turn is open"], "done", "run")
        self.stop(call)

    def test_a_briefing_in_a_turn_has_what_was_adopted_at_its_step(self):
        call = self.begun("run", "--set", "schedule.warmup=50", "--set", "train.steps=2000")
        client = self.client("run")
        self.assertEqual(self.turn(client), 40)
        client.get("propose", set=["optimizer.lr=0.0024"], why="it is far too low")
        client.get("done", step=40)
        self.assertEqual(self.turn(client), 60)
        self.assertEqual([step for step, _ in self.adoptions("run")], [60])
        self.assertLess(self.last_step("run"), 60)  # the checkpoint comes after the turn
        self.assertEqual(client.get("briefing")["config"]["optimizer.lr"], 0.0024)
        self.stop(call)

    def test_without_a_rest_a_turn_is_an_invitation(self):
        call = self.begun("run", "--set", "experiment.hold=0", "--set", "train.steps=20000")
        client = self.client("run")
        first = self.turn(client)
        self.assertEqual(first % 20, 0)
        late = client.call("done", step=first + 10000)
        self.assertTrue(late["isError"])
        self.assertIn("expected step", late["content"][0]["text"])
        wait_for(lambda: self.steps_done("run") > first + 100 or call.process.poll() is not None,
                 "steps")
        self.assertGreater(self.turn(client), first)
        self.assertEqual(self.held("run"), 0)
        self.stop(call)

    def test_where_the_planner_is_no_client_there_is_no_turn_to_end(self):
        call = self.train("run",
                          "--set",
                          "experiment.planner=none",
                          "--set",
                          "train.steps=20000",
                          workers=1)
        wait_for(lambda: self.steps_done("run") > 3 or call.process.poll() is not None, "steps")
        self.refuse(2, ["no turn is open"], "done", "run")
        answer = self.request("run", {"done": 20, "by": "planner"})
        wait_for(lambda: os.path.exists(answer), "the answer")
        with open(answer) as f:
            self.assertIn("found experiment.planner none, expected client", f.read())
        self.stop(call)
        self.refuse(2, ["nobody trains this run now"], "done", "run")


if __name__ == "__main__":
    trireme.main()
