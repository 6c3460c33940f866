"""Lives through every campaign again that has been run here, from its ledger and without its
planner, and compares the hashes of the ends; the first run of each kind also on two workers and two
servers. --seeds N: of the runs with seeds up to N."""
import json
import os
import re

from campaigns import hypotheses, same, table


def main(bench):
    names = sorted(
        n for n in os.listdir(os.path.join(bench.out, "runs"))
        if os.path.exists(os.path.join(bench.run(n), "ledger.jsonl")) and not n.endswith("-again"))
    names = [n for n in names if hypotheses(bench.run(n))]
    kinds, jobs = set(), []
    if bench.seeds:
        names = [n for n in names if int(n.rsplit("-", 1)[1]) <= bench.seeds]
    for name in names:
        jobs.append((name, 1, 1))
        kind = re.sub(r"-\d+$", "", name)
        if kind not in kinds:
            jobs.append((name, 2, 2))
        kinds.add(kind)

    def replayed(job):
        name, workers, servers = job
        again = os.path.join(bench.out, "replays", "%s-%d-%d" % job)
        os.makedirs(os.path.dirname(again), exist_ok=True)
        if is_over(again):
            return compared(job, again, None)
        done = bench.call("ledger",
                          "replay",
                          bench.run(name),
                          "--out",
                          again,
                          "--workers",
                          workers,
                          "--servers",
                          servers,
                          "--json",
                          check=False)
        return compared(job, again, done)

    def is_over(again):
        path = os.path.join(again, "status.json")
        if not os.path.exists(path):
            return False
        with open(path) as f:
            return json.load(f).get("code", 0) == 0

    def compared(job, again, done):
        name, workers, servers = job
        ended = is_over(again)
        return {
            "run": name, "workers": workers, "servers": servers,
            "exit code": done.returncode if done else 0, "hash": bench.hash(name),
            "replay": bench.json("ckpt", "hash", again)["hash"] if ended else None,
            "same verdicts": ended and same(hypotheses(again), hypotheses(bench.run(name))),
            "said": "" if ended else done.stderr.strip()[-300:]
        }

    found = bench.each(replayed, jobs)
    table(["run", "workers, servers", "hash", "hash of the replay", "same verdicts"], [[
        r["run"],
        "%d, %d" % (r["workers"], r["servers"]), r["hash"], r["replay"] or r["said"],
        "yes" if r["same verdicts"] else "NO"
    ] for r in found])
    print("%d replays, %d with the same hash" %
          (len(found), sum(r["hash"] == r["replay"] for r in found)))
    bench.write("replay", {"replays": found})
