"""A rate 8 times too low under the first rule, at equal tokens all in all, beside the runs without
experiments and the second rule of adopt.py.

TRIREME_FIRST names the program of commit b3bf7db, the last of the first rule. Its arm is the best
one known of it: share 1, so that the trunk has half of the tokens; three hypotheses; no
confirmation. With the defaults it commits more than it has and closes all three without a verdict.
The first rule does not give back what experiments left, so it spends less than B.

Seeds (those of adopt.py), arms and contrasts were written down before any of it ran: rule 1 against
none, rule 2 against rule 1, Holm's correction over the two. results/adopt.json must be there, of
the same texts."""
import json
import os
import sys

from adopt import B, RATES, SEEDS, config_of
from campaigns import (HERE, STEP_TOKENS, Bench, holm, hypotheses, interval, mean, merged,
                       sign_flip, table)

SHARE = 1
GATE = {"share": SHARE, "hypotheses": 3, "confirm": False}


def name_of(seed):
    return "first-low-%d" % seed


def told(h):
    patch = " ".join("%s=%s" % item for item in h["patch"].items())
    why = ", " + h["reason"] if h.get("reason") else ""
    return "%s: %s after %d pairs%s" % (patch, h["outcome"], len(h["gains"]), why)


def second_rule(bench):
    """Sealed losses of adopt.py: arm and seed -> loss."""
    folder = bench.out if bench.steps else os.path.join(HERE, "results")
    path = os.path.join(folder, "adopt.json")
    if not os.path.exists(path):
        sys.exit("%s: is not there; run adopt first" % path)
    with open(path) as f:
        runs = json.load(f)["runs"]
    # none and the oracle are one run for several rows
    return {(r["arm"], r["seed"]): r["sealed"]
            for r in runs if r["row"] == "low" or r["arm"] != "rule 2"}


def main(bench):
    if "TRIREME_FIRST" not in os.environ:
        sys.exit("TRIREME_FIRST: names no program; expected the one of commit b3bf7db")
    steps, seeds, second = bench.steps_of(B), bench.seeds_of(SEEDS), second_rule(bench)
    first = Bench(bench.out, bench.jobs, bench.seeds, bench.steps)
    first.program = os.path.abspath(os.environ["TRIREME_FIRST"])
    trunk = round(steps / (1 + SHARE))
    configs = {}
    for s in seeds:
        configs[name_of(s)] = merged(config_of(bench, 1 / 8, s, RATES, "low", trunk),
                                     {"gate": GATE})
        del configs[name_of(s)]["experiment"]["hold"]  # that program knows of none
    first.train_all(configs)

    def measured(seed):
        found = hypotheses(bench.run(name_of(seed)))
        return {
            "seed": seed, "sealed": first.sealed(name_of(seed)), "hash": first.hash(name_of(seed)),
            "spent": trunk / steps + sum(h["tokens"] for h in found) / STEP_TOKENS / steps,
            "hypotheses": found
        }

    runs = first.each(measured, seeds)
    arms = {
        "none": [second["low-none", s] for s in seeds], "rule 1": [r["sealed"] for r in runs],
        "rule 2": [second["rule 2", s] for s in seeds],
        "oracle": [second["good-none", s] for s in seeds if ("good-none", s) in second]
    }
    table(["arm", *("seed %d" % s for s in seeds), "mean"],
          [[arm, *("%.4f" % v
                   for v in losses), "%.4f" % mean(losses)]
           for arm, losses in arms.items() if losses])
    pairs = [("rule 1", "none"), ("rule 2", "rule 1")]
    differences = [[a - b for a, b in zip(arms[x], arms[y])] for x, y in pairs]
    p = [sign_flip(d) for d in differences]
    contrasts = [{
        "arm": arm, "against": against, "differences": d, "mean": mean(d),
        "half_width": interval(d) if len(d) > 1 else None, "p": raw, "p_holm": corrected
    } for (arm, against), d, raw, corrected in zip(pairs, differences, p, holm(p))]
    table(["difference", "mean and 95 % interval", "p", "p, Holm"], [[
        "%s - %s" % (c["arm"], c["against"]),
        "%+.4f +- %.4f" %
        (c["mean"], c["half_width"]) if c["half_width"] is not None else "%+.4f" % c["mean"],
        "%.4f" % c["p"],
        "%.4f" % c["p_holm"]
    ] for c in contrasts])
    print("tokens spent / B under rule 1: %.3f to %.3f" %
          (min(r["spent"] for r in runs), max(r["spent"] for r in runs)))
    for r in runs:
        print("rule 1, seed %d: %s" % (r["seed"], "; ".join(map(told, r["hypotheses"]))))
    bench.write(
        "adopt_first_rule", {
            "B": steps, "trunk": trunk, "gate": GATE, "program": "b3bf7db", "contrasts": contrasts,
            "runs": runs
        })
