"""Ids of real tokenizers against those of Hugging Face's `tokenizers`, on ten megabytes of code,
prose, and what tokenizers stumble over. Skipped where the packages cannot be had."""
import json
import os
import random
import struct
import subprocess
import unicodedata
import unittest

import tokenizer_packages as packages
import tokenizer_texts as texts
import trireme

SIZE = 1_000_000 if "ASAN_OPTIONS" in os.environ else 10_000_000  # sanitizers are slow
ENDS = {"gpt2": 50256, "llama3": 128001, "qwen3": 151645}
VOCABS = {"gpt2": 50257, "llama3": 128256, "qwen3": 151669}
# The pattern of GPT-4o, which Mistral's tokenizers have in a like form.
LETTERS = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]%s[\p{Ll}\p{Lm}\p{Lo}\p{M}]%s"
O200K = "|".join([
    LETTERS % ("*", "+") + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    LETTERS % ("+", "*") + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"
])
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

    def ours(self, folder, documents, *options):
        texts.write_documents(self.path("documents"), documents)
        out = subprocess.run([
            os.environ["ENCODE_FILE"], folder, "--documents", *options, "--out",
            self.path("ours"),
            self.path("documents")
        ],
                             stdout=subprocess.PIPE,
                             check=True,
                             timeout=trireme.bound(120)).stdout
        return json.loads(out), texts.read_ids(self.path("ours"))

    def theirs(self, folder, documents, specials):
        texts.write_documents(self.path("documents"), documents)
        out = subprocess.run([
            packages.PYTHON, "-B",
            os.path.join(HERE, "tokenizer_reference.py"), folder,
            self.path("documents"),
            self.path("theirs"), specials
        ],
                             stdout=subprocess.PIPE,
                             check=True,
                             timeout=trireme.bound(300)).stdout
        return json.loads(out), texts.read_ids(self.path("theirs"))

    def check_valid(self, name):
        for specials, options in (("ordinary", []), ("specials", ["--specials"])):
            folder = packages.folder_of(name)
            about, ours = self.ours(folder, self.valid, *options)
            run, theirs = self.theirs(folder, self.valid, specials)
            self.assertEqual(about["vocab"], VOCABS[name])
            self.assertEqual(about["end_of_text"], ENDS[name])
            self.assertEqual(len(ours), len(theirs))
            for document, mine, right in zip(self.valid, ours, theirs):
                self.assertEqual(mine, right, document[:2000])
            print("%s, %s: %d documents, %d equal ids; CPU seconds %.2f, of tokenizers %.2f" %
                  (name, specials, len(ours), sum(map(len,
                                                      ours)), about["median"], run["seconds"][0]),
                  flush=True)

    def check_prepared(self, name):
        """The files of data prepare are the documents one after the other, each with the end of a
        text; documents come again only once."""
        folder = packages.folder_of(name)
        documents = list(dict.fromkeys(d for d in self.valid if d))
        self.write("in.jsonl", "".join(json.dumps({"text": d.decode()}) + "\n" for d in self.valid))
        out = self.succeed("data", "prepare", "in.jsonl", "--field", "text", "--tokenizer", folder,
                           "--out", "data", "--val", "0", "--jobs", "2", "--json").out
        _, theirs = self.theirs(folder, documents, "ordinary")
        right = [i for ids in theirs for i in (*ids, ENDS[name])]
        data = self.read("data/train_000000.bin")
        wide = VOCABS[name] > 65536
        self.assertEqual(struct.unpack_from("<3i", data), (20240801, 7, len(right)) if wide else
                         (20240520, 1, len(right)))
        found = list(struct.unpack_from("<%d%s" % (len(right), "I" if wide else "H"), data, 1024))
        self.assertTrue(found == right, "ids differ")
        about = json.loads(out)
        self.assertEqual((about["vocab"], about["documents"]), (VOCABS[name], len(documents)))
        if name != "qwen3":  # which brings texts into a normal form of other bytes
            self.assertEqual(about["train"]["bytes"], sum(map(len, documents)))
        print("%s: %d documents prepared, %d equal ids" % (name, len(documents), len(right)),
              flush=True)

    def check_damaged(self, name):
        """Bytes come back, and in front of the first bad one ids are the right ones: up to the last
        space there, where a word ends whatever follows."""
        _, ours = self.ours(packages.folder_of(name), self.damaged)
        run, theirs = self.theirs(packages.folder_of(name), self.damaged, "ordinary")
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
        self.assertGreater(checked, SIZE // 1000)

    def check_bytes(self, name):
        with open(self.path("bytes"), "wb") as f:
            f.write(b"".join(self.damaged))
        out = subprocess.run(
            [os.environ["ENCODE_FILE"],
             packages.folder_of(name),
             self.path("bytes")],
            stdout=subprocess.PIPE,
            check=True,
            timeout=trireme.bound(120)).stdout
        self.assertTrue(json.loads(out)["same"])

    def check_changed(self, change):
        """Qwen's tokenizer.json with a change, on a part of the texts."""
        with open(os.path.join(packages.folder_of("qwen3"), "tokenizer.json")) as f:
            tokenizer = json.load(f)
        change(tokenizer)
        folder = self.path("changed")
        os.makedirs(folder)
        with open(os.path.join(folder, "tokenizer.json"), "w") as f:
            json.dump(tokenizer, f)
        _, ours = self.ours(folder, self.valid[1::3])
        _, theirs = self.theirs(folder, self.valid[1::3], "ordinary")
        for document, mine, right in zip(self.valid[1::3], ours, theirs):
            self.assertEqual(mine, right, document[:2000])

    def test_a_pattern_without_a_scanner(self):
        def change(tokenizer):
            split = tokenizer["pre_tokenizer"]["pretokenizers"][0]
            split["pattern"]["Regex"] = O200K

        self.check_changed(change)

    def test_numbers_one_by_one_before_gpt2s_pattern(self):
        """As SmolLM's tokenizers have it."""
        def change(tokenizer):
            tokenizer["pre_tokenizer"] = {
                "type": "Sequence",
                "pretokenizers": [{"type": "Digits", "individual_digits": True}, {
                    "type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                    "use_regex": True
                }]
            }

        self.check_changed(change)

    def test_runs_of_spaces_as_added_tokens_in_normal_form(self):
        def change(tokenizer):
            tokenizer["pre_tokenizer"] = {
                "type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True
            }
            for content in [" " * n for n in range(24, 1, -1)] + ["e\u0301"]:
                tokenizer["added_tokens"].append({
                    "id": tokenizer["added_tokens"][-1]["id"] + 1, "content": content,
                    "single_word": False, "lstrip": False, "rstrip": False, "normalized": True,
                    "special": False
                })

        self.check_changed(change)

    def test_gpt2_prepared(self):
        self.check_prepared("gpt2")

    def test_llama3_prepared(self):
        self.check_prepared("llama3")

    def test_qwen3_prepared(self):
        self.check_prepared("qwen3")

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
