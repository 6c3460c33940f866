#!/usr/bin/env python3
"""planner_cost.py TRIREME [PAIRS [SECONDS [NAME...]]]: tokens a second of a training whose planner
is a language model, by a server that stands in for it (tests/e2e/llm_stand_in.py), in turn with the
same training without a planner; for each of the stand-ins, or those named. Prints the ratio of each
pair, and the median with its interval of 95 % (ranks of the binomial distribution). Fails where
such an interval is wholly below 0.98.

What the model proposes is written down and not tried (experiment.mode: observe): trying costs what
the rule allows, whoever proposes. The stand-in is a process of its own that comes last (nice 19),
on the last core where there are several."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import storm
from storm import interval, rate, steps

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import llm_stand_in
from llm_stand_in import ANTHROPIC, Answer, error, message, proposal, told

LEAST = 0.98
PATIENCE = 300  # seconds until the first call
# The planner is asked from a share of the steps on.
CONFIG = {
    **storm.CONFIG, "train": {**storm.CONFIG["train"], "steps": 50000}, "schedule": {"warmup": 10}
}
TOKENS = CONFIG["train"]["batch"] * CONFIG["model"]["context"]


def good(server, body):
    """Another rate each time."""
    values = llm_stand_in.settings_of(server.api, body)["optimizer.lr"]
    return Answer(
        message(server.api,
                told(proposal("optimizer.lr", values[len(server.requests) % len(values)]))))


def out_of_bounds(server, _):
    return Answer(message(server.api, told(proposal("optimizer.lr", "1000000"))))


def fails(status, kind, **headers):
    return lambda server, _: Answer(error(server.api, kind, "no"), status, **headers)


ANSWERS = {
    "good": good,
    "401": fails(401, "authentication_error"),
    "429": fails(429, "rate_limit_error", Retry_After=1),
    "500": fails(500, "api_error"),
    "drip": lambda server, _: Answer(message(server.api, told()), drip=0.1),
    "huge": lambda server, _: Answer(b"[" + b"1," * (1 << 21)),
    "garbage": lambda server, _: Answer(b"\xff\xfe <html>{{{"),
    "out_of_bounds": out_of_bounds,
}


def stand_in(answer):
    """Its process, and its URL."""
    ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.nice(19)
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        os.write(ends[1], llm_stand_in.StandIn(ANTHROPIC, answer).url.encode())
        while True:
            time.sleep(3600)
    os.close(ends[1])
    url = os.read(ends[0], 100).decode()
    os.close(ends[0])
    return pid, url


def begun(folder):
    return steps(folder) if os.path.exists(folder + "/run/metrics.jsonl") else 0


def calls(folder):
    if not os.path.exists(folder + "/run/ledger.jsonl"):
        return 0
    with open(folder + "/run/ledger.jsonl") as f:
        return sum('"call":' in line for line in f)


def measure(program, folder, seconds, url):
    """Tokens a second of one training; and the calls that its ledger has. url: None without a
    planner."""
    with open(folder + "/run.yaml", "w") as f:
        json.dump(
            {
                **CONFIG, "experiment": {"planner": "llm" if url else "none", "mode": "observe"},
                "llm": {
                    "api": ANTHROPIC, "url": url or "", "model": "stand-in", "timeout": 2,
                    "budget": {"calls": 1000000, "tokens": 10**12}
                }
            }, f)
    train = subprocess.Popen([program, "train", "run.yaml", "--out", "run", "--workers", "1"],
                             cwd=folder,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE,
                             text=True)
    try:
        end = time.monotonic() + PATIENCE
        while begun(folder) < 20 or (url and calls(folder) == 0):
            time.sleep(0.1)
            if train.poll() is not None:
                sys.exit("the training ended with %d: %s" % (train.returncode, train.stderr.read()))
            if time.monotonic() > end:
                sys.exit("no step, or no call, came within %d s" % PATIENCE)
        found = rate(folder, seconds) * TOKENS
    finally:
        train.send_signal(signal.SIGINT)
        train.wait()
    called = calls(folder)
    shutil.rmtree(folder + "/run")
    return found, called


def compare(program, folder, pairs, seconds, name):
    """Whether it costs no more than it may."""
    pid, url = stand_in(ANSWERS[name])
    ratios, all_calls = [], 0
    try:
        for i in range(pairs):
            found = {}
            for planned in (False, True) if i % 2 else (True, False):
                found[planned], called = measure(program, folder, seconds, url if planned else None)
                all_calls += called
            ratios.append(found[True] / found[False])
            print("  %s: %.0f and %.0f tok/s: %.3f" % (name, found[False], found[True], ratios[-1]),
                  flush=True)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    median, low, high = interval(ratios)
    print("%s: median %.3f, 95 %% from %.3f to %.3f (%d pairs, %d calls)" %
          (name, median, low, high, pairs, all_calls),
          flush=True)
    return high >= LEAST


def main():
    program = os.path.abspath(sys.argv[1])
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    names = sys.argv[4:] or list(ANSWERS)
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/text", "w") as f:
            f.write("".join("the %d of %d is %d\n" % (i, i % 97, i * i % 1013)
                            for i in range(40000)))
        subprocess.run([program, "data", "prepare", "text", "--out", "data", "--val", "0.3"],
                       cwd=folder,
                       check=True,
                       capture_output=True)
        bad = [n for n in names if not compare(program, folder, pairs, seconds, n)]
    if bad:
        sys.exit("beyond %.0f %%: %s" % (100 * (1 - LEAST), ", ".join(bad)))


if __name__ == "__main__":
    main()
