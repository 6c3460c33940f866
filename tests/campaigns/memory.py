"""Does memory pay? The recipe with three faults of `helm`, steered twice: by a researcher without
notes, which is helm's arm, and then a run of another seed (data order and first weights), of the
same faults, with the notes that the first one left.

Arms of the second run: `none` and `oracle`; `without` (a researcher without notes: helm's arm of
that seed); `with` (a researcher that reads what the first run left). The texts are the same, so the
second run is told which changes the first one adopted, and no word or number of what they gained.
Runs that are those of helm have its names, and are shared with it. Measured: the sealed loss, the
mean of one and two; tokens of experiments; from which step on a fault, and all three, were mended;
the share of the oracle's gain.

Seeds and arms were written down before any of it ran."""
import os
import sqlite3
import sys

import helm
from adopt import told, words
from campaigns import STEP_TOKENS, interval, mean, merged, sign_flip, table

SEEDS = helm.SEEDS
SECOND = 100  # added to the first run's seed
ARMS = ("none", "oracle", "without", "with")
# path of a value -> whether it is mended
MENDED = {
    "optimizer.lr": lambda v: v >= helm.GOOD["optimizer"]["lr"] / 2,
    "optimizer.beta2": lambda v: v >= 0.95,
    "data.sources.2.weight": lambda v: v <= 0.1,
}


def name_of(arm, seed):
    if arm == "with":
        return "memory-with-%d" % seed
    return helm.name_of("helm" if arm == "without" else arm, seed)


def copy_notes(path, to):
    """A run adds to its notes: it has a copy."""
    source, target = sqlite3.connect(path), sqlite3.connect(to)
    source.backup(target)
    source.close()
    target.close()


def train_pair(bench, seed):
    """The first run, and the second one with the notes that it left."""
    first, second = helm.name_of("helm", seed), name_of("with", seed + SECOND)
    helm.train(bench, "helm", seed)
    if not helm.keeps_notes(bench, first):
        sys.exit("%s kept no notes: expected a run of this version of helm" % bench.run(first))
    left, notes = bench.run(helm.notes_of(first)), bench.run(helm.notes_of(second))
    if not os.path.exists(notes) and os.path.exists(left):  # else there is nothing to remember
        copy_notes(left, notes)
    config = helm.config_of(bench, "helm", seed + SECOND)
    helm.steer(bench, second, merged(config, {"experiment": {"notes": helm.notes_of(second)}}))


def train(bench, arm, seed):
    if arm == "with":
        train_pair(bench, seed)
    else:
        helm.train(bench, "helm" if arm == "without" else arm, seed + SECOND)


def mended_at(adopted):
    """Steps from which on a fault, and all of them, were mended; None: never."""
    when = {}
    for a in adopted:
        for path, value in a["patch"].items():
            if path in MENDED and MENDED[path](float(value)):
                when.setdefault(path, a["step"])
    return min(when.values(),
               default=None), max(when.values()) if len(when) == len(MENDED) else None


def measured(bench, arm, seed):
    name = name_of(arm, seed + SECOND)
    found = told(bench, name, bench.steps_of(helm.STEPS) * STEP_TOKENS)
    first, all_three = mended_at(found["adopted"])
    return {
        "arm": arm, "seed": seed + SECOND, "sealed": helm.loss_of(bench, name),
        "hash": bench.hash(name), "first": first, "all": all_three, **found
    }


def print_tables(seeds, by, share):
    for arm in ("without", "with"):
        print("%s memory:\n" % arm)
        table([
            "seed", "none", "oracle", "sealed loss", "share of the oracle's gain",
            "tokens of experiments / B", "a fault mended at step", "all mended at", "adopted"
        ], [[
            s + SECOND,
            "%.4f" % by["none", s]["sealed"],
            "%.4f" % by["oracle", s]["sealed"],
            "%.4f" % m["sealed"],
            "%.3f" % share[arm][i],
            "%.3f" % m["spent"], m["first"], m["all"],
            words(m["adopted"])
        ] for i, (s, m) in enumerate((s, by[arm, s]) for s in seeds)])
    print("share of the oracle's gain: with %.3f, without %.3f" %
          (mean(share["with"]), mean(share["without"])))
    found = [by["with", s]["sealed"] - by["without", s]["sealed"] for s in seeds]
    if len(found) > 1:
        print("sealed loss, with - without: %+.4f +- %.4f, p %.3f" %
              (mean(found), interval(found), sign_flip(found)))


def main(bench):
    seeds, arms = bench.seeds_of(SEEDS), [a for a in ARMS if a in (bench.arms or ARMS)]
    keys = [(arm, s) for s in seeds for arm in arms]
    for name in ("code", "prose", "noise"):
        getattr(bench, name)()  # made once, before runs begin beside each other
    bench.each(lambda key: train(bench, *key), keys)
    if set(arms) != set(ARMS):
        return
    by = dict(zip(keys, bench.each(lambda key: measured(bench, *key), keys)))
    share = {
        arm: [(by["none", s]["sealed"] - by[arm, s]["sealed"]) /
              (by["none", s]["sealed"] - by["oracle", s]["sealed"]) for s in seeds]
        for arm in ("without", "with")
    }
    print_tables(seeds, by, share)
    bench.write("memory",
                {"B": bench.steps_of(helm.STEPS), "share": share, "runs": list(by.values())})
