"""A campaign comes to the same verdicts and the same bits on any numbers of ranks, however often it
was stopped or killed on the way, and when its ledger is lived through again."""
import os
import shutil
import signal

import experiments
import trireme
from experiments import Experiments
from trireme import wait_for

POLICY = """allow:
  - {path: optimizer.lr, min: 1.0e-4, max: 0.01}
  - {path: data.sources.*.weight, min: 0.1, max: 2}
  - {path: optimizer.beta2}
"""


class Repeated(Experiments):
    """A campaign, `whole`, that others must repeat to the bit."""

    options = ()  # of its launches

    def assert_as_whole(self, run):
        self.assert_same_campaign(run, "whole")
        self.assertEqual(self.losses(run), self.losses("whole"))
        self.assert_whole(run, self.last_step("whole"))
        self.succeed("ledger", "verify", run)

    def assert_goes_on_after(self, n):
        """A launch that finds what a crash leaves which came right after the n-th record."""
        shutil.rmtree(self.path("run"), ignore_errors=True)
        shutil.copytree(self.path("whole"), self.path("run"))
        self.write("run/ledger.jsonl",
                   b"".join(self.read("whole/ledger.jsonl").splitlines(keepends=True)[:n]))
        for step in self.checkpoints("run"):
            if self.manifest("run", step)["ledger_records"] > n:
                shutil.rmtree(self.path("run/checkpoints/step-%08d" % step))
        self.trained("run", *self.options)
        self.assert_as_whole("run")

    def assert_crashes_change_nothing(self, pairs):
        """Crashes between two records of these kinds, which must be there."""
        kinds = [record["kind"] for record in self.ledger("whole")]
        found = list(zip(kinds, kinds[1:]))
        for two in pairs:
            with self.subTest(between=two):
                self.assertIn(two, found)
                self.assert_goes_on_after(found.index(two) + 1)


