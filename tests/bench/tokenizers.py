#!/usr/bin/env python3
"""Speed of encoding, against Hugging Face's `tokenizers` on one thread: CPU seconds of processes
that take turns, medians of five, on documents of ten thousand characters of a mixed corpus. Then of
`data prepare` on one and two jobs (all of it: opening the tokenizer, reading, writing), against the
encoding alone of `tokenizers` on as many threads: seconds, medians of three, on a corpus three
times as large.

usage: TRIREME_LONG=1 tests/bench/tokenizers.py BUILD    BUILD: a release build, with encode_file
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path.insert(0, E2E)
import tokenizer_packages as packages  # noqa: E402
import tokenizer_texts as texts  # noqa: E402

SIZE, LENGTH, TIMES, PREPARE_TIMES = 10_000_000, 10_000, 5, 3


def seconds_of(command, of, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, **more)
    return of(json.loads(done.stdout))


def documents_of(size):
    text = texts.corpus(size)
    return [text[i:i + LENGTH].encode() for i in range(0, len(text), LENGTH)]


def bench_encoding(program, folder):
    documents = documents_of(SIZE)
    size = sum(map(len, documents))
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


def prepare(trireme, inputs, where, jobs, out):
    """Seconds of all of `data prepare`."""
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    subprocess.run([
        trireme, "data", "prepare", inputs, "--tokenizer", where, "--out", out, "--jobs",
        str(jobs)
    ],
                   stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL,
                   check=True)
    return time.monotonic() - began


def bench_prepare(trireme, folder):
    documents = documents_of(3 * SIZE)
    size = sum(map(len, documents))
    inputs, path, out = (os.path.join(folder, name) for name in ("in", "documents", "out"))
    os.mkdir(inputs)
    for i, document in enumerate(documents):
        with open(os.path.join(inputs, "%06d.txt" % i), "wb") as f:
            f.write(document)
    texts.write_documents(path, documents)
    batch = [packages.PYTHON, "-B", os.path.join(HERE, "tokenizers_batch.py")]
    for name in packages.PACKAGES:
        where = packages.folder_of(name)
        for jobs in (1, 2):
            ours, theirs = [], []
            environment = {
                **os.environ, "RAYON_NUM_THREADS": str(jobs),
                "TOKENIZERS_PARALLELISM": "true" if jobs > 1 else "false"
            }
            for _ in range(PREPARE_TIMES):
                ours.append(prepare(trireme, inputs, where, jobs, out))
                theirs.append(
                    seconds_of(batch + [where, path],
                               lambda about: about["seconds"],
                               env=environment))
            a, b = statistics.median(ours), statistics.median(theirs)
            print("%s, data prepare --jobs %d: %.1f MB/s, tokenizers on %d threads %.1f MB/s: "
                  "%.1f times its speed" %
                  (name, jobs, size / a / 1e6, jobs, size / b / 1e6, b / a),
                  flush=True)


def main():
    build = sys.argv[1]
    packages.provide()
    with tempfile.TemporaryDirectory() as folder:
        bench_encoding(os.path.join(build, "tests", "encode_file", "encode_file"), folder)
        bench_prepare(os.path.join(build, "trireme"), folder)


if __name__ == "__main__":
    main()
