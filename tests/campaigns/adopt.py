"""Whether experiments pay for themselves under the second rule (adopt fast, claim slowly), at equal
tokens all in all: what experiments spend is not trained on.

`low`: a rate 8 times too low, and a planner that proposes 2, 4 and 8 times it. `low+`: the same
among seven changes that are worth nothing. `nothing`: the good rate, and ten changes that are worth
nothing. `harmful`: the good rate, and three changes that do harm. Each beside `none` (no
experiments), the first two beside `oracle` (the good rate from the start). Measured: the sealed
loss at the end of the trunk; tokens; what was adopted, kept, taken back and claimed, and when.

Seeds, arms and contrasts were written down before any of it ran: rule 2 against none in each row,
Holm's correction over the four."""
import json
import os
import sys

from campaigns import (BASE, HERE, STEP_TOKENS, adopted, holm, interval, mean, merged, records,
                       sign_flip, table)

B = 1800
RATE = 4e-3  # of find_rate
SEEDS = list(range(101, 113))


def change(**patch):
    return {path.replace("__", "."): value for path, value in patch.items()}


RATES = [change(optimizer__lr=RATE / 8 * factor) for factor in (2, 4, 8)]
USELESS = [
    change(optimizer__beta1=0.88),
    change(optimizer__beta2=0.985),
    change(optimizer__weight_decay=0.08),
    change(optimizer__eps=2e-8),
    change(optimizer__beta1=0.92),
    change(optimizer__weight_decay=0.12),
    change(optimizer__beta2=0.992),
    change(optimizer__eps=5e-9),
    change(optimizer__beta1=0.91),
    change(optimizer__weight_decay=0.11),
]
HARMFUL = [
    change(optimizer__lr=4 * RATE),
    change(optimizer__beta2=0.9975),
    change(optimizer__beta1=0.5),
]
ROWS = {  # name: factor of the rate at the start, what is proposed, whether there is an oracle
    "low": (1 / 8, RATES, True),
    "low+": (1 / 8, [
        USELESS[0], RATES[0], USELESS[1], USELESS[2], RATES[1], USELESS[3], USELESS[4], RATES[2],
        USELESS[5], USELESS[6]
    ], True),
    "nothing": (1, USELESS, False),
    "harmful": (1, HARMFUL, False),
}


def name_of(row, arm, seed, steps=B):
    # none and the oracle are one run for all rows that have the same rate
    name = arm if arm in ("low-none", "good-none") else row.replace("+", "-plus")
    return "adopt-%s%s-%d" % ("" if steps == B else "%d-" % steps, name, seed)


def none_of(rows, row):
    return "low-none" if rows[row][0] < 1 else "good-none"


def planner_of(bench, proposals, name):
    """Of a configuration: that these are proposed, in this order, and at the same step however busy
    the machine is."""
    path = os.path.join(bench.out, "adopt-%s.json" % name)
    with open(path, "w") as f:
        json.dump([{"id": "%d" % i, "patch": p} for i, p in enumerate(proposals)], f)
    return {
        "experiment": {
            "planner": "script", "command": [sys.executable,
                                             os.path.join(HERE, "listed.py"), path], "hold": 60
        }
    }


def config_of(bench, factor, seed, proposals=None, name="", steps=B):
    extra = planner_of(bench, proposals, name) if proposals else {}
    return merged(
        BASE, extra, {
            "data": {"sources": bench.texts()}, "optimizer": {"lr": RATE * factor},
            "train": {"steps": steps, "seed": seed}
        })


def told(bench, name, tokens=B * STEP_TOKENS):
    """What a run's experiments came to."""
    found = records(bench.run(name))
    spent = sum(r["observation"]["tokens"] for r in found if r["kind"] == "observation")
    spent += sum(r["decision"]["tokens"] for r in found if r["kind"] == "decision")
    return {"spent": spent / tokens, "adopted": adopted(found)}


