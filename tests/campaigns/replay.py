"""Lives through every campaign again that has been run here, from its ledger and without its planner, and compares the
hashes of the ends; the first run of each kind also on two workers and two servers. --seeds N: of the runs with seeds up
to N."""
import os
import re

from campaigns import hypotheses, table


def same(found, expected):
    """Whether two ledgers tell of the same; mean and t of a hypothesis that was closed for another reason are not in older ones."""
    for a, b in zip(found, expected):
        for key in ("mean", "t"):
            if a.get(key) is None or b.get(key) is None:
                a[key] = b[key] = None
    return found == expected


def main(bench):
    names = sorted(n for n in os.listdir(os.path.join(bench.out, "runs"))
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
        done = bench.call("ledger", "replay", bench.run(name), "--out", again, "--workers", workers,
                          "--servers", servers, "--json", check=False)
        ended = done.returncode == 0
        return {"run": name, "workers": workers, "servers": servers, "exit code": done.returncode,
                "hash": bench.hash(name), "replay": bench.json("ckpt", "hash", again)["hash"] if ended else None,
                "same verdicts": ended and same(hypotheses(again), hypotheses(bench.run(name))),
                "said": "" if ended else done.stderr.strip()[-300:]}

    found = bench.each(replayed, jobs)
    table(["run", "workers, servers", "hash", "hash of the replay", "same verdicts"],
          [[r["run"], "%d, %d" % (r["workers"], r["servers"]), r["hash"], r["replay"] or r["said"],
            "yes" if r["same verdicts"] else "NO"] for r in found])
    print("%d replays, %d with the same hash" % (len(found), sum(r["hash"] == r["replay"] for r in found)))
    bench.write("replay", {"replays": found})
