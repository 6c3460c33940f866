#!/usr/bin/env python3
"""storm.py TRIREME [PAIRS [SECONDS]]: steps a second of a training while its server over HTTP is
quiet, and while a client that comes last (nice 19) sends it bad requests as fast as it can; in
turn, in one run, so that both have the same machine. Prints the ratio of each pair, and the median
with its interval of 95 % (ranks of the binomial distribution).

The client sends from a process of its own, on the last core where there are several."""
import http.client
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time

CONFIG = {
    "model": {"arch": "llama", "layers": 2, "heads": 4, "width": 64, "context": 64, "vocab": 256},
    "data": {"sources": [{"name": "text", "path": "data"}]},
    "train": {"steps": 1000000, "batch": 8, "microbatch": 4, "seed": 4},
    "eval": {"every": 1000000, "samples": 16},
    "checkpoint": {"every": 1000000},
}
BAD = [("Bearer x", b"{}"), (None, b"{"), (None, b"[" * 1000), (None, b" " * 100000),
       (None, b'{"jsonrpc":"2.0","id":1,"method":"no/such"}'),
       (None, b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"curve",'
        b'"arguments":{"from":-1}}}')]


def blow(authority, token):
    """Sends bad requests until it is ended."""
    os.nice(19)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    n = 0
    while True:
        authorization, body = BAD[n % len(BAD)]
        n += 1
        try:
            to = http.client.HTTPConnection(authority, timeout=5)
            to.request("POST", "/mcp", body, {
                "Content-Type": "application/json", "Authorization": authorization
                or "Bearer " + token
            })
            to.getresponse().read()
            to.close()
        except (OSError, http.client.HTTPException):
            pass


def steps(folder):
    with open(folder + "/run/metrics.jsonl") as f:
        return sum('"kind":"train"' in line for line in f)


def rate(folder, seconds):
    """Steps a second; whole steps, so the time is that of the steps themselves."""
    begin, before = time.monotonic(), steps(folder)
    time.sleep(seconds)
    return (steps(folder) - before) / (time.monotonic() - begin)


def interval(values):
    """Median, and the values whose ranks hold it with 95 %."""
    values, n = sorted(values), len(values)
    k, below = 0, 0.5**n
    while below + math.comb(n, k + 1) * 0.5**n < 0.025:
        k += 1
        below += math.comb(n, k) * 0.5**n
    return values[n // 2], values[k], values[n - 1 - k]


def main():
    program = os.path.abspath(sys.argv[1])
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 10
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/text", "w") as f:
            f.write("".join("the %d of %d is %d\n" % (i, i % 97, i * i % 1013)
                            for i in range(40000)))
        with open(folder + "/run.yaml", "w") as f:
            json.dump(CONFIG, f)
        subprocess.run([program, "data", "prepare", "text", "--out", "data"],
                       cwd=folder,
                       check=True,
                       capture_output=True)
        train = subprocess.Popen([program, "train", "run.yaml", "--out", "run", "--workers", "1"],
                                 cwd=folder,
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        server = None
        try:
            while not os.path.exists(folder + "/run/metrics.jsonl") or steps(folder) < 20:
                time.sleep(0.1)
                if train.poll() is not None:
                    sys.exit("the training ended with %d" % train.returncode)
            server = subprocess.Popen([program, "mcp", "run", "--listen", "127.0.0.1:0"],
                                      cwd=folder,
                                      stderr=subprocess.PIPE,
                                      text=True)
            authority = server.stderr.readline().split("/")[2]
            token = server.stderr.readline().split()[1]
            ratios = []
            for i in range(pairs):
                rates = {}
                for storms in (False, True) if i % 2 else (True, False):
                    client = os.fork() if storms else None
                    if client == 0:
                        blow(authority, token)
                    rates[storms] = rate(folder, seconds)
                    if client:
                        os.kill(client, signal.SIGKILL)
                        os.waitpid(client, 0)
                ratios.append(rates[True] / rates[False])
                print("%.1f and %.1f steps/s: %.3f" % (rates[False], rates[True], ratios[-1]),
                      flush=True)
            print("median %.3f, 95 %% from %.3f to %.3f" % interval(ratios))
        finally:
            for process in (server, train):
                if process:
                    process.send_signal(signal.SIGINT)
                    process.wait()


if __name__ == "__main__":
    main()
