"""What a language model's server is asked, held against the official clients of both protocols:
their types, and what they send themselves for the same call. What the stand-ins answer is held
against the same types."""
import json
import os
import subprocess
import tempfile

import llm_packages
import llm_stand_in
import trireme
from llm_stand_in import ANTHROPIC, OPENAI, Answer, message, told
from test_llm import KEY, Models as Base
from tokenizer_packages import Missing

HERE = os.path.dirname(os.path.abspath(__file__))
OFFICIAL = os.path.join(HERE, "llm_official.py")
OFFICIAL_OF_NODE = os.path.join(HERE, "llm_official.mjs")
TYPES = {
    ANTHROPIC: ("MessageCreateParamsNonStreaming", "@anthropic-ai/sdk/resources/messages"),
    OPENAI: ("ChatCompletionCreateParamsNonStreaming", "openai/resources/chat/completions")
}
OWN_HEADERS = {"host", "content-length", "accept", "user-agent", "x-api-key"}


class Clients(Base):
    def record_call(self, api, **llm):
        """The server, and its first question: path, headers, body."""
        server = self.serve(api, lambda s, b: Answer(message(s.api, told())))
        self.configure(server, llm)
        call = self.train("run")
        self.wait_records(call, "run", 1, "event")
        self.stop(call)
        return server, *server.requests[0]

    def run_client(self, command, asked):
        done = subprocess.run(command,
                              input=json.dumps(asked),
                              capture_output=True,
                              text=True,
                              timeout=trireme.bound(60))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def check_client(self, api, **llm):
        try:
            python = llm_packages.provide_python()
        except Missing as why:
            self.skipTest(str(why))
        server, path, headers, body = self.record_call(api, **llm)
        n = len(server.requests)
        self.run_client([python, "-I", OFFICIAL], {
            "api": api, "url": server.url, "key": KEY, "body": body,
            "replies": [message(api, told())]
        })
        self.check_same(api, (path, headers, body), server.requests[n])

    def check_same(self, api, ours, theirs):
        path, headers, body = ours
        their_path, their_headers, their_body = theirs
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

    def compile_body(self, node, api, body):
        """What TypeScript's compiler says of a literal of the client's type."""
        name, module = TYPES[api]
        with tempfile.TemporaryDirectory(dir=llm_packages.FOLDER) as folder:
            with open(os.path.join(folder, "body.ts"), "w") as f:
                f.write("import type { %s } from %s;\nexport const body: %s = %s;\n" %
                        (name, json.dumps(module), name, json.dumps(body)))
            done = subprocess.run([
                node, llm_packages.COMPILER, "--noEmit", "--strict", "--skipLibCheck", "--target",
                "es2022", "--module", "nodenext", "--types", "", "body.ts"
            ],
                                  cwd=folder,
                                  capture_output=True,
                                  text=True,
                                  timeout=trireme.bound(120))
        return done.returncode, done.stdout + done.stderr

    def check_client_of_node(self, api, **llm):
        try:
            node = llm_packages.provide_node()
        except Missing as why:
            self.skipTest(str(why))
        server, path, headers, body = self.record_call(api, **llm)
        self.assertEqual(self.compile_body(node, api, body), (0, ""))
        code, said = self.compile_body(node, api, {**body, "max_token": 1})  # it does look
        self.assertNotEqual(code, 0)
        self.assertIn("max_token", said)
        n = len(server.requests)
        self.run_client([node, OFFICIAL_OF_NODE], {
            "api": api, "url": server.url, "key": KEY, "body": body, "modules": llm_packages.MODULES
        })
        self.check_same(api, (path, headers, body), server.requests[n])

    def test_anthropics_client_sends_the_same(self):
        self.check_client(ANTHROPIC, effort="high")

    def test_openais_client_sends_the_same(self):
        self.check_client(OPENAI)

    def test_openais_client_sends_the_same_with_an_effort(self):
        self.check_client(OPENAI, effort="low")

    def test_anthropics_client_of_npm_has_the_same_types_and_sends_the_same(self):
        self.check_client_of_node(ANTHROPIC, effort="high")

    def test_openais_client_of_npm_has_the_same_types_and_sends_the_same(self):
        self.check_client_of_node(OPENAI, effort="low")

    def test_openais_client_of_npm_sends_the_same_without_an_effort(self):
        self.check_client_of_node(OPENAI)


if __name__ == "__main__":
    trireme.main()