class Campaign(Repeated):
    def make(self):
        super().make()
        self.write("policy.yaml", POLICY)
        self.write_config(base=experiments.CONFIG,
                          experiment={"planner": "random", "policy": "policy.yaml"},
                          checkpoint={"every": 20, "keep": 100})
        self.trained("whole")

    def in_mid_pair(self, call, run, n):
        """Waits for the n-th fork, and a few steps more: its pair is not over."""
        step = self.wait_records(call, run, n, "application")[n - 1]["step"]
        wait_for(lambda: self.steps_done(run) >= step + 5 or call.process.poll() is not None,
                 "steps of a pair")
        self.assertIsNone(call.process.poll(), "the training ended before it could be disturbed")

    def test_the_campaign_of_these_tests_tries_adopts_keeps_and_claims(self):
        verdicts = self.verdicts("whole")
        self.assertLessEqual({"closed", "adopted", "kept"}, {outcome for _, outcome, _ in verdicts})
        self.assertIn(("closed", "beaten"), [verdict[1:] for verdict in verdicts])
        self.assertLessEqual({"open", "claimed"}, {answer for _, answer in self.claims("whole")})
        promotions, told = self.ledger("whole", "promotion"), self.metrics("whole", "event")
        self.assertEqual([t["step"] for t in told], [p["step"] for p in promotions])
        for promotion, event in zip(promotions, told):
            self.assertIn("hypothesis %d: adopted (screening)" % promotion["number"], event["what"])
            self.assertNotIn("gain", event["what"])
        self.assert_account("whole")
        self.assert_all_is_spent("whole")

    def test_other_numbers_of_ranks_come_to_the_same_verdicts_and_bits(self):
        for workers, servers in ((1, 1), (3, 2)):
            run = "run-%d-%d" % (workers, servers)
            self.trained(run, workers=workers, servers=servers)
            self.assert_as_whole(run)

    def test_interrupts_in_mid_pair_change_nothing_on_other_numbers_of_ranks_either(self):
        for forks, (workers, servers) in ((2, (2, 1)), (7, (3, 2))):
            call = self.train("run", workers=workers, servers=servers)
            self.in_mid_pair(call, "run", forks)
            self.stop(call)
            self.succeed("ledger", "verify", "run")
        self.trained("run", workers=1, servers=3)
        self.assert_as_whole("run")

    def test_a_fork_with_four_times_the_leaves_has_room_on_any_number_of_workers(self):
        alone = ["--set", "experiment.policy=", "--set", "experiment.planner=none"]
        for workers in (1, 3):
            run = "wide-%d" % workers
            call = self.begin_with(run, "train.batch=32", options=alone, workers=workers)
            self.assertEqual(call.end().code, 0)
            self.assertTrue(self.ledger(run, "application"), "no fork")
            self.assertTrue(self.ledger(run, "observation"), "no pair of the wider fork")
            self.assertTrue(self.verdicts(run), "no verdict on the wider fork")
            self.assert_whole(run, self.last_step(run))

    def kill(self, *ranks):
        """Kills these ranks of 1 + 2 + 2 in mid-pair, one in each launch, later ones later in the
        campaign."""
        for i, rank in enumerate(ranks):
            call = self.train("run", servers=2)
            self.in_mid_pair(call, "run", 3 + 5 * i)
            os.kill(call.rank(rank), signal.SIGKILL)
            done = call.end(30)
            self.assertEqual(done.code, 5, done)
        self.trained("run", servers=2)
        self.assert_as_whole("run")

    def test_a_server_and_a_worker_killed_in_mid_pair_change_nothing(self):
        self.kill(2, 4)

    def test_a_coordinator_killed_in_mid_pair_changes_nothing(self):
        self.kill(0)

    def test_a_coordinator_killed_while_an_adoption_is_watched_changes_nothing(self):
        call = self.train("run")
        self.wait_records(call, "run", 1, "promotion")
        os.kill(call.rank(0), signal.SIGKILL)
        self.assertEqual(call.end(30).code, 5)
        self.trained("run", workers=1)
        self.assert_as_whole("run")

    def test_a_crash_between_two_records_changes_nothing(self):
        self.assert_crashes_change_nothing([("proposal", "validation"), ("rule", "hypothesis"),
                                            ("hypothesis", "stretch"), ("stretch", "application"),
                                            ("application", "application"),
                                            ("observation", "observation"),
                                            ("observation", "decision"), ("decision", "verdict"),
                                            ("verdict", "promotion"), ("promotion", "hypothesis"),
                                            ("hypothesis", "claim"), ("claim", "stretch"),
                                            ("decision", "claim")])

    def test_a_replay_on_another_number_of_workers_ends_with_the_same_hash(self):
        done = self.succeed("ledger", "replay", "whole", "--out", "again", "--workers", 3,
                            "--servers", 2)
        self.assertIn(self.hash_of("whole"), done.out)
        self.assert_as_whole("again")

    def test_a_replay_is_stopped_and_goes_on_to_the_same_hash(self):
        line = ["ledger", "replay", "whole", "--out", "again", "--workers", 2]
        call = self.begin(*line)
        self.in_mid_pair(call, "again", 4)
        self.stop(call)
        self.assertEqual(self.run_it(*line, "--max-seconds", 0.2).code, 85)
        self.assertIn(self.hash_of("whole"), self.succeed(*line).out)
        self.assert_as_whole("again")

    def test_a_replay_needs_no_planner_and_follows_what_people_ordered(self):
        call = self.train("run")
        self.in_mid_pair(call, "run", 2)
        self.stop(call)
        self.succeed("proposals", "kill", "run", 1, "--wait", 0)
        self.trained("run")
        self.assertEqual([r["order"] for r in self.ledger("run", "order")], ["kill"])
        self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assert_same_campaign("again", "run")

    def test_what_superseded_records_cost_stays_spent_however_often_the_run_is_stopped(self):
        adopted = self.ledger("whole", "promotion")[0]["step"]
        back = next(step for step in self.checkpoints("whole") if step > adopted)
        change = ["--workers", 2, "--set", "train.steps=%d" % (2 * experiments.STEPS)]
        for run in "once", "run":
            shutil.copytree(self.path("whole"), self.path(run))
        n = len(self.ledger("whole", "stretch"))
        self.succeed("resume", "once@%d" % back, *change)
        call = self.begin("resume", "run@%d" % back, *change)
        self.wait_records(call, "run", n + 2, "stretch")
        self.stop(call)
        self.succeed("resume", "run", "--workers", 2)
        self.assertGreater(self.ledger("run", "stretch")[n]["stretch"]["since"], 0)
        run, once = ([body for body in self.bodies(name) if body["kind"] != "event"]
                     for name in ("run", "once"))
        self.assertEqual(run, once)
        self.assertEqual(self.hash_of("run"), self.hash_of("once"))
        self.assert_all_is_spent("run", 2 * experiments.STEPS)

    def test_a_run_in_which_nothing_was_proposed_has_nothing_to_replay(self):
        self.trained("plain", "--set", "experiment.planner=none", "--set", "train.steps=2")
        self.refuse(2, ["plain", "no ledger"], "ledger", "replay", "plain", "--out", "again")
        self.assert_nothing("again")


