"""Ctrl-C in the middle of pairs, and the same line again: verdicts and hash must be those of the
run left in peace."""
import json
import os
import shutil
import signal
import subprocess
import time

from campaigns import hypotheses, records, same, table

CASES = {  # run that is there: forks in whose middle it is stopped, counted over the campaign
    "noise-half-1": [2, 4, 6],
    "reseed-1": [1, 50],
    "low-sweep-2-1": [2, 7, 13],
    "low-random-2-1": [3, 9],
}


def applications(run):
    path = os.path.join(run, "ledger.jsonl")
    return [r["application"] for r in records(run)
            if r["kind"] == "application"] if os.path.exists(path) else []


def stop(bench, words, run, fork):
    """Runs the line until so many forks have begun and a little longer, then Ctrl-C. None: it ended
    before."""
    process = subprocess.Popen([bench.program] + [str(w) for w in words],
                               stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               start_new_session=True)
    while process.poll() is None:
        try:
            begun = applications(run)
        except json.JSONDecodeError:  # a line that is being written
            begun = []
        if len(begun) >= fork:
            break
        time.sleep(0.01)
    if process.poll() is not None:
        return None
    time.sleep(0.15)
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait()
    steps = [c["step"] for c in bench.json("ckpt", "ls", run)["checkpoints"]]
    return {
        "fork": fork, "began at": begun[-1]["step"], "stopped at": max(steps), "exit code": code
    }


def main(bench):
    def disturbed(name):
        again = name + "-again"
        shutil.rmtree(bench.run(again), ignore_errors=True)
        with open(bench.run(name) + ".json") as f:
            config = json.load(f)
        words = bench.words(again, config)
        stops = [stop(bench, words, bench.run(again), fork) for fork in CASES[name]]
        bench.call(*words)
        return {
            "run": name, "stops": stops, "hash": bench.hash(name), "again": bench.hash(again),
            "corrections": sum(r["kind"] == "correction" for r in records(bench.run(again))),
            "same verdicts": same(hypotheses(bench.run(again)), hypotheses(bench.run(name)))
        }

    found = bench.each(disturbed, [n for n in CASES if os.path.exists(bench.run(n))])
    table(
        ["run", "stopped at (fork begun at)", "hash", "hash of the disturbed run", "same verdicts"],
        [[
            r["run"], ", ".join(
                "%d (%d)" % (s["stopped at"], s["began at"]) if s else "ended before"
                for s in r["stops"]), r["hash"], r["again"], "yes" if r["same verdicts"] else "NO"
        ] for r in found])
    bench.write("interrupt", {"runs": found})
