#!/usr/bin/env python3
"""tokens.py COPY_TOKENS [--files N] [--seed S]: token files of all kinds that are read, and files
that are none, each with one to three mutations, read by the program (copy_tokens.c) and by an
independent reader (token_files.py).

Fails as models.py does, and where a file that holds no tokens is read. Prints how many there were
of each outcome."""
import argparse
import collections
import gzip
import json
import os
import random
import shutil
import struct
import sys
import tempfile

import models
from hugging_face import Refused
from token_files import LETTERS, MEGATRON, read_tokens


def pack(kind, tokens):
    return struct.pack("<%d%s" % (len(tokens), LETTERS[kind]), *tokens)


def npy(kind, tokens):
    header = repr({"descr": "<" + kind, "fortran_order": False, "shape": (len(tokens), )}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + pack(kind, tokens)


def llmc(kind, tokens):
    magic, version = (20240520, 1) if kind == "u2" else (20240801, 7)
    return struct.pack("<256i", magic, version, len(tokens), *[0] * 253) + pack(kind, tokens)


def megatron_index(kind, sizes):
    width = struct.calcsize(LETTERS[kind])
    code = {v: k for k, v in MEGATRON.items()}[kind]
    places = [width * sum(sizes[:i]) for i in range(len(sizes))]
    return (b"MMIDIDX\0\0" + struct.pack("<QBQQ", 1, code, len(sizes),
                                         len(sizes) + 1) + pack("i4", sizes) + pack("i8", places) +
            pack("i8", list(range(len(sizes) + 1))))


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def make(rng, folder):
    """A file, and what it is: (path, format, vocabulary, whether it holds tokens)."""
    os.makedirs(folder)
    vocab = rng.choice([61, 256, 50257, 100000])
    tokens = [rng.randrange(vocab) for _ in range(rng.choice([3, 100, 999]))]
    kind = rng.choice(["u4", "i4", "i8"] if vocab > 65536 else ["u2", "u4", "i4", "i8"])
    path, what = os.path.join(folder, "train.bin"), rng.randrange(7)
    form = rng.choice(["auto", "nanogpt"])
    if what == 0:
        form = "auto"
        write(path, llmc("u4" if vocab > 65536 else rng.choice(["u2", "u4"]), tokens))
    elif what == 1:
        path = os.path.join(folder, rng.choice(["train.npy", "train.bin"]))
        write(path, npy(kind, tokens))
    elif what == 2:
        cut = rng.randrange(len(tokens) + 1)
        write(path, pack(kind, tokens) if kind != "u4" else pack("i4", tokens))
        write(path[:-4] + ".idx",
              megatron_index(kind if kind != "u4" else "i4", [cut, len(tokens) - cut]))
    elif what in (3, 4):
        form = "nanogpt"
        write(path, pack("u4" if vocab > 65536 else "u2", tokens))
    elif what == 5:
        write(path, gzip.compress(pack("u2", [t % 65536 for t in tokens]), mtime=0))
        return path, form, vocab, False
    else:
        write(path, json.dumps({"tokens": tokens}).encode())
        return path, form, vocab, False
    return path, form, vocab, True


MUTATIONS = {
    "flip a bit": models.change_bytes(models.flip),
    "flip an early bit": models.change_bytes(models.flip_early),
    "cut a file": models.change_bytes(models.cut),
    "grow a file": models.change_bytes(models.grow),
    "overwrite bytes": models.change_bytes(models.overwrite),
    "LFS pointer": models.change_bytes(models.lfs),
    "remove a file": models.remove,
    "swap files": models.swap,
}


class Copier(models.Copier):
    def copy_tokens(self, form, vocab, source, target):
        return self.copy("%s\t%d\t%s" % (form, vocab, source), target)


def judge(answer, case, target):
    """(outcome, sentence of a failure or None)."""
    path, form, vocab, holds = case
    try:
        expected = read_tokens(path, form, vocab)
    except Refused as e:
        expected, why = None, str(e)
    code, _, sentence = answer.partition(" ")
    if code not in models.CODES:
        return "crashed", answer
    if code != "0":
        if len(sentence) < 10:
            return "refused without a sentence", answer
        return ("refused by both" if expected is None else "refused, though readable"), None
    if not holds:
        return "read, though it holds no tokens", path
    if expected is None:
        return "read, though refused by the reader", why
    with open(target, "rb") as f:
        if f.read() != pack("i4", expected):
            return "other tokens", path
    return "read alike", None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="", help="print files of that outcome")
    options = parser.parse_args()
    copier = Copier(options.program)
    outcomes, failures = collections.Counter(), []
    with tempfile.TemporaryDirectory() as work:
        for i in range(options.files):
            rng = random.Random(options.seed * 1000003 + i)
            folder, target = os.path.join(work, "from"), os.path.join(work, "to")
            case = make(rng, folder)
            done = []
            if i % 10:  # every tenth stays as it was made
                for _ in range(rng.choice([1, 1, 1, 2, 3])):
                    done.append(rng.choice(sorted(MUTATIONS)))
                    MUTATIONS[done[-1]](rng, folder)
            # a mutation of what holds no tokens may be anything: only the unchanged is certain
            case = (*case[:3], case[3] or bool(done))
            answer = copier.copy_tokens(*case[1:3], case[0], target)
            outcome, failure = judge(answer, case, target)
            if failure is None and not done and case[3] and outcome != "read alike":
                failure = answer
            outcomes[outcome] += 1
            if failure or options.show and options.show in outcome:
                failures.append(
                    "file %d (%s, vocabulary %d; %s): %s: %s" %
                    (i, case[1], case[2], ", ".join(done) or "sound", outcome, failure or answer))
            shutil.rmtree(folder)
            if os.path.exists(target):
                os.remove(target)
    copier.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures))
    sys.exit(1 if failures and not options.show else 0)


if __name__ == "__main__":
    main()
