"""A bank of pairs under the null: forks that change nothing but the samples, with tails, in
stretches of the second rule.

Each hypothesis skips samples, to a place of its own that no other fork and no trunk before it
reads, so its expected gain is 0. A margin that nothing reaches lets each be measured once and none
be adopted, so that one trunk goes through all stretches with five new nulls in each (a stretch that
began with fewer, as the planner's answer was not there yet, is left out). A fork that skips samples
is a null in either direction: less its gain is that of a reverse pair. Pairs of a stretch stay
together in the bank, stretches in their order, so that what a trunk's luck has in common stays.

Seeds and places were written down before any of it ran. tests/sim/recorded_nulls resamples
results/nulls.json."""
import math

from adopt import B as SHORT
from adopt import RATE, planner_of
from campaigns import BASE, mean, merged, records, sd, table

B = 2 * SHORT
FORKS = 5
SEEDS = list(range(161, 173))
# A fork reads at most 80 steps of 16 samples; a trunk up to the last stretch's end, some 4000. All
# of it lies in the first epoch of both texts.
SKIPS = [5000 + 1500 * i for i in range(80)]


def stretches_of(run):
    """Of each stretch: where it began, its length, windows, and the pairs of its arms."""
    found = []
    for r in records(run):
        if r["kind"] == "stretch":
            s = r["stretch"]
            found.append({
                "step": r["step"], "horizon": s["horizon"], "tail": s["tail"],
                "windows": s["windows"], "x": [], "u": []
            })
        elif r["kind"] == "observation":
            o = r["observation"]
            found[-1]["x"].append(o["trunk_loss"] - o["fork_loss"])
            found[-1]["u"].append(o["window_variance"] * o["windows"])
    return [s for s in found if len(s["x"]) == FORKS]


def shared(stretches):
    """Part of the variance that the arms of a stretch have in common (intraclass correlation)."""
    within = mean([sd(s["x"])**2 for s in stretches])
    between = sd([mean(s["x"]) for s in stretches])**2 - within / FORKS
    return between / (between + within)


def main(bench):
    extra = planner_of(bench, [{"data.skip": k} for k in SKIPS], "nulls")
    extra["experiment"]["command"].append("8")
    base = merged(
        BASE, extra, {
            "data": {"sources": bench.texts()}, "optimizer": {"lr": RATE},
            "train": {"steps": bench.steps_of(B)}, "experiment": {"forks": FORKS},
            "gate": {"margin": 100, "share": 0.4, "stake": 0.4, "hypotheses": len(SKIPS)}
        })
    seeds = bench.seeds_of(SEEDS)
    bench.train_all({"nulls-%d" % s: merged(base, {"train": {"seed": s}}) for s in seeds})
    bank, lines = [], []
    for s in seeds:
        found = stretches_of(bench.run("nulls-%d" % s))
        x = [v for stretch in found for v in stretch["x"]]
        # of the scatter that a posterior of one pair would assume, with k of fast changes
        z = [
            v / math.sqrt(u * (5 / 128 + 1 / stretch["windows"])) for stretch in found
            for v, u in zip(stretch["x"], stretch["u"])
        ]
        bank += [{"campaign": s, **stretch} for stretch in found]
        lines.append([
            s,
            len(found),
            len(x),
            "%+.4f" % mean(x),
            "%.4f" % sd(x),
            "%.2f" % shared(found) if len(found) > 1 else "-",
            "%.2f" % sd(z)
        ])
    table([
        "seed", "stretches", "pairs", "mean gain", "sd", "common part of the variance",
        "sd / what one pair assumes"
    ], lines)
    bench.write("nulls", {"B": bench.steps_of(B), "forks": FORKS, "stretches": bank})
