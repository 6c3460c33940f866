"""What a language model's server is asked, held against the official clients of both protocols:
their types, and what they send themselves for the same call. What the stand-ins answer is held
against the same types."""
import json
import os
import subprocess

import llm_packages
import llm_stand_in
import trireme
from llm_stand_in import ANTHROPIC, OPENAI, Answer, message, told
from test_llm import KEY, Models as Base
from tokenizer_packages import Missing

OFFICIAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "llm_official.py")
OWN_HEADERS = {"host", "content-length", "accept", "user-agent", "x-api-key"}


class Clients(Base):
    def check_client(self, api, **llm):
        try:
            python = llm_packages.provide_python()
        except Missing as why:
            self.skipTest(str(why))
        server = self.serve(api, lambda s, b: Answer(message(s.api, told())))
        self.configure(server, llm)
        call = self.train("run")
        self.wait_records(call, "run", 1, "event")
        self.stop(call)
        path, headers, body = server.requests[0]
        n = len(server.requests)
        asked = {
            "api": api, "url": server.url, "key": KEY, "body": body,
            "replies": [message(api, told())]
        }
        done = subprocess.run([python, "-I", OFFICIAL],
                              input=json.dumps(asked),
                              capture_output=True,
                              text=True,
                              timeout=trireme.bound(60))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        their_path, their_headers, their_body = server.requests[n]
        self.assertEqual((their_path, their_body), (path, body))
        ours = {name.lower(): value for name, value in headers.items()}
        theirs = {name.lower(): value for name, value in their_headers.items()}
        self.assertEqual(ours["content-type"], theirs["content-type"])
        self.assertTrue(any(KEY in value for value in theirs.values()))
        if api == ANTHROPIC:  # clients from 2.0 on send the key as others do, and a newer version
            self.assertIn("anthropic-version", theirs)
            self.assertEqual(ours["x-api-key"], KEY)
        else:
            self.assertEqual(ours["authorization"], theirs["authorization"])
        self.assertLessEqual(set(ours), set(theirs) | OWN_HEADERS)
        self.assertEqual(path, llm_stand_in.PATHS[api])

    def test_anthropics_client_sends_the_same(self):
        self.check_client(ANTHROPIC, effort="high")

    def test_openais_client_sends_the_same(self):
        self.check_client(OPENAI)

    def test_openais_client_sends_the_same_with_an_effort(self):
        self.check_client(OPENAI, effort="low")


if __name__ == "__main__":
    trireme.main()
