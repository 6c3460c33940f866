"""`trireme plan`: a language model asked for a run from elsewhere, with a server in its place: its
calls are in the run's ledger, its key is nowhere, and the run goes on whatever becomes of it."""
import json
import os
import signal

import test_llm
import trireme
from llm_stand_in import ANTHROPIC, OPENAI, Answer, message, told
from test_llm import KEY, good, processes_with
from trireme import wait_for

VARIABLE = "STAND_IN_KEY"


class Plans(test_llm.Models):
    def configure(self, server, llm=(), train=(), **experiment):
        super().configure(server, llm, {"steps": 100, **dict(train)},
                          **{"planner": "client", **experiment})

    def plan(self, run, *more, **options):
        """Begins to ask for a run, which need not be there yet."""
        wait_for(lambda: os.path.exists(self.path(run, "config.yaml")), "the run")
        return self.begin("plan", run, *more, **options)

    def planned(self, run, *more, **options):
        """A run to its end, and what asked for it."""
        training = self.train(run, workers=1)
        plan = self.plan(run, *more, **options)
        done = training.end()
        self.assertEqual(done.code, 0, done)
        asked = plan.end(60)
        self.assertEqual((asked.code, asked.err), (0, ""), asked)
        return done, asked

    def lost(self, run):
        return [r for r in self.call_records(run) if r["call"]["stop"] == "lost"]


class Campaigns(Plans):
    def check_campaign(self, api, *more, llm=(), env=None):
        seen = []

        def answer(server, body):
            seen.extend(processes_with(KEY))
            return good(server, body)

        server = self.serve(api, answer)
        self.configure(server, llm)
        done, asked = self.planned("run", *more, env=env)
        self.assertEqual((server.failed, seen), ([], []))
        calls = self.call_records("run")
        self.assertGreater(len(calls), 1)
        self.assertEqual(len(calls), len(server.requests))
        self.assertEqual([c["call"]["turn"] for c in calls], list(range(1, len(calls) + 1)))
        self.assertEqual((calls[0]["call"]["stop"], calls[0]["call"]["prompt_tokens"]),
                         ("answered", 900))
        self.assertRegex(calls[0]["text"], r"\Athe model answered with 1 proposal \(900 \+ 60 tok")
        proposal = self.ledger("run", "proposal")[0]
        # a call stands before what came of it, by the process that made it
        self.assertLess(calls[0]["seq"], proposal["seq"])
        self.assertEqual((calls[0]["by"], calls[0]["step"]), (proposal["by"], 20))
        self.assertRegex(proposal["by"], r"\Aplanner uid \d+ pid \d+\Z")
        self.assertEqual(proposal["step"], 20)
        self.assertRegex(
            asked.out, r"\Astep 20: the model answered with 1 proposal .*\n"
            r"step 20: proposal 1: .*\nstep 20: the planner's turn at step 20 is over")
        self.assertIn(
            "%d calls, %d tokens, 1 proposal taken; run: this run is complete" %
            (len(calls), 960 * len(calls)), asked.out)
        self.assert_texts_kept("run")
        self.assert_no_key("run")
        self.assertNotIn(KEY, done.out + done.err + asked.out + asked.err)
        # a replay asks nobody
        server.close()
        os.unlink(self.path("key"))
        done = self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assertIn(self.hash_of("run"), done.out)
        self.assertEqual(self.call_records("again"), [])
        self.succeed("ledger", "verify", "run")

    def test_a_run_that_is_planned_beside_it_replays_without_a_model(self):
        self.check_campaign(ANTHROPIC)

    def test_the_model_and_its_key_may_be_known_to_the_command_alone(self):
        self.check_campaign(OPENAI,
                            "--set",
                            "llm.model=stand-in",
                            "--set",
                            "llm.key_env=" + VARIABLE,
                            llm={"key_file": None, "model": None},
                            env={VARIABLE: KEY})
        self.assertNotIn(VARIABLE.encode(), b"".join(self.tree("run").values()))


