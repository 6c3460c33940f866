"""A researcher at the helm: a program that steers a run over the Model Context Protocol
(examples/researcher.py), on a recipe with three faults that it is not told of: a rate ten times too
low, a beta2 of .8, and a source of random bytes with more than half of the samples.

Sources one (headers), two (licences) and three (random bytes), of which one and two count. Arms:
`none` (no experiments); `helm` (the training rests at each turn until the researcher is done, so
that the steps of its proposals do not hang on how busy the machine is); `oracle` (rate, beta2 and
weights of the sources mended from the start: a guess, not the optimum). All with as many tokens
all in all. Measured: the sealed loss, the mean of one and two; the share of the oracle's gain that
the researcher recovered; tokens of experiments; what was adopted, and when.

Seeds and arms were written down before any of it ran; the researcher was written with other
seeds."""
import json
import os
import subprocess
import sys
import time

from adopt import told, words
from campaigns import BASE, ROOT, STEP_TOKENS, mean, merged, sd, table

STEPS = 6000
SEEDS = [4301, 4302, 4303, 4304, 4305]
ARMS = ("none", "oracle", "helm")
SOURCES = {"one": 1.0, "two": 0.3, "three": 1.5}
COUNT = ("one", "two")
FAULTY = {
    "optimizer": {"lr": 4e-4, "beta2": 0.8, "weight_decay": 0.1}, "gate": {"weights": [1, 1, 0]}
}
GOOD = {"optimizer": {"lr": 4e-3, "beta2": 0.99}}
GOOD_WEIGHTS = {"one": 1.0, "two": 1.0, "three": 0.02}
# A researcher needs a curve from the start; evaluations change no weights and cost no tokens.
STEERED = {
    "experiment": {"planner": "client", "hold": 60, "forks": 3},
    "eval": {"every": 20, "samples": 64}
}
LINES_MAX = 4000  # of a researcher's diary that is shown where it fails


def name_of(arm, seed):
    return "helm-%s-%d" % (arm, seed)


def notes_of(name):
    """The file of notes of a run, beside it; of its own notes a run is told nothing."""
    return name + ".notes.sqlite"


def keeps_notes(bench, name):
    with open(bench.run(name) + ".json") as f:
        return json.load(f)["experiment"]["notes"] != ""


def config_of(bench, arm, seed):
    weights = GOOD_WEIGHTS if arm == "oracle" else SOURCES
    paths = {"one": bench.code(), "two": bench.prose(), "three": bench.noise()}
    return merged(BASE, FAULTY, GOOD if arm == "oracle" else {}, STEERED if arm == "helm" else {}, {
        "data": {
            "sources": [{"name": name, "path": path, "weight": weights[name]}
                        for name, path in paths.items()]
        }, "train": {"steps": bench.steps_of(STEPS), "seed": seed}
    })


def train(bench, arm, seed):
    """Trains a run, of arm `helm` with the researcher beside it."""
    name, config = name_of(arm, seed), config_of(bench, arm, seed)
    if arm != "helm":
        return bench.train(name, config)
    steer(bench, name, merged(config, {"experiment": {"notes": notes_of(name)}}))


def steer(bench, name, config):
    """Trains a run with the researcher beside it, which ends when the run does."""
    if bench.is_whole(name):
        return
    with open(bench.run(name) + ".diary", "a") as diary:
        training = subprocess.Popen([bench.program, *map(str, bench.words(name, config))],
                                    stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE,
                                    text=True)
        while training.poll() is None and not os.path.exists(
                os.path.join(bench.run(name), "config.yaml")):
            time.sleep(0.1)
        researcher = subprocess.Popen(
            [sys.executable,
             os.path.join(ROOT, "examples", "researcher.py"),
             bench.run(name)],
            env=dict(os.environ, TRIREME=bench.program),
            stdout=diary,
            stderr=diary)
        said = training.communicate()[1]
        left = researcher.wait()
    if training.returncode or left:
        sys.exit("%s: train ended with %d, the researcher with %d\n%s" %
                 (name, training.returncode, left, said[-LINES_MAX:]))
    print("ran %s" % name, file=sys.stderr, flush=True)


def loss_of(bench, name):
    """The mean of the sources that count: of the sealed part the eval weighs it so, of dev not."""
    if not bench.steps:
        return bench.sealed(name)
    found = bench.json("eval", bench.run(name), "--part", "dev")["sources"]
    return mean([s["val_loss"] for s in found if s["name"] in COUNT])


def main(bench):
    seeds, arms = bench.seeds_of(SEEDS), [a for a in ARMS if a in (bench.arms or ARMS)]
    keys = [(arm, s) for arm in arms for s in seeds]
    for name in ("code", "prose", "noise"):
        getattr(bench, name)()  # made once, before runs begin beside each other
    bench.each(lambda key: train(bench, *key), keys)

    def measured(key):
        name = name_of(*key)
        return {
            "arm": key[0], "seed": key[1], "sealed": loss_of(bench, name), "hash": bench.hash(name),
            **told(bench, name,
                   bench.steps_of(STEPS) * STEP_TOKENS)
        }

    by = dict(zip(keys, bench.each(measured, keys)))
    rows = [[
        arm, *("%.4f" % by[arm, s]["sealed"] for s in seeds),
        "%.4f" % mean([by[arm, s]["sealed"] for s in seeds])
    ] for arm in arms]
    table(["sealed loss, mean of one and two", *("seed %d" % s for s in seeds), "mean"], rows)
    if set(arms) != set(ARMS):
        return
    share = [(by["none", s]["sealed"] - by["helm", s]["sealed"]) /
             (by["none", s]["sealed"] - by["oracle", s]["sealed"]) for s in seeds]
    error = sd(share) / len(share)**0.5
    table([
        "seed", "share of the oracle's gain", "tokens of experiments / B", "adopted",
        "first at step", "what"
    ], [[
        s,
        "%.3f" % x,
        "%.3f" % m["spent"],
        len(m["adopted"]), m["adopted"][0]["step"] if m["adopted"] else "",
        words(m["adopted"])
    ] for s, x, m in zip(seeds, share, (by["helm", s] for s in seeds))])
    print("recovered %.3f +- %.3f (standard error, %d seeds)" % (mean(share), error, len(share)))
    bench.write(
        "helm", {
            "B": bench.steps_of(STEPS), "share": share, "mean": mean(share),
            "standard_error": error if len(share) > 1 else None, "runs": list(by.values())
        })
