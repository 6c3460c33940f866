"""Ids of real tokenizers against those of Hugging Face's `tokenizers`, on ten megabytes of code,
prose, and what tokenizers stumble over. Skipped where the packages cannot be had."""
import json
import os
import random
import subprocess
import unicodedata
import unittest

import tokenizer_packages as packages
import tokenizer_texts as texts
import trireme

SIZE = 10_000_000
ENDS = {"gpt2": 50256, "llama3": 128001, "qwen3": 151645}
VOCABS = {"gpt2": 50257, "llama3": 128256, "qwen3": 151669}
HERE = os.path.dirname(os.path.abspath(__file__))

try:
    packages.provide()
    missing = None
except packages.Missing as error:
    missing = str(error)


@unittest.skipIf(missing, missing)
class Tokenizers(trireme.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        draw = random.Random(7)
        cls.valid = [d.encode() for d in texts.documents(texts.corpus(SIZE), draw)]
        cls.damaged = [texts.damage(d.decode(), draw) for d in cls.valid if d]

    def ours(self, name, documents, *options):
        texts.write_documents(self.path("documents"), documents)
        out = subprocess.run([
            os.environ["ENCODE_FILE"],
            packages.folder_of(name), "--documents", *options, "--out",
            self.path("ours"),
            self.path("documents")
        ], stdout=subprocess.PIPE, check=True, timeout=trireme.bound(120)).stdout
        return json.loads(out), texts.read_ids(self.path("ours"))

    def theirs(self, name, documents, specials):
        texts.write_documents(self.path("documents"), documents)
        out = subprocess.run([
            packages.PYTHON, "-B",
            os.path.join(HERE, "tokenizer_reference.py"),
            packages.folder_of(name),
            self.path("documents"),
            self.path("theirs"), specials
        ], stdout=subprocess.PIPE, check=True, timeout=trireme.bound(300)).stdout
        return json.loads(out), texts.read_ids(self.path("theirs"))

    def check_valid(self, name):
        for specials, options in (("ordinary", []), ("specials", ["--specials"])):
            about, ours = self.ours(name, self.valid, *options)
            run, theirs = self.theirs(name, self.valid, specials)
            self.assertEqual(about["vocab"], VOCABS[name])
            self.assertEqual(about["end_of_text"], ENDS[name])
            self.assertEqual(len(ours), len(theirs))
            for document, mine, right in zip(self.valid, ours, theirs):
                self.assertEqual(mine, right, document[:2000])
            print("%s, %s: %d documents, %d equal ids; CPU seconds %.2f, of tokenizers %.2f" %
                  (name, specials, len(ours), sum(map(len, ours)), about["median"],
                   run["seconds"][0]), flush=True)

    def check_damaged(self, name):
        """Bytes come back, and in front of the first bad one ids are the right ones: up to the last
        space there, where a word ends whatever follows."""
        _, ours = self.ours(name, self.damaged)
        run, theirs = self.theirs(name, self.damaged, "ordinary")
        sizes, checked = run["sizes"], 0
        for document, mine, right in zip(self.damaged, ours, theirs):
            valid = document.decode("utf-8", "replace").split("\ufffd")[0]
            sure = valid.rstrip() if valid[-1:].isspace() else valid[:valid.rfind(" ") + 1].rstrip()
            if name == "qwen3":
                sure = unicodedata.normalize("NFC", sure)
            same = 0
            for a, b in zip(mine, right):
                if a != b:
                    break
                same += sizes[a]
            self.assertGreaterEqual(same, len(sure.encode()), document[:2000])
            checked += same
            if name != "qwen3":
                self.assertEqual(sum(sizes[i] for i in mine), len(document))
        self.assertGreater(checked, 10000)

    def check_bytes(self, name):
        with open(self.path("bytes"), "wb") as f:
            f.write(b"".join(self.damaged))
        out = subprocess.run([
            os.environ["ENCODE_FILE"],
            packages.folder_of(name),
            self.path("bytes")
        ], stdout=subprocess.PIPE, check=True, timeout=trireme.bound(120)).stdout
        self.assertTrue(json.loads(out)["same"])

    def test_gpt2(self):
        self.check_valid("gpt2")

    def test_llama3(self):
        self.check_valid("llama3")

    def test_qwen3(self):
        self.check_valid("qwen3")

    def test_gpt2_on_bytes_that_are_not_utf8(self):
        self.check_damaged("gpt2")
        self.check_bytes("gpt2")

    def test_llama3_on_bytes_that_are_not_utf8(self):
        self.check_damaged("llama3")
        self.check_bytes("llama3")

    def test_qwen3_on_bytes_that_are_not_utf8(self):
        self.check_damaged("qwen3")


if __name__ == "__main__":
    trireme.main()
