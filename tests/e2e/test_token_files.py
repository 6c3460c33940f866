"""Token files made elsewhere: read as what they are or refused; validation by the words of names;
the same bytes from launch to launch."""
import gzip
import os
import struct

import trireme
from trireme import Case, token_file

SEQUENTIAL = {"order": "sequential"}


def tokens(n, seed=1, below=200):
    """Numbers that follow no simple rule."""
    found, x = [], seed
    for _ in range(n):
        x = (x * 1103515245 + 12345) % 2**31
        found.append((x >> 8) % below)
    return found


def npy(kind, numbers):
    """Bytes as numpy.save writes them, of one dimension; kind: '<u2' and the like."""
    letter = {"<u2": "H", "<i4": "i", "<i8": "q"}[kind]
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" % (kind, len(numbers))
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
            struct.pack("<%d%s" % (len(numbers), letter), *numbers))


class ForeignFiles(Case):
    def setUp(self):
        super().setUp()
        self.tokens = tokens(2000)
        self.write("llmc.bin", token_file(self.tokens))
        self.expected = self.losses_of("llmc.bin")

    def losses_of(self, path, *more, form="auto"):
        self.write_config(data={**SEQUENTIAL, "sources": [{"name": "t", "path": path,
                                                           "format": form}]},
                          train={"steps": 3}, eval={"every": 0})
        out = "run-" + path.replace("/", "-") + form
        self.succeed("train", "run.yaml", "--out", out, "--workers", 1, *more)
        return self.losses(out)

    def test_arrays_of_numpy_give_the_losses_of_the_same_tokens(self):
        for kind in ("<u2", "<i4", "<i8"):
            self.write("a%s.npy" % kind[1:], npy(kind, self.tokens))
            for form in ("auto", "nanogpt"):
                self.assertEqual(self.losses_of("a%s.npy" % kind[1:], form=form), self.expected)

    def test_megatrons_files_give_the_losses_of_the_same_tokens(self):
        n = len(self.tokens)
        self.write("text.bin", struct.pack("<%di" % n, *self.tokens))
        self.write(
            "text.idx", b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, 4, 2, 3) +
            struct.pack("<2i2q3q", 1500, n - 1500, 0, 6000, 0, 1, 2))
        self.assertEqual(self.losses_of("text.bin"), self.expected)
        self.cut("text.bin", -4)
        self.refuse(3, ["text.bin", "found 7996 bytes, expected 8000", "text.idx"], "train",
                    "run.yaml", "--out", "cut")
        self.assert_nothing("cut")

    def test_tokens_of_a_large_vocabulary_have_32_bits_without_a_header(self):
        wide = [t + 69000 * (i % 2) for i, t in enumerate(self.tokens)]
        header = struct.pack("<256i", 20240801, 7, len(wide), *[0] * 253)
        body = struct.pack("<%dI" % len(wide), *wide)
        self.write("wide.bin", header + body)
        self.write("bare.bin", body)
        large = ("--set", "model.vocab=70000")
        self.assertEqual(self.losses_of("bare.bin", *large, form="nanogpt"),
                         self.losses_of("wide.bin", *large))

    def test_what_holds_no_tokens_is_refused_by_its_name_whatever_is_said(self):
        self.write("a.bin", gzip.compress(token_file(self.tokens)))
        self.write("b.bin", "It was the best of times, it was the worst of times.\n" * 50)
        for name, what in (("a.bin", "compressed by gzip"), ("b.bin", "found text")):
            for form in ("auto", "nanogpt"):
                self.write_config(data={"sources": [{"name": "t", "path": name, "format": form}]})
                self.refuse(3, [name, what], "train", "run.yaml", "--out", "run")
                self.assert_nothing("run")


