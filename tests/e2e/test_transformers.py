"""Configurations that transformers writes: what it computes with them, and what Trireme does; what
Trireme exports of them, opened by transformers. Skipped where transformers cannot be had."""
import array
import json
import os
import random
import select
import subprocess
import unittest

import transformers_packages as packages
import trireme

SAMPLES = 4
COUNTS = (1, 2, 5, 9, 16, 17, 33, 48, 64)  # tokens before the logits that are compared
LENGTHS = {"llama-llama3-long": 1024}  # of a sample, for models of a longer context
CLOSE = 2e-5  # of the largest logit; of the loss
HERE = os.path.dirname(os.path.abspath(__file__))

try:
    packages.provide("5", "4")
    missing = None
except packages.Missing as error:
    missing = str(error)


def numbers_of(path):
    found = array.array("f")
    with open(path, "rb") as f:
        found.frombytes(f.read())
    return found


def deviation(mine, theirs):
    """The largest difference, relative to the largest logit."""
    assert len(mine) == len(theirs) > 0
    return max(abs(a - b) for a, b in zip(mine, theirs)) / max(map(abs, theirs))


@unittest.skipIf(missing, missing)
class Transformers(trireme.Case):
    def setUp(self):
        super().setUp()
        self.readers = {}

    def tearDown(self):
        for reader in self.readers.values():
            reader.kill()
            reader.communicate()
        super().tearDown()

    def reference(self, version, *words):
        return subprocess.Popen([
            packages.python_of(version), "-B",
            os.path.join(HERE, "transformers_reference.py"), *words
        ],
                                cwd=self.folder,
                                text=True,
                                stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)

    def make(self, version):
        out, _ = self.reference(version, "make", "made").communicate(timeout=trireme.bound(120))
        return json.loads(out.splitlines()[-1])

    def write_tokens(self, vocab, length):
        """The same samples for both programs: windows that overlap by one token."""
        draw = random.Random(61)
        tokens = [draw.randrange(vocab) for _ in range(SAMPLES * length + 1)]
        self.write("tokens.bin", trireme.token_file(tokens))
        windows = array.array("i")
        for i in range(SAMPLES):
            windows.extend(tokens[i * length:(i + 1) * length + 1])
        self.write("windows", windows.tobytes())

    def theirs(self, version, folder, counts):
        """The loss and the logits of that version, which reads one folder after the other."""
        if version not in self.readers:
            self.readers[version] = self.reference(version, "logits")
        reader = self.readers[version]
        reader.stdin.write(
            json.dumps({"folder": folder, "tokens": "windows", "out": "theirs", "counts": counts}) +
            "\n")
        reader.stdin.flush()
        self.assertTrue(select.select([reader.stdout], [], [], trireme.bound(120))[0], folder)
        return json.loads(reader.stdout.readline())["loss"], numbers_of(self.path("theirs"))

    def ours(self, folder, counts):
        subprocess.run([os.environ["LOGITS"], folder, "windows", "ours", *map(str, counts)],
                       cwd=self.folder,
                       check=True,
                       timeout=trireme.bound(60))
        return numbers_of(self.path("ours"))

    def export(self, folder, name):
        """Trains one step at a rate of 0 and exports. Returns the loss."""
        config = self.write_config(name + ".yaml",
                                   base={
                                       "init": {"from": folder}, "data": {
                                           "order": "sequential",
                                           "sources": [{"name": "t", "path": "tokens.bin"}]
                                       }, "train": {"steps": 1, "batch": SAMPLES,
                                                    "microbatch": 1}, "optimizer": {"lr": 0},
                                       "schedule": {"kind": "constant", "warmup": 0},
                                       "eval": {"every": 0}, "checkpoint": {"every": 0}
                                   })
        self.succeed("train", config, "--out", name + "-run", "--workers", 1)
        self.succeed("export", name + "-run", "--out", name + "-out")
        return self.metrics(name + "-run", "train")[0]["loss"]

    def check(self, version):
        made = self.make(version)
        print("\nmade by transformers %s: largest deviation of a logit, relative to the largest; "
              "of the loss; of a logit of the export opened by 5.x, by 4.x" % made["transformers"],
              flush=True)
        for name in made["names"]:
            length = LENGTHS.get(name, max(COUNTS))
            counts = COUNTS + (length, )
            self.write_tokens(97, length)
            folder = "made/" + name
            loss, theirs = self.theirs(version, folder, counts)
            away = [deviation(self.ours(folder, counts), theirs)]
            away.append(abs(self.export(folder, name) - loss) / loss)
            away += [deviation(self.theirs(v, name + "-out", counts)[1], theirs) for v in "54"]
            print("%-24s %8.1e %8.1e %8.1e %8.1e" % (name, *away), flush=True)
            self.assertLess(max(away), CLOSE, name)

    def test_models_of_the_current_transformers_have_its_logits_and_its_loss(self):
        self.check("5")

    def test_models_of_transformers_4_have_its_logits_and_its_loss(self):
        self.check("4")


if __name__ == "__main__":
    trireme.main()
