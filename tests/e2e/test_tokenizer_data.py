"""Data in the tokens of a tokenizer: prepared, trained on, evaluated in bits per byte, sampled,
exported."""
import json
import math
import os
import shutil
import struct

import trireme
from tiny_bpe import Tokenizer
from trireme import Case, text_like, token_file

SMALL = Tokenizer()
OTHER = Tokenizer(merges=["t h", "e r", "th e"])
WIDE = Tokenizer(first=70000)
CONTEXT = 16


def document(i):
    return "<%04d> then the thing: " % i + text_like(1000 + i, 900)


class TokenizerData(Case):
    def setUp(self):
        super().setUp()
        SMALL.write(self.path("small"))
        OTHER.write(self.path("other"))

    def write_files(self, folder, n):
        os.makedirs(self.path(folder))
        for i in range(n):
            self.write("%s/%04d.txt" % (folder, i), document(i))

    def prepare(self, source, out, *more, tokenizer="small"):
        done = self.succeed("data", "prepare", source, "--out", out, "--tokenizer", tokenizer,
                            "--json", *more)
        return json.loads(done.out), done.err

    def tokens(self, folder, kind):
        """Of the files of training or of validation."""
        found = []
        for name in sorted(os.listdir(self.path(folder))):
            if name.startswith(kind + "_"):
                data = self.read(os.path.join(folder, name))
                magic, version, n = struct.unpack_from("<3i", data)
                self.assertIn((magic, version), [(20240520, 1), (20240801, 7)])
                found += struct.unpack_from("<%d%s" % (n, "H" if version == 1 else "I"), data, 1024)
        return found

    def split(self, tokens, end):
        """Documents of a stream."""
        found, begin = [], 0
        for i, token in enumerate(tokens):
            if token == end:
                found.append(tokens[begin:i + 1])
                begin = i + 1
        self.assertEqual(begin, len(tokens))
        return found

    def config(self, name="run.yaml", vocab=SMALL.size, **changes):
        return self.write_config(
            name, **{
                "model": {"vocab": vocab}, "data": {"sources": [{"name": "text", "path": "data"}]},
                **changes
            })

    def train(self, *more, **changes):
        return self.succeed("train", self.config(**changes), "--out", "run", "--workers", 2, *more)

    # data prepare

    def test_documents_follow_each_other_each_with_its_end(self):
        self.write_files("in", 150)
        about, _ = self.prepare("in", "data")
        self.assertEqual((about["tokenizer"], about["vocab"], about["documents"]),
                         ("small", SMALL.size, 150))
        self.assertEqual(about["bytes"], sum(len(document(i)) for i in range(150)))
        self.assertEqual(about["vocabulary"]["end_of_text"], SMALL.end_id)
        right = {i: SMALL.encode(document(i)) for i in range(150)}
        documents = {}
        for kind in ("train", "val"):
            tokens = self.tokens("data", kind)
            self.assertEqual(about[kind]["tokens"], len(tokens))
            self.assertEqual(about[kind]["bytes"], sum(map(SMALL.bytes_of, tokens)))
            documents[kind] = self.split(tokens, SMALL.end_id)
        held_out = {i for i in right if right[i] in documents["val"]}
        self.assertTrue(held_out)
        self.assertEqual(sorted(documents["val"]), sorted(right[i] for i in held_out))
        self.assertEqual(documents["train"], [right[i] for i in range(150) if i not in held_out])
        # what is held out follows from the text, not from the tokens
        self.succeed("data", "prepare", "in", "--out", "bytes")
        raw = self.read("bytes/val_000000.bin")[1024::2].decode("latin-1")
        self.assertEqual({i for i in range(150) if "<%04d> " % i in raw}, held_out)

    def test_a_document_is_cut_into_blocks_of_its_own_tokens(self):
        text = text_like(5, 200000)
        self.write("text.txt", text)
        about, _ = self.prepare("text.txt", "data", "--val", "0.5")
        right, val, train = SMALL.encode(text), self.tokens("data",
                                                            "val"), self.tokens("data", "train")
        n = len(right) // 16384
        self.assertGreater(n, 3)
        blocks = [right[16384 * i:16384 * (i + 1) if i < n - 1 else None] for i in range(n)]
        ranges = sorted((int(r.get("first", 0)), int(r["tokens"]))
                        for part in ("dev", "gate", "sealed") for r in about[part])
        held_out = [val[first:first + tokens] for first, tokens in ranges]
        self.assertEqual(sum(map(len, held_out)), len(val))
        self.assertEqual(sorted(held_out), sorted(b for b in blocks if b in held_out))
        self.assertEqual(train, sum((b for b in blocks if b not in held_out), []))

    def test_any_number_of_jobs_gives_the_same_bytes_and_the_same_folder_is_accepted_again(self):
        self.write_files("in", 120)
        lines = "".join(json.dumps({"text": document(200 + i)}) + "\n" for i in range(50))
        self.write("in/lines.jsonl", lines + json.dumps({"text": document(3)}) + "\n")
        self.prepare("in", "data", "--field", "text", "--jobs", "1", "--name", "x")
        self.prepare("in", "two", "--field", "text", "--jobs", "2", "--name", "x")
        self.assertEqual(list(self.tree("data").values()), list(self.tree("two").values()))
        self.assertEqual(self.read("data/tokenizer.json"), self.read("small/tokenizer.json"))
        before = self.tree()
        self.prepare("in", "two", "--field", "text", "--name", "x", tokenizer="small")
        self.assertEqual(self.tree(), before)
        for tokenizer in ("other", "byte"):
            self.refuse(2, ["two: found data prepared from another text or with other options"],
                        "data", "prepare", "in", "--out", "two", "--field", "text", "--name", "x",
                        "--tokenizer", tokenizer)
        self.assertEqual(self.tree(), before)

    def test_a_large_vocabulary_has_tokens_of_32_bits(self):
        WIDE.write(self.path("wide"))
        self.write("text.txt", text_like(1, 300000))
        about, _ = self.prepare("text.txt", "data", tokenizer="wide/tokenizer.json")
        self.assertEqual((about["tokenizer"], about["vocab"]), ("wide", 70000 + len(WIDE.merges)))
        self.assertEqual(struct.unpack_from("<2i", self.read("data/train_000000.bin")),
                         (20240801, 7))
        found = self.tokens("data", "train") + self.tokens("data", "val")
        self.assertEqual(sorted(found), sorted(WIDE.encode(text_like(1, 300000))))
        self.train("--set", "train.steps=2", vocab=WIDE.size)
        self.refuse(3,
                    ["data/data.yaml",
                     "found a vocabulary of %d" % WIDE.size, "the model's 300"], "train",
                    self.config("low.yaml", vocab=300), "--out", "low", "--workers", 1)

    def test_without_an_end_of_text_nothing_stands_between_documents_and_a_line_says_so(self):
        endless = Tokenizer(end=None)
        endless.write(self.path("endless"))
        self.write_files("in", 3)
        about, err = self.prepare("in", "data", "--val", "0", tokenizer="endless")
        self.assertIn("no token that ends a text: nothing stands between documents\n", err)
        self.assertNotIn("end_of_text", about["vocabulary"])
        self.assertEqual(self.tokens("data", "train"),
                         sum((endless.encode(document(i)) for i in range(3)), []))

    def test_what_is_no_tokenizer_is_refused_and_nothing_is_written(self):
        self.write("text.txt", "some text")
        self.write("bad.json", self.read("small/tokenizer.json")[:-20])
        os.makedirs(self.path("empty"))
        unigram = json.loads(self.read("small/tokenizer.json"))
        unigram["model"]["type"] = "Unigram"
        self.write("unigram.json", json.dumps(unigram))
        before = self.tree()
        for tokenizer, code, parts in (("none", 2, ["--tokenizer: found 'none'", "byte"]),
                                       ("empty", 2, ["empty: found no tokenizer"]), ("bad.json", 3,
                                                                                     ["bad.json"]),
                                       ("unigram.json", 3, ["unigram.json", "Unigram", "BPE"])):
            self.refuse(code, parts, "data", "prepare", "text.txt", "--out", "sub/data",
                        "--tokenizer", tokenizer)
        self.assertEqual(self.tree(), before)
        self.assert_nothing("sub")

    # Runs

    def data(self):
        self.write_files("in", 150)
        return self.prepare("in", "data")[0]

    def test_bits_per_byte_are_of_the_bytes_that_the_targets_stand_for(self):
        about = self.data()
        self.train()
        dev, val = about["dev"][0], self.tokens("data", "val")
        part = val[int(dev.get("first", 0)):][:int(dev["tokens"])]
        targets = [part[i * CONTEXT + k + 1] for i in range(8) for k in range(CONTEXT)]
        self.assertIn(SMALL.end_id, part)
        bytes_read = sum(map(SMALL.bytes_of, targets))
        self.assertNotAlmostEqual(bytes_read / len(targets),
                                  about["bytes"] / len(val + self.tokens("data", "train")),
                                  places=3)  # a mean of the corpus would be another number
        for found in (self.metrics("run", "eval")[-1],
                      json.loads(self.succeed("eval", "run", "--json").out)):
            nats = found["val_loss"] * len(targets)
            self.assertAlmostEqual(found["val_bpb"], nats / (math.log(2) * bytes_read), places=9)
        gate = json.loads(self.succeed("eval", "run", "--json", "--part", "gate").out)
        first = int(about["gate"][0]["first"])
        part = val[first:][:int(about["gate"][0]["tokens"])]
        n = (len(part) - 1) // CONTEXT * CONTEXT
        self.assertAlmostEqual(gate["val_bpb"],
                               gate["val_loss"] * n /
                               (math.log(2) * sum(map(SMALL.bytes_of, part[1:n + 1]))),
                               places=9)

    def test_sources_of_different_tokenizers_are_refused(self):
        self.data()
        self.prepare("in", "more", tokenizer="other")
        self.succeed("data", "prepare", "in", "--out", "bytes")
        for second, name in (("more", "'other'"), ("bytes", "'byte'")):
            sources = [{"name": "a", "path": "data"}, {"name": "b", "path": second}]
            done = self.run_it("train", self.config(data={"sources": sources}), "--out", "run",
                               "--workers", 1)
            self.assertEqual(done.code, 3)
            for part in ("'small' in 'a'", name + " in 'b'", "expected one tokenizer"):
                self.assertIn(part, done.err)

    def test_a_tokenizer_that_is_not_the_datas_is_refused(self):
        self.data()
        self.train()
        whole = self.read("data/tokenizer.json")
        self.change("data/tokenizer.json", -3, b" ")
        self.refuse(3, ["data/tokenizer.json", "found digest", "as in data.yaml"], "eval", "run")
        os.remove(self.path("data/tokenizer.json"))
        self.refuse(3, ["data/tokenizer.json"], "eval", "run")
        self.write("data/tokenizer.json", whole)
        self.succeed("eval", "run")
        shutil.copy(self.path("other/tokenizer.json"), self.path("run/tokenizer/tokenizer.json"))
        for words in (["sample", "run", "--prompt", "a"], ["export", "run", "--out", "out"]):
            self.refuse(3, ["tokenizer: found a tokenizer of digest", "that of the run's data"],
                        *words)

    def test_a_run_keeps_its_tokenizer_when_the_data_are_gone(self):
        self.data()
        self.train()
        kept = {os.path.basename(name): data for name, data in self.tree("run/tokenizer").items()}
        self.assertEqual(kept, {"tokenizer.json": SMALL.json().encode()})
        for gone in ("data", "small", "in"):
            shutil.rmtree(self.path(gone))
        words = ["sample", "run", "--prompt", "then the", "--tokens", 12]
        said = self.succeed(*words).out
        self.assertTrue(said.startswith("then the"), said)
        self.assertEqual(self.succeed(*words).out, said)
        self.assertTrue(json.loads(self.succeed(*words, "--json").out)["text"][8:])
        self.succeed("export", "run", "--out", "out")
        self.assertEqual(self.read("out/tokenizer.json"), SMALL.json().encode())
        config = json.loads(self.read("out/tokenizer_config.json"))
        self.assertEqual(config["eos_token"], "<|endoftext|>")
        self.succeed("export", "run@4", "--out", "out")
        os.rename(self.path("run/tokenizer"), self.path("run/away"))
        self.refuse(2, ["found a vocabulary of %d" % SMALL.size, "RUN/tokenizer"], "sample", "run",
                    "--prompt", "a")

    def test_a_resume_writes_a_tokenizer_that_is_gone_again(self):
        self.data()
        self.train()
        shutil.rmtree(self.path("run/tokenizer"))
        self.succeed("resume", "run", "--set", "train.steps=13", "--workers", 1)
        self.assertEqual(self.read("run/tokenizer/tokenizer.json"), SMALL.json().encode())

    def test_a_sample_ends_where_the_model_ends_the_text(self):
        os.makedirs(self.path("in"))
        for letter in "abcdefghijklmnopqrstuvwxyz":
            self.write("in/" + letter, letter)
        self.prepare("in", "data", "--val", "0")
        self.train("--set",
                   "optimizer.lr=0.03",
                   "--set",
                   "train.steps=60",
                   "--set",
                   "checkpoint.every=60",
                   eval={"every": 0})
        done = self.succeed("sample", "run", "--prompt", "k", "--tokens", 50, "--temperature", 0)
        self.assertEqual(done.out, "k\n")

    def test_a_prepared_folder_is_a_tokenizer_for_other_texts(self):
        first = self.data()
        self.write("more.txt", text_like(3, 300))
        about, _ = self.prepare("more.txt", "more", "--val", "0", tokenizer="data")
        self.assertEqual((about["tokenizer"], about["vocabulary"]), ("small", first["vocabulary"]))
        self.assertEqual(self.tokens("more", "train"), SMALL.encode(text_like(3, 300)))

    def test_token_files_made_elsewhere_are_taken_for_the_base_models(self):
        self.data()
        self.train()
        self.succeed("export", "run", "--out", "base")
        self.write("tokens.bin", token_file(self.tokens("data", "train")))
        config = json.loads(self.read(self.config("foreign.yaml", train={"steps": 2})))
        del config["model"]
        config["init"] = {"from": "base"}
        config["data"]["sources"][0]["path"] = "tokens.bin"
        self.write("foreign.yaml", json.dumps(config))
        done = self.succeed("train", "foreign.yaml", "--out", "foreign", "--workers", 2)
        self.assertIn(
            "do not say what their tokens stand for; samples and exports take the "
            "tokenizer in base", done.out + done.err)
        shutil.rmtree(self.path("base"))
        self.succeed("resume", "foreign", "--set", "train.steps=4", "--workers", 1)
        self.succeed("sample", "foreign", "--prompt", "the", "--tokens", 3)
        self.succeed("export", "foreign", "--out", "out")
        self.assertEqual(self.read("out/tokenizer.json"), SMALL.json().encode())
        self.assertIn("vocabulary", self.read("foreign/data.yaml").decode())

    def test_a_base_model_of_other_tokens_is_said(self):
        self.data()
        self.train()
        self.succeed("export", "run", "--out", "base")
        same = self.config("same.yaml", train={"steps": 1})
        config = json.loads(self.read(same))
        del config["model"]
        config["init"] = {"from": "base"}
        self.write("same.yaml", json.dumps(config))
        done = self.succeed("train", "same.yaml", "--out", "same", "--workers", 1)
        self.assertNotIn("warning", done.out + done.err)
        self.prepare("in", "others", tokenizer="other")
        config["data"]["sources"][0]["path"] = "others"
        self.write("changed.yaml", json.dumps(config))
        done = self.succeed("train", "changed.yaml", "--out", "changed", "--workers", 2)
        self.assertEqual((done.out + done.err).count("warning: the data's tokens are not those of"),
                         1)


if __name__ == "__main__":
    trireme.main()
