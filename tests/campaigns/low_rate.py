"""A rate that is 8 times too low at the start: what planners make of it, at equal tokens all in
all.

B = 1800 steps of tokens. Arms: `none` and `oracle` (the good rate from the start) give all of them
to the trunk; with planners the trunk has B/(1 + gate.share) and experiments may cost the rest;
`short` is a trunk as long as the planners', without experiments. `none, as sweep 2` has what that
arm turned out to spend, seed by seed; it was added when the others had been seen. Measured: the
sealed loss at the end of the trunk."""
import os
import sys

from campaigns import BASE, HERE, STEP_TOKENS, hypotheses, interval, mean, merged, sign_flip, table

B = 1800
RATE = 4e-3  # of find_rate
SEEDS = [1, 2, 3, 4, 5]
SWEEP = [
    sys.executable,
    os.path.join(os.path.dirname(os.path.dirname(HERE)), "launcher", "planners", "sweep.py")
]
LADDER = ["optimizer.lr", "2x", "4x", "8x"]
AS_SPENT = "none, as sweep 2"
ARMS = {  # name: planner, gate.share, factor of the rate
    "none": (None, 0, 1 / 8),
    "oracle": (None, 0, 1),
    "short .5": (None, 0.5, 1 / 8),
    "random .5": ("random", 0.5, 1 / 8),
    "sweep .5": ("sweep", 0.5, 1 / 8),
    "short 2": (None, 2, 1 / 8),
    "random 2": ("random", 2, 1 / 8),
    "sweep 2": ("sweep", 2, 1 / 8),
    AS_SPENT: (None, 0, 1 / 8),
}


def config_of(bench, arm, seed, steps=0):
    planner, share, factor = ARMS[arm]
    extra = {}
    if planner:
        extra = {
            "gate": {"share": share},
            "experiment": {"planner": "script" if planner == "sweep" else planner}
        }
        if planner == "sweep":
            extra["experiment"]["command"] = SWEEP + LADDER
    return merged(
        BASE, extra, {
            "data": {"sources": bench.texts()}, "optimizer": {"lr": RATE * factor},
            "train": {"steps": steps or round(B / (1 + share)), "seed": seed}
        })


def name_of(arm, seed):
    return "low-%s-%d" % (arm.replace(", ", "-").replace(" ", "-").replace(".", ""), seed)


def told(hypothesis):
    patch = " ".join("%s=%s" % item for item in hypothesis["patch"].items())
    after = hypothesis.get("confirmation", {})
    return "%s: %s after %d pairs%s" % (patch, hypothesis["outcome"], len(
        hypothesis["gains"]), ", " + after["outcome"] if after.get("outcome") else "")


def main(bench):
    seeds = SEEDS[:bench.seeds or None]
    configs = {
        name_of(arm, s): config_of(bench, arm, s)
        for s in seeds for arm in ARMS if arm != AS_SPENT
    }
    bench.train_all(configs)
    for s in seeds:
        spent = sum(h["tokens"]
                    for h in hypotheses(bench.run(name_of("sweep 2", s)))) // STEP_TOKENS
        configs[name_of(AS_SPENT,
                        s)] = config_of(bench, AS_SPENT, s,
                                        configs[name_of("sweep 2", s)]["train"]["steps"] + spent)
    bench.train_all(configs)

    def measured(key):
        arm, seed = key
        name, steps = name_of(arm, seed), configs[name_of(arm, seed)]["train"]["steps"]
        found = hypotheses(bench.run(name)) if ARMS[arm][0] else []
        return {
            "arm": arm, "seed": seed, "sealed": bench.sealed(name), "hash": bench.hash(name),
            "hypotheses": found, "tokens": steps * STEP_TOKENS + sum(h["tokens"] for h in found)
        }

    runs = bench.each(measured, [(arm, s) for arm in ARMS for s in seeds])
    by = {(r["arm"], r["seed"]): r for r in runs}
    rows = []
    for arm in ARMS:
        mine, steps = [by[arm, s]
                       for s in seeds], [configs[name_of(arm, s)]["train"]["steps"] for s in seeds]
        rows.append([
            arm,
            "%.0f" % mean(steps),
            "%.2f" % (mean([r["tokens"] for r in mine]) / (B * STEP_TOKENS)),
            *("%.4f" % r["sealed"] for r in mine),
            "%.4f" % mean([r["sealed"] for r in mine])
        ])
    table(
        ["arm", "steps of the trunk", "tokens spent / B", *("seed %d" % s for s in seeds), "mean"],
        rows)
    contrasts = []

    def contrast(arm, against):
        d = [by[arm, s]["sealed"] - by[against, s]["sealed"] for s in seeds]
        contrasts.append({
            "arm": arm, "against": against, "mean": mean(d), "half_width": interval(d),
            "p": sign_flip(d)
        })
        return [
            "%s - %s" % (arm, against), *("%+.4f" % v for v in d),
            "%+.4f +- %.4f" % (mean(d), interval(d)),
            "%.4f" % sign_flip(d)
        ]

    pairs = [(arm, "none") for arm in ARMS if arm not in ("none", AS_SPENT)]
    pairs += [("random .5", "short .5"), ("sweep .5", "short .5"), ("random 2", "short 2"),
              ("sweep 2", "short 2")]
    pairs += [("sweep .5", "random .5"), ("sweep 2", "random 2"), ("sweep 2", AS_SPENT)]
    table(["difference", *("seed %d" % s for s in seeds), "mean and 95 % interval", "p"],
          [contrast(*p) for p in pairs])
    for arm in ARMS:
        for s in seeds:
            tried = [told(h) for h in by[arm, s]["hypotheses"] if h.get("plan")]
            if ARMS[arm][0]:
                print("%s, seed %d: %s" % (arm, s, "; ".join(tried) or "nothing was tried"))
    bench.write("low_rate", {"rate": RATE, "B": B, "contrasts": contrasts, "runs": runs})
