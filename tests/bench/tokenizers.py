#!/usr/bin/env python3
"""Speed of encoding, against Hugging Face's `tokenizers` on one thread: CPU seconds of processes
that take turns, medians of five, on documents of ten thousand characters of a mixed corpus.

usage: TRIREME_LONG=1 tests/bench/tokenizers.py BUILD    BUILD: a release build, with encode_file
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path.insert(0, E2E)
import tokenizer_packages as packages  # noqa: E402
import tokenizer_texts as texts  # noqa: E402

SIZE, LENGTH, TIMES = 10_000_000, 10_000, 5


def seconds_of(command, of):
    return of(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def main():
    program = os.path.join(sys.argv[1], "tests", "encode_file", "encode_file")
    packages.provide()
    text = texts.corpus(SIZE)
    documents = [text[i:i + LENGTH].encode() for i in range(0, len(text), LENGTH)]
    size = sum(map(len, documents))
    with tempfile.TemporaryDirectory() as folder:
        path, ids = os.path.join(folder, "documents"), os.path.join(folder, "ids")
        texts.write_documents(path, documents)
        for name in packages.PACKAGES:
            where = packages.folder_of(name)
            ours, theirs, opening = [], [], []
            reference = [packages.PYTHON, "-B", os.path.join(E2E, "tokenizer_reference.py")]
            for _ in range(TIMES):
                run = [program, where, "--documents", path]
                ours.append(seconds_of(run, lambda about: about["median"]))
                opening.append(seconds_of(run, lambda about: about["open"]))
                theirs.append(
                    seconds_of(reference + [where, path, ids, "ordinary"],
                               lambda about: about["seconds"][0]))
            a, b = statistics.median(ours), statistics.median(theirs)
            print("%s: %.1f MB/s, tokenizers %.1f MB/s: %.1f times its speed; opened in %.2f s" %
                  (name, size / a / 1e6, size / b / 1e6, b / a, statistics.median(opening)),
                  flush=True)


if __name__ == "__main__":
    main()
