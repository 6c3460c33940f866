"""A real language model plans a run: a small one, by llama.cpp. What it says is its own affair; its
calls are in the ledger, the run comes to its end, and a replay needs no model. Only where the
packages are there or can be had (tests/run --long)."""
import os
import unittest

import experiments
import small_model
import trireme
from test_llm import KEY, Models as Base
from tokenizer_packages import Missing

SECONDS = 600  # for a call, on a busy machine
CALLS = 1  # of the run: each takes a minute of a processor
STOPS = {"answered", "nothing", "not_taken", "length"}

try:
    if not os.environ.get("TRIREME_LONG"):
        raise Missing("takes a minute or more (tests/run --long runs it)")
    small_model.provide()
    missing = None
except Missing as error:
    missing = str(error)


@unittest.skipIf(missing, missing)
class RealModel(Base):
    def setUp(self):
        super().setUp()
        self.write("key", KEY + "\n")
        os.chmod(self.path("key"), 0o600)
        self.server = small_model.Server(self.path("server.log"), key=KEY)

    def tearDown(self):
        self.server.close()
        super().tearDown()

    def test_a_real_model_plans_a_run_which_replays_without_it(self):
        self.write("policy.yaml", "allow: [{path: optimizer.lr, min: 1e-5, max: 1e-2}]\n")
        self.write_config(base=experiments.CONFIG,
                          train={"steps": 200},
                          experiment={
                              "planner": "llm", "hold": 3600, "forks": 1, "briefing": 4096,
                              "policy": self.path("policy.yaml")
                          },
                          llm={
                              "api": "openai", "url": self.server.url, "model": small_model.NAME,
                              "key_file": self.path("key"), "max_tokens": 160, "timeout": SECONDS,
                              "budget": {"calls": CALLS}
                          })
        call = self.train("run", workers=1)
        done = call.end(3 * CALLS * SECONDS)
        self.assertEqual(done.code, 0, done)
        calls = [r["call"] for r in self.call_records("run")]
        self.assertIn(len(calls), range(1, CALLS + 1))
        for told in calls:
            self.assertEqual((told["status"], told["model"]), (200, small_model.NAME))
            self.assertGreater(told["prompt_tokens"], 500)
            self.assertGreater(told["answer_tokens"], 0)
            self.assertIn(told["stop"], STOPS)
        self.assert_texts_kept("run")
        self.assert_no_key("run")
        self.server.close()
        os.unlink(self.path("key"))
        done = self.succeed("ledger", "replay", "run", "--out", "again", "--workers", 1)
        self.assertIn(self.hash_of("run"), done.out)
        self.assertEqual(self.call_records("again"), [])
        for told in calls:
            print("%s: %d tokens in, %d out, %.1f s" %
                  (told["stop"], told["prompt_tokens"], told["answer_tokens"], told["ms"] / 1000))
        for found in self.ledger("run", "proposal"):
            print(found["proposal"]["patch"], found["proposal"]["hypothesis"])


if __name__ == "__main__":
    trireme.main()
