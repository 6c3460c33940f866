"""How far the verdict of a stretch reaches: the gain of a pair beside the loss at the end of the
run.

A run without experiments at the good rate. In a copy of it that goes on from one of its checkpoints
each patch is measured in its first stretch; from the step at which that began (the planner's
answer takes some steps) it is forced upon the trunk of another copy, which keeps it to the end, at
equal tokens (`resume COPY@STEP --set`). A margin that nothing reaches lets every change be measured
once and none be adopted; the calm ones, which do not share a stretch with the others, are measured
in a run of their own.

Seeds, steps and patches were written down before any of it ran. Measured, for each step: in how
many the sign of the pair's gain is that of the gain at the end (sealed loss of the run without
experiments less that of the forced one), and Spearman's rank correlation."""
import json
import os
import shutil
import sys

from adopt import B, RATE, change, planner_of
from campaigns import BASE, HERE, mean, merged, records, table

SEEDS = [151, 152]
STARTS = [50, 150]  # share .4 pays for a first stretch of all up to step 210
PATCHES = {  # kind of the stretch -> name: patch
    "plain": {
        "rate x 4": change(optimizer__lr=4 * RATE),
        "rate x 2": change(optimizer__lr=2 * RATE),
        "beta1 .8": change(optimizer__beta1=0.8),
        "beta1 .95": change(optimizer__beta1=0.95),
        "beta2 .95": change(optimizer__beta2=0.95),
        "beta2 .999": change(optimizer__beta2=0.999),
        "decay 0": change(optimizer__weight_decay=0),
        "decay .4": change(optimizer__weight_decay=0.4),
        "batch 8": change(train__batch=8),
        "eps 1e-4": change(optimizer__eps=1e-4),
        "code x 3": change(data__sources__0__weight=3),
        "prose x 3": change(data__sources__1__weight=3),
    },
    "calm": {
        "rate / 2": change(optimizer__lr=RATE / 2),
        "rate / 4": change(optimizer__lr=RATE / 4),
        "batch 32": change(train__batch=32),
        "clip .25": change(optimizer__clip=0.25),
    },
}
KIND = {name: kind for kind, patches in PATCHES.items() for name in patches}


def base_of(bench, seed):
    return merged(
        BASE, {
            "data": {"sources": bench.texts()}, "optimizer": {"lr": RATE}, "train": {
                "steps": bench.steps_of(B), "seed": seed
            }, "gate": {"weights": [1, 1], "margin": 100, "share": 0.4, "stake": 0.4},
            "experiment": {"forks": 16}, "checkpoint": {"every": 10, "keep": 1000}
        })


def end_from(bench, base, step, name, patch):
    """Ends a copy of a run from one of its checkpoints on, with a patch."""
    if bench.is_whole(name):
        return
    folder, kept = bench.run(name), "step-%08d" % step
    shutil.rmtree(folder, ignore_errors=True)

    def left_out(parent, names):
        return [
            n for n in names
            if n == "status.json" or (os.path.basename(parent) == "checkpoints" and n != kept)
        ]

    shutil.copytree(bench.run(base), folder, ignore=left_out)
    words = []
    for path, value in {"checkpoint.every": 0, "checkpoint.keep": 1, **patch}.items():
        words += ["--set", "%s=%s" % (path, value if isinstance(value, str) else json.dumps(value))]
    bench.call("resume", "%s@%d" % (folder, step), *words, "--workers", 1, "--servers", 1)
    print("ran %s" % name, file=sys.stderr, flush=True)


def pairs_of(run, names):
    """Of each patch: the step at which its first pair began, and what it gained; None: its fork
    diverged, or was ended."""
    found, began = {}, 0
    for r in records(run):
        if r["kind"] == "stretch":
            began = r["step"]
        elif r["kind"] == "observation":
            o = r["observation"]
            lost = o.get("diverged") or o.get("trunk_diverged")
            found.setdefault(r["number"],
                             (began, None if lost else o["trunk_loss"] - o["fork_loss"]))
    if len(found) != len(names) or len({began for began, _ in found.values()}) > 1:
        sys.exit("%s: has first pairs of %d patches, expected %d, all in one stretch" %
                 (run, len(found), len(names)))
    return {name: found[i + 1] for i, name in enumerate(names)}


