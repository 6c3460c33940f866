"""A/A: each of 20 hypotheses is the same recipe on other samples of the same order, so none is
better than the trunk.

reseed.json holds the seeds of the runs and the samples that the forks skip. A run reads 12800
samples; the forks read from 15000 on, each from a place of its own, and all of it lies in the first
epoch of both texts: no fork reads what the trunk has read or will read."""
import json
import math
import os
import sys

from campaigns import BASE, HERE, hypotheses, mean, merged, sd, t_tail, table

STEPS = 800


def tail_after(gains, n):
    """One-sided p of the first n gains, whether the rule looked then or not."""
    x = gains[:n]
    return t_tail(mean(x) / (sd(x) / math.sqrt(n)), n - 1)


def main(bench):
    with open(os.path.join(HERE, "reseed.json")) as f:
        fixed = json.load(f)
    proposals = os.path.join(bench.out, "reseed-proposals.json")
    with open(proposals, "w") as f:
        json.dump([{"id": "skip %d" % k, "patch": {"data.skip": k}} for k in fixed["skips"]], f)
    base = merged(
        BASE, {
            "data": {"sources": bench.texts()}, "train": {"steps": STEPS}, "experiment": {
                "planner": "script", "command": [
                    sys.executable, os.path.join(HERE, "listed.py"), proposals
                ], "forks": len(fixed["skips"])
            }, "gate": {"margin": 0, "hypotheses": len(fixed["skips"]), "share": 100}
        })
    seeds = fixed["run_seeds"][:bench.seeds or None]
    bench.train_all({"reseed-%d" % s: merged(base, {"train": {"seed": s}}) for s in seeds})

    rows, runs, everything = [], [], []
    for s in seeds:
        found = hypotheses(bench.run("reseed-%d" % s))
        judged = [h for h in found if h.get("plan")]
        counts = {
            o: sum(h["outcome"] == o for h in judged)
            for o in ("promote", "reject", "inconclusive")
        }
        spread = [sd(h["gains"]) for h in judged]
        share = mean([mean(h["variances"]) for h in judged]) / mean([v * v for v in spread])
        rows.append([
            s,
            len(judged), counts["promote"], counts["reject"], counts["inconclusive"],
            "%.2f" % mean([len(h["gains"]) for h in judged]),
            "%.4f" % mean(spread),
            "%.0f %%" % (100 * share),
            "%+.4f" % mean([mean(h["gains"]) for h in judged])
        ])
        runs.append({"seed": s, "hash": bench.hash("reseed-%d" % s), "hypotheses": found})
        everything += judged
    for h in runs[0]["hypotheses"]:
        print("seed %d  %-12s %-13s %d pairs  t %6.2f  gains %s" %
              (seeds[0], h["id"], h["outcome"], len(h["gains"]), h.get("t") or 0, " ".join(
                  "%+.4f" % g for g in h["gains"])))
    print()
    table([
        "seed", "hypotheses", "promoted", "rejected", "inconclusive", "pairs", "sd of gains",
        "w2/s2", "mean gain"
    ], rows)
    print("%d hypotheses: %d promoted, %d rejected, %d inconclusive" %
          (len(everything), *(sum(h["outcome"] == o for h in everything)
                              for o in ("promote", "reject", "inconclusive"))))
    for n in (3, 4):
        p = [tail_after(h["gains"], n) for h in everything if len(h["gains"]) >= n]
        below = [sum(v < limit for v in p) for limit in (0.1, 0.05, 0.01, 0.9)]
        print("one-sided p of t after %d pairs: of %d below .10: %d, below .05: %d, "
              "below .01: %d, above .90: %d" % (n, len(p), *below[:3], len(p) - below[3]))
    bench.write("reseed", {"config": base, "runs": runs})