class Troubles(Plans):
    def test_a_server_that_is_away_costs_sentences_and_the_fallback_proposes(self):
        server = self.serve(OPENAI, good)
        server.close()
        self.configure(server, {"fallback": "random", "timeout": 0.5})
        _, asked = self.planned("run")
        self.assertIn("found no answer", "\n".join(self.events("run")))
        self.assertIn("the random planner proposes in its place", "\n".join(self.events("run")))
        ids = [r["proposal"]["id"] for r in self.ledger("run", "proposal")]
        self.assertTrue(ids and all(i.startswith("random-") for i in ids), ids)
        self.assert_texts_kept("run")

    def test_without_a_fallback_the_turns_are_ended_and_become_rare(self):
        server = self.serve(OPENAI, lambda s, b: Answer(message(s.api, told())))
        self.configure(server, {"budget": {"calls": 1}}, {"steps": 400})
        self.planned("run", "--json")
        self.assertEqual(len(server.requests), 1)
        said = [(r["step"], r["text"]) for r in self.ledger("run", "event")
                if r["text"].startswith("llm.budget.calls: found 1 calls")]
        steps = [step for step, _ in said]
        self.assertEqual(steps[:2], [40, 80], said)  # and none at 60

    def test_a_command_that_is_ended_in_a_call_has_the_next_one_account_for_it(self):
        release = []

        def answer(server, body):
            if len(server.requests) == 1:
                wait_for(lambda: release, "the end of the first")
            return Answer(message(server.api, told()))

        server = self.serve(ANTHROPIC, answer)
        self.configure(server, {"budget": {"calls": 3}, "price": {"output": 1000}})
        training = self.train("run", workers=1)
        first = self.plan("run", "--json")
        wait_for(lambda: server.requests, "the first call")
        first.process.send_signal(signal.SIGTERM)
        done = first.end()
        release.append(True)
        self.assertEqual((done.code, json.loads(done.out)["text"]), (0, "run: asked to end"), done)
        self.assertEqual(self.call_records("run"), [])
        second = self.plan("run")
        self.assertEqual((training.end().code, second.end(60).code), (0, 0))
        calls = [r["call"] for r in self.call_records("run")]
        self.assertEqual([(c["turn"], c["stop"]) for c in calls], [(1, "lost"), (2, "nothing"),
                                                                   (3, "nothing")])
        self.assertEqual(len(server.requests), 3)
        body = self.read("run/planner/turn-1").splitlines()[0]
        self.assertEqual((calls[0]["prompt_tokens"], calls[0]["answer_tokens"]), (len(body), 2048))
        self.assertAlmostEqual(calls[0]["usd"], 2.048)
        self.assertIn("counts as at most %d + 2048 tokens" % len(body), self.lost("run")[0]["text"])
        self.assert_texts_kept("run")

    def test_one_at_a_time_asks_for_a_run(self):
        server = self.serve(OPENAI, lambda s, b: Answer(message(s.api, told())))
        self.configure(server, train={"steps": 100000})
        training = self.train("run", workers=1)
        self.plan("run")
        wait_for(lambda: server.requests, "a call")
        self.refuse(2, ["run/planner/plan: another `trireme plan` asks for this run"], "plan",
                    "run")
        # its end is that of the run, be it a stop, once nobody takes it up again
        self.stop(training)
        self.calls[1].process.send_signal(signal.SIGINT)
        done = self.calls[1].end()
        self.assertEqual(done.code, 0, done)
        self.assertIn("run: asked to end", done.out)
        done = self.succeed("plan", "run", "--wait", 0)
        self.assertIn("0 turns, 0 calls, 0 tokens, 0 proposals taken; run: nobody trains this run",
                      done.out)

    def test_what_it_cannot_plan_is_said(self):
        server = self.serve(OPENAI, good)
        self.configure(server, train={"steps": 20}, hold=0)
        self.trained("run", workers=1)
        self.assertIn("this run is complete", self.succeed("plan", "run").out)
        os.mkdir(self.path("other"))
        config = self.read("run/config.yaml")
        self.assertIn(b"planner: client", config)
        self.write("other/config.yaml", config.replace(b"planner: client", b"planner: none"))
        self.refuse(2, ["other: found experiment.planner none, expected client"], "plan", "other")
        self.refuse(2, ["--set train.steps=5: expected a setting of the llm block"], "plan", "run",
                    "--set", "train.steps=5")
        self.refuse(2, ["llm.model: found none"], "plan", "run", "--set", "llm.model=")
        self.refuse(2, ["found no variable " + VARIABLE], "plan", "run", "--set", "llm.key_file=",
                    "--set", "llm.key_env=" + VARIABLE)
        self.refuse(2, ["nothing: "], "plan", "nothing")
        os.chmod(self.path("key"), 0o644)
        self.refuse(2, ["llm.key_file", "found mode 0644"], "plan", "run")

    def test_calls_that_others_tell_of_are_taken_once_and_only_where_a_client_plans(self):
        call = {"model": "m\x1b[2J", "turn": 4, "stop": "answered", "prompt_tokens": 5}
        request = {"calls": [call, {**call, "turn": 5}], "by": "planner"}
        self.configure(self.serve(OPENAI, good), train={"steps": 100000}, hold=0)
        training = self.train("run", workers=1)

        def ask(request, name):
            path = self.request("run", request, name)
            wait_for(lambda: os.path.exists(path), "an answer")
            with open(path) as f:
                return json.load(f)

        wait_for(lambda: os.path.exists(self.path("run", "incarnation")), "the run")
        self.assertEqual(ask(request, "a")["text"], "2 calls written down")
        self.assertEqual(ask(request, "b")["text"], "0 calls written down")
        self.assertEqual([r["call"]["turn"] for r in self.call_records("run")], [4, 5])
        self.assertEqual(self.call_records("run")[0]["call"]["model"], "m?[2J")
        bad = ask({"calls": [{**call, "turn": 6, "usd": -1}]}, "c")
        self.assertFalse(bad["accepted"])
        self.assertIn("expected none below 0", bad["text"])
        many = ask({"calls": [{**call, "turn": 6}] * 65}, "d")
        self.assertIn("expected at most 64", many["text"])
        self.stop(training)
        training = self.begin("resume", "run", "--set", "experiment.planner=random", "--workers", 1)
        none = ask({"calls": [{**call, "turn": 6}]}, "e")
        self.assertIn("found experiment.planner random, expected client", none["text"])
        self.stop(training)
        self.assertEqual(len(self.call_records("run")), 2)


if __name__ == "__main__":
    trireme.main()