def forced(bench, patch, start):
    """The patch, and as many steps as the same tokens are."""
    batch = patch.get("train.batch", BASE["train"]["batch"])
    left = (bench.steps_of(B) - start) * BASE["train"]["batch"] // batch
    return {**patch, "train.steps": start + left}


def ranks(x):
    """Ranks from 0; ties share theirs."""
    return [(sum(v < w for v in x) + sum(v <= w for v in x) - 1) / 2 for w in x]


def spearman(x, y):
    a, b = ranks(x), ranks(y)
    am, bm = mean(a), mean(b)
    return sum((v - am) * (w - bm) for v, w in zip(a, b)) / (sum((v - am)**2 for v in a) * sum(
        (w - bm)**2 for w in b))**0.5


def low(gain):
    """A fork that diverged gains less than any other."""
    return -1e9 if gain is None else gain


def measure(bench, seeds):
    """Runs all there is to be run; of each seed, start and patch: its first pair and its end."""
    bench.train_all({"horizon-%d" % s: base_of(bench, s) for s in seeds})
    keys = [(s, start, kind) for s in seeds for start in STARTS for kind in PATCHES]

    def pairs(key):
        s, start, kind = key
        name, patches = "horizon-%d-%d-%s" % key, PATCHES[kind]
        planner = planner_of(bench, list(patches.values()), "horizon-" + kind)["experiment"]
        end_from(bench, "horizon-%d" % s, start, name,
                 {"experiment." + word: value
                  for word, value in planner.items()})
        return pairs_of(bench.run(name), list(patches))

    first = dict(zip(keys, bench.each(pairs, keys)))

    def end(key):
        s, start, word = key
        began, gain = first[s, start, KIND[word]][word]
        name = "horizon-%d-%d-%s" % (s, start, word.replace(" ", "").replace("/", "by"))
        end_from(bench, "horizon-%d" % s, began, name,
                 forced(bench, PATCHES[KIND[word]][word], began))
        return {
            "seed": s, "start": start, "patch": word, "kind": KIND[word], "began": began,
            "gain": gain, "sealed": bench.sealed(name)
        }

    found = bench.each(end, [(s, start, word) for s in seeds for start in STARTS for word in KIND])
    none = dict(zip(seeds, bench.each(lambda s: bench.sealed("horizon-%d" % s), seeds)))
    return [{**r, "none": none[r["seed"]]} for r in found]


def main(bench):
    seeds = bench.seeds_of(SEEDS)
    found = measure(bench, seeds)
    summary = []
    for start in STARTS:
        lines, all_x, all_y = [], [], []
        for word in KIND:
            mine = [r for r in found if (r["start"], r["patch"]) == (start, word)]
            x, y = [r["gain"] for r in mine], [r["none"] - r["sealed"] for r in mine]
            all_x.append(mean([low(v) for v in x]))
            all_y.append(mean(y))
            lines.append([
                word, KIND[word], *("ended" if v is None else "%+.4f" % v for v in x),
                *("%+.4f" % v for v in y),
                "%d of %d" % (sum((low(v) > 0) == (w > 0) for v, w in zip(x, y)), len(x))
            ])
        steps = sorted({r["began"] for r in found if r["start"] == start})
        print("changed at step %s" % ", ".join(map(str, steps)))
        table([
            "patch", "stretch", *("gain of the pair, seed %d" % s
                                  for s in seeds), *("gain at the end, seed %d" % s
                                                     for s in seeds), "same sign"
        ], lines)
        mine = [r for r in found if r["start"] == start]
        for kind in (*PATCHES, "all"):
            those = [r for r in mine if kind in (r["kind"], "all")]
            same = sum((low(r["gain"]) > 0) == (r["none"] > r["sealed"]) for r in those)
            summary.append({"start": start, "kind": kind, "same_sign": same, "of": len(those)})
            print("%s: same sign in %d of %d" % (kind, same, len(those)))
        each = [
            spearman([low(r["gain"]) for r in mine if r["seed"] == s],
                     [r["none"] - r["sealed"] for r in mine if r["seed"] == s]) for s in seeds
        ]
        summary.append({"start": start, "spearman": each, "of_means": spearman(all_x, all_y)})
        print("rank correlation: %.2f of the means, %s\n" %
              (spearman(all_x, all_y), ", ".join("%.2f (seed %d)" % c for c in zip(each, seeds))))
    bench.write("horizon",
                {"rate": RATE, "B": bench.steps_of(B), "summary": summary, "runs": found})