class TakenBack(Repeated):
    """An adoption that turns out to be a mistake: a high rate in small batches. It gains a lot at
    once; whether what was before is better then differs little, so a few are tried."""

    options = ("--set", "train.steps=300", "--set", "train.batch=32")

    def make(self):
        super().make()
        self.write_config(base=experiments.CONFIG, checkpoint={"every": 20, "keep": 100})
        for seed in range(4, 9):
            for rate in (0.02, 0.01, 0.04):
                options = TakenBack.options + ("--set", "train.seed=%d" % seed)
                call = self.begin_with("whole",
                                       "optimizer.lr=%g" % rate,
                                       "train.batch=4",
                                       "optimizer.beta1=0.98",
                                       options=options)
                self.assertEqual(call.end().code, 0)
                if self.ledger("whole", "rollback"):
                    TakenBack.options = options
                    return
                shutil.rmtree(self.path("whole"))
        self.fail("no adoption was taken back")

    def test_the_recipe_from_before_is_in_force_and_nothing_is_claimed(self):
        config = self.manifest("whole", self.last_step("whole"))["config"]
        self.assertEqual((config["optimizer"]["lr"], config["train"]["batch"]), (3e-4, 32))
        self.assertEqual(self.states("whole"), {1: "taken back"})
        self.assertNotIn("claimed", [answer for _, answer in self.claims("whole")])
        told = [event["what"] for event in self.metrics("whole", "event")]
        self.assertEqual(len(told), 2)
        self.assertIn("hypothesis 1: taken back at step", told[1])
        self.assert_account("whole", 300, step_tokens=32 * 32)
        self.assert_all_is_spent("whole", 300, 32 * 32)

    def test_a_replay_comes_to_the_same_hash(self):
        done = self.succeed("ledger", "replay", "whole", "--out", "again", "--workers", 1,
                            "--servers", 2)
        self.assertIn(self.hash_of("whole"), done.out)
        self.assert_as_whole("again")

    def test_a_crash_while_it_is_taken_back_changes_nothing(self):
        self.assert_crashes_change_nothing([("decision", "claim"), ("claim", "verdict"),
                                            ("verdict", "rollback")])


class Resumed(Experiments):
    """What the operator says counts, whatever an adoption has put in force."""
    def test_resume_with_a_value_that_was_adopted_takes_the_operators_and_keeps_the_other_changes(
            self):
        call = self.begin_with("run", "optimizer.lr=0.003", "optimizer.beta2=0.9")
        self.wait_records(call, "run", 1, "promotion")
        self.stop(call)
        before = self.manifest("run", self.checkpoints("run")[-1])["config"]["optimizer"]
        self.assertEqual((before["lr"], before["beta2"]), (0.003, 0.9))
        self.succeed("resume", "run", "--workers", 2, "--set", "optimizer.lr=0.001")
        after = self.manifest("run", self.last_step("run"))["config"]["optimizer"]
        self.assertEqual((after["lr"], after["beta2"]), (0.001, 0.9))
        self.succeed("ledger", "verify", "run")

    def test_what_the_operator_set_holds_also_after_a_crash_before_the_first_checkpoint(self):
        call = self.begin_with("run", "optimizer.lr=0.003")
        self.wait_records(call, "run", 1, "promotion")
        self.stop(call)
        call = self.begin("resume", "run", "--workers", 2, "--set", "optimizer.lr=0.001")
        self.wait_records(call, "run", 1, "correction")
        os.kill(call.rank(0), signal.SIGKILL)
        self.assertEqual(call.end(30).code, 5)
        self.succeed("resume", "run", "--workers", 2)
        self.assertEqual(
            self.manifest("run", self.last_step("run"))["config"]["optimizer"]["lr"], 0.001)

    def test_an_adoption_after_the_operators_change_is_not_undone_by_the_same_line_again(self):
        self.assertEqual(self.train("run", "--max-seconds", 0.01).end().code, 85)
        self.assertEqual(
            self.begin("resume", "run", "--workers", 2, "--set", "optimizer.lr=0.0004",
                       "--max-seconds", 0.01).end().code, 85)
        self.succeed("propose", "run", "--set", "optimizer.lr=0.003", "--why", "too slow", "--wait",
                     0)
        call = self.begin("resume", "run", "--workers", 2)
        self.wait_records(call, "run", 1, "promotion")
        self.stop(call)
        self.succeed("resume", "run", "--workers", 2)
        self.assertEqual(
            self.manifest("run", self.last_step("run"))["config"]["optimizer"]["lr"], 0.003)
        self.assertEqual(self.ledger("run", "correction"), [])


if __name__ == "__main__":
    trireme.main()