class Names(Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("d"))
        self.train, self.val = tokens(16 * 20 + 1), tokens(16 * 20 + 1, 2)
        self.write("d/pretrain_train_0.bin", token_file(self.train))
        self.write_config(data={**SEQUENTIAL, "sources": [{"name": "t", "path": "d"}]})

    def test_validation_beside_another_word_is_measured_and_not_trained_on(self):
        self.write("alone.bin", token_file(self.train))
        self.succeed("train", "run.yaml", "--out", "alone", "--workers", 1, "--set",
                     "data.sources.0.path=alone.bin")
        self.write("d/pretrain_val_0.bin", token_file(self.val))
        self.write("d/other.bin", token_file(self.val))
        done = self.succeed("train", "run.yaml", "--out", "run", "--workers", 1)
        self.assertEqual(self.losses("run"), self.losses("alone"))
        self.assertTrue(self.metrics("run", "eval"))
        self.assertEqual(
            done.out.count("source 't': training d/pretrain_train_0.bin (321 tokens), validation "
                           "d/pretrain_val_0.bin (321 tokens), not read d/other.bin\n"), 1, done)
        record = self.read("run/data.yaml").decode()
        self.assertRegex(record, r"path: d/pretrain_train_0\.bin\n +use: training\n")
        self.assertRegex(record, r"path: d/pretrain_val_0\.bin\n +use: validation\n")

    def test_a_name_that_says_both_is_refused(self):
        self.write("d/val_of_train.bin", token_file(self.val))
        self.refuse(3, ["d/val_of_train.bin", "'train'", "'val'"], "train", "run.yaml", "--out",
                    "run")
        self.assert_nothing("run")

    def test_validation_too_short_for_a_sample_says_how_long_it_is_and_must_be(self):
        self.write("d/val_0.bin", token_file(self.val[:12]))
        done = self.succeed("train", "run.yaml", "--out", "run", "--workers", 1)
        self.assertIn("'t' is left out of evaluation: it has 12 validation tokens", done.out)
        self.assertIn("one sample needs 17", done.out)
        self.assertNotIn("no validation part", done.out)


class Rewritten(Case):
    """A run of 12 steps that goes on after its token file was changed."""
    def setUp(self):
        super().setUp()
        self.once(self.make)

    def make(self):
        self.write("t.bin", token_file(tokens(20000)))
        self.write_config(data={"sources": [{"name": "t", "path": "t.bin"}]}, eval={"every": 0})
        self.succeed("train", "run.yaml", "--out", "run", "--workers", 1)

    def flip(self, name, place):
        self.change(name, place, bytes([self.read(name)[place] ^ 1]))
        os.utime(self.path(name), (1e9, 1e9))

    def go_on(self):
        return ["resume", "run", "--workers", 2, "--set", "train.steps=14"]

    def test_another_date_is_the_same_file(self):
        os.utime(self.path("t.bin"), (1e9, 1e9))
        self.succeed(*self.go_on())
        self.assert_whole("run", 14)

    def test_one_flipped_bit_is_refused_with_both_digests_before_a_step(self):
        expected = self.read("run/data.yaml").decode().split("digest: ")[1].split()[0].strip("'\"")
        for place in (20000, 1030):
            self.flip("t.bin", place)
            self.refuse(3, ["t.bin", "found digest", "expected " + expected], *self.go_on())
            self.flip("t.bin", place)
        self.assert_whole("run", 12)
        self.succeed(*self.go_on())

    def test_a_run_without_the_record_is_completed_once_with_a_note(self):
        os.unlink(self.path("run/data.yaml"))
        note = "recorded no digests of the token files"
        self.assertIn(note, self.succeed(*self.go_on()).out)
        done = self.succeed("resume", "run", "--workers", 1, "--set", "train.steps=16")
        self.assertNotIn(note, done.out)
        self.flip("t.bin", 20000)
        self.refuse(3, ["t.bin", "found digest"], "resume", "run", "--workers", 1, "--set",
                    "train.steps=18")

    def test_a_bit_that_flips_in_a_prepared_folder_is_refused_before_a_step(self):
        self.write_data()
        self.write_config()
        for name in ("data/train_000000.bin", "data/val_000000.bin"):
            place = os.path.getsize(self.path(name)) // 2
            self.flip(name, place)
            self.refuse(3, [name, "found digest", "expected", "as in data.yaml"], "train",
                        "run.yaml", "--out", "new", "--workers", 1)
            self.assertEqual(self.checkpoints("new"), [])
            self.assertEqual(self.steps_done("new"), 0)
            self.flip(name, place)
        self.succeed("train", "run.yaml", "--out", "new", "--workers", 1)


if __name__ == "__main__":
    trireme.main()