def words(found):
    return "; ".join("%s at %d, %s" %
                     (" ".join("%s=%s" % item
                               for item in a["patch"].items()), a["step"], ", ".join(a["became"]))
                     for a in found) or "nothing"


def compare(bench, result, rows, steps, seeds):
    """Trains and tells of these rows, each beside none, runs of so many steps."""
    configs = {}
    for s in seeds:
        for row, (factor, proposals, has_oracle) in rows.items():
            configs[name_of(row, none_of(rows, row), s, steps)] = config_of(bench,
                                                                            factor,
                                                                            s,
                                                                            steps=steps)
            configs[name_of(row, "rule 2", s, steps)] = config_of(bench, factor, s, proposals, row,
                                                                  steps)
            if has_oracle:
                configs[name_of(row, "good-none", s, steps)] = config_of(bench, 1, s, steps=steps)
    bench.train_all(configs)
    sealed = dict(zip(configs, bench.each(bench.sealed, configs)))

    def measured(key):
        row, arm, seed = key
        name = name_of(row, arm, seed, steps)
        return {
            "row": row, "arm": arm, "seed": seed, "sealed": sealed[name], "hash": bench.hash(name),
            **told(bench, name, steps * STEP_TOKENS)
        }

    keys = [(row, arm, s) for row, (_, _, has_oracle) in rows.items()
            for arm in dict.fromkeys([none_of(rows, row), "rule 2"] + ["good-none"] * has_oracle)
            for s in seeds]
    runs = bench.each(measured, keys)
    by = {(r["row"], r["arm"], r["seed"]): r for r in runs}
    lines, contrasts = [], []
    differences = {
        row: [
            by[row, "rule 2", s]["sealed"] - by[row, none_of(rows, row), s]["sealed"] for s in seeds
        ]
        for row in rows
    }
    corrected = dict(zip(rows, holm([sign_flip(d) for d in differences.values()])))
    for row, (_, _, has_oracle) in rows.items():
        mine = [by[row, "rule 2", s] for s in seeds]
        none = [by[row, none_of(rows, row), s]["sealed"] for s in seeds]
        d = differences[row]
        recovered = has_oracle and mean(d) / (
            mean([by[row, "good-none", s]["sealed"] for s in seeds]) - mean(none))
        in_force = [[a for a in m["adopted"] if "taken back" not in a["became"]] for m in mine]
        contrasts.append({
            "row": row, "differences": d, "mean": mean(d),
            "half_width": interval(d) if len(d) > 1 else None, "p": sign_flip(d),
            "p_holm": corrected[row], "recovered": recovered or None
        })
        lines.append([
            row,
            "%.4f" % mean(none),
            "%.4f" % mean([m["sealed"] for m in mine]),
            "%+.4f +- %.4f" % (mean(d), interval(d)) if len(d) > 1 else "%+.4f" % d[0],
            "%.4f" % sign_flip(d),
            "%.4f" % corrected[row],
            "%d of %d" % (sum(x < 0 for x in d), len(d)),
            "%.2f" % recovered if has_oracle else "",
            "%.3f to %.3f" % (min(m["spent"] for m in mine), max(m["spent"] for m in mine)),
            "%d" % sum(bool(m["adopted"]) for m in mine),
            "%d" % sum(map(bool, in_force)),
            "%d" % sum(any("claimed" in a["became"] for a in m["adopted"]) for m in mine)
        ])
    table([
        "row", "none", "rule 2", "difference, 95 % interval", "p", "p, Holm", "below none",
        "recovered", "tokens of experiments / B", "runs that adopted", "with one in force",
        "that claimed"
    ], lines)
    for row in rows:
        for s in seeds:
            print("%s, seed %d: %s" % (row, s, words(by[row, "rule 2", s]["adopted"])))
    bench.write(result, {"rate": RATE, "B": steps, "contrasts": contrasts, "runs": runs})
    return by


def main(bench):
    compare(bench, "adopt", ROWS, bench.steps_of(B), bench.seeds_of(SEEDS))
