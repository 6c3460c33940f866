"""A source of random bytes beside a text, judged by the text alone: half its weight must be
promoted, twice its weight never.

In four settings, of which all but the first were added when the first was seen to have too little
power: its gains are as large as the spread between its pairs. The fourth was then run again with
seeds of its own, fixed before any of them ran."""
import json
import os
import sys

from campaigns import BASE, HERE, hypotheses, mean, merged, sd, table

STEPS = 800
SEEDS, FRESH_SEEDS = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]
FACTORS = {"half": 0.5, "double": 2}
# suffix of the name: batch, rate, weight of the random bytes (that of the text is 1), seeds
SETTINGS = {
    "": (16, 4e-3, 1, SEEDS), "-64": (64, 4e-3, 1, SEEDS), "-slow": (16, 1e-3, 1, SEEDS),
    "-most": (64, 4e-3, 3, SEEDS), "-fresh": (64, 4e-3, 3, FRESH_SEEDS)
}


def main(bench):
    both = bench.code_and_prose()
    base = merged(BASE, {"train": {"steps": STEPS}, "gate": {"weights": [1, 0]}})
    keys, configs = [], {}
    for suffix, (batch, rate, noise, seeds) in SETTINGS.items():
        sources = [{"name": "text", "path": both},
                   {"name": "noise", "path": bench.noise(), "weight": noise}]
        for arm, factor in FACTORS.items():
            path = os.path.join(bench.out, "random_bytes-%s%s.json" % (arm, suffix))
            with open(path, "w") as f:
                json.dump([{"id": arm, "patch": {"data.sources.1.weight": factor * noise}}], f)
            for s in seeds[:bench.seeds or None]:
                name = "noise-%s%s-%d" % (arm, suffix, s)
                keys.append((batch, rate, noise, arm, s, name))
                planner = {
                    "planner": "script",
                    "command": [sys.executable,
                                os.path.join(HERE, "listed.py"), path]
                }
                configs[name] = merged(
                    base, {
                        "data": {"sources": sources}, "train": {"seed": s, "batch": batch},
                        "optimizer": {"lr": rate}, "experiment": planner
                    })
    bench.train_all(configs)

    rows, runs = [], []
    for batch, rate, noise, arm, s, name in keys:
        found, sealed = hypotheses(bench.run(name)), bench.sealed(name)
        h, after = found[0], found[0].get("confirmation", {})
        rows.append([
            batch, rate, noise, arm, s, h["outcome"],
            len(h["gains"]),
            "%.1f" % (h.get("t") or 0),
            "%+.4f" % mean(h["gains"]),
            "%.4f" % sd(h["gains"]),
            "%.0f %%" % (100 * mean(h["variances"]) / sd(h["gains"])**2),
            after.get("outcome", "-"),
            "%+.4f +- %.4f" %
            (after["mean"], after["half_width"]) if "half_width" in after else "-",
            "%.4f" % sealed
        ])
        runs.append({
            "batch": batch, "rate": rate, "noise": noise, "arm": arm, "seed": s,
            "hash": bench.hash(name), "sealed": sealed, "hypotheses": found
        })
    table([
        "batch", "rate", "noise", "weight", "seed", "verdict", "pairs", "t", "mean gain", "sd",
        "w2/s2", "then", "published gain", "sealed loss"
    ], rows)
    for *setting, seeds in SETTINGS.values():
        for arm in FACTORS:
            mine = [r for r in rows if r[:4] == [*setting, arm] and r[4] in seeds]
            print("batch %d, rate %g, random bytes %g times the text, %s, seeds %d to %d: "
                  "promoted in %d of %d" %
                  (*setting, arm, seeds[0], seeds[-1], sum(r[5] == "promote"
                                                           for r in mine), len(mine)))
    bench.write("random_bytes", {"config": base, "runs": runs})
