#!/usr/bin/env python3
"""tokens.py COPY_TOKENS [--count N] [--seed S]: token files of all kinds that are read, and files
that are none, each with one to three mutations, read by the program (copy_tokens.c) and by an
independent reader (token_files.py).

Fails as models.py does, and where a file that holds no tokens is read. Prints how many there were
of each outcome."""
import gzip
import json
import os
import struct

import runner
from mutations import BYTES, change_bytes, flip_early
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


class Tokens:
    """The fuzzer of runner.py. A case is what make returns."""
    NAME = "file"
    MUTATIONS = {**BYTES, "flip an early bit": change_bytes(flip_early)}

    def make(self, rng, folder):
        return make(rng, folder)

    def readable(self, case):
        return case[3]

    def line(self, case, target):
        path, form, vocab, _ = case
        return "%s\t%d\t%s\t%s" % (form, vocab, path, target)

    def read(self, case):
        return read_tokens(*case[:3])

    def compare(self, expected, target):
        with open(target, "rb") as f:
            return None if f.read() == pack("i4", expected) else ("other tokens", target)

    def describe(self, case):
        return "%s, vocabulary %d" % case[1:3]


if __name__ == "__main__":
    runner.main(Tokens(), __doc__)
