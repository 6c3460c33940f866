"""The runner of the fuzzers of files: sound input, one to three mutations, read by the program and
by an independent reader.

A fuzzer is an object with
    NAME         of one input, in sentences
    MUTATIONS    name -> function (rng, folder)
    make         (rng, folder) -> a case, whatever the others take
    readable     (case) -> whether the program must read it, unless it is changed
    line         (case, target) -> the line for the program, which copies what it reads to target
    read         (case) -> what the independent reader reads; raises Refused
    compare      (expected, target) -> None, or (outcome, sentence)
    describe     (case) -> words for a person
"""
import argparse
import collections
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time

from hugging_face import Refused

CODES = {"0", "2", "3"}
PATIENCE = 60  # seconds for one input; some take tenths


class Program:
    """The program under test as a process; one that dies is begun anew."""
    def __init__(self, path):
        self.path, self.process = path, None

    def ask(self, line):
        """Its answer, or what became of it."""
        if not self.process:
            self.process = subprocess.Popen([self.path],
                                            stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE,
                                            text=True)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            self.process.wait()
            self.process = None
            return "hung"
        answer = self.process.stdout.readline()
        if not answer:
            code = self.process.wait()
            self.process = None
            return "crashed (%d)" % code
        return answer.rstrip("\n")

    def end(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def add_time(parser):
    parser.add_argument("--seconds", type=float, default=5, help="ends after so long")
    parser.add_argument("--long", type=float, help="the same where TRIREME_LONG is set")


def end_of(options):
    """When the fuzzing ends (time.monotonic())."""
    is_long = options.long is not None and os.environ.get("TRIREME_LONG")
    return time.monotonic() + (options.long if is_long else options.seconds)


def judge(fuzzer, case, answer, target, changed):
    """(outcome, sentence of a failure or None)."""
    try:
        expected, why = fuzzer.read(case), None
    except Refused as e:
        expected, why = None, str(e)
    code, _, sentence = answer.partition(" ")
    if code not in CODES:
        return code, answer
    if code != "0":
        if len(sentence) < 10:
            return "refused without a sentence", answer
        must = not changed and fuzzer.readable(case)
        outcome = "refused by both" if expected is None else "refused, though readable"
        return outcome, answer if must else None
    # a mutation of what is not readable may be anything: only the unchanged is certain
    if not changed and not fuzzer.readable(case):
        return "read, though there is nothing to read", answer
    if expected is None:
        return "read, though refused by the reader", why
    return fuzzer.compare(expected, target) or ("read alike", None)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def mutate(fuzzer, rng, folder):
    done = []
    for _ in range(rng.choice([1, 1, 1, 1, 2, 3])):
        done.append(rng.choice(sorted(fuzzer.MUTATIONS)))
        fuzzer.MUTATIONS[done[-1]](rng, folder)
    return done


def run(fuzzer, program, count, seed, show):
    """(outcome -> number, sentences of failures)."""
    outcomes, failures = collections.Counter(), []
    with tempfile.TemporaryDirectory() as work:
        folder, target = os.path.join(work, "from"), os.path.join(work, "to")
        for i in range(count):
            rng = random.Random(seed * 1000003 + i)
            case = fuzzer.make(rng, folder)
            done = mutate(fuzzer, rng, folder) if i % 15 else []  # some stay as they were made
            answer = program.ask(fuzzer.line(case, target))
            outcome, failure = judge(fuzzer, case, answer, target, bool(done))
            outcomes[outcome] += 1
            if failure or show and show in outcome:
                failures.append("%s %d (%s; %s): %s: %s" %
                                (fuzzer.NAME, i, fuzzer.describe(case), ", ".join(done)
                                 or "unchanged", outcome, failure or answer))
            remove(folder)
            remove(target)
    return outcomes, failures


def main(fuzzer, text):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="", help="print what had that outcome")
    options = parser.parse_args()
    program = Program(options.program)
    outcomes, failures = run(fuzzer, program, options.count, options.seed, options.show)
    program.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures))
    sys.exit(1 if failures and not options.show else 0)
