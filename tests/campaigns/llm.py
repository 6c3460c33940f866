"""A language model at the helm: a small one (SmolLM2-135M-Instruct in 4 bits, by llama.cpp;
tests/e2e/small_model.py installs both) plans a run by itself, through `experiment.planner: llm`, on
the recipe of `helm` with its three faults. The point is that a real model's calls, refusals and
verdicts are in a real ledger; what a good one would do shows the researcher of `helm`.

Arms: `llm` (the training rests at each turn until the model has answered), and those of `helm`:
`none`, `oracle` and `helm`, which are read where they are there already. All with as many tokens
all in all. Measured: the sealed loss; the share of the oracle's gain; calls of the model, their
tokens, seconds and what they would have cost at a stated price; what became of its answers and
proposals.

Seeds and arms were written down before any of it ran; they are those of `helm`."""
import os
import secrets
import sys
import time

import helm
from adopt import told, words
from campaigns import HERE, STEP_TOKENS, hypotheses, mean, merged, records, table

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import small_model  # noqa: E402

SEEDS = helm.SEEDS  # 4301 to 4305
ARMS = (*helm.ARMS, "llm")
PRICE = {"input": 1, "output": 5}  # USD per million tokens: a made-up one, so that costs show
PLANNED = {
    "experiment": {"planner": "llm", "hold": 12000, "forks": 3, "briefing": 4096},
    "eval": {"every": 20, "samples": 64},
    "llm": {
        "api": "openai", "model": small_model.NAME, "max_tokens": 600, "timeout": 3600,
        "price": PRICE, "budget": {"calls": 1000}
    },
}
STOPS = ("answered", "nothing")  # of a call whose answer was taken


def config_of(bench, seed, url, key_file):
    return merged(helm.config_of(bench, "none", seed), PLANNED,
                  {"llm": {"url": url, "key_file": key_file}})


def train(bench, seed):
    """Trains a run beside a server of its own, which ends with it."""
    name = helm.name_of("llm", seed)
    if bench.is_whole(name):
        return
    key, key_file = secrets.token_hex(16), bench.run(name) + ".key"
    with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(key + "\n")
    server = small_model.Server(bench.run(name) + ".server", key=key)
    began = time.monotonic()
    try:
        bench.train(name, config_of(bench, seed, server.url, key_file))
    finally:
        server.close()
    print("%s took %.0f s" % (name, time.monotonic() - began), file=sys.stderr, flush=True)


def calls_of(run):
    """What the calls of a run came to."""
    calls = [r["call"] for r in records(run) if "call" in r]
    turns = {}
    for call in calls:
        turns.setdefault(call["turn"], []).append(call["stop"])
    found = hypotheses(run)
    by = {}
    for h in found:
        by[h["outcome"]] = by.get(h["outcome"], 0) + 1
    ends = {}
    for call in calls:
        ends[call["stop"]] = ends.get(call["stop"], 0) + 1
    return {
        "calls": len(calls), "turns": len(turns), "taken": sum(stops[-1] in STOPS
                                                               for stops in turns.values()),
        "repaired": sum(len(stops) > 1 and stops[-1] in STOPS for stops in turns.values()),
        "stops": ends, "input": sum(c["prompt_tokens"]
                                    for c in calls), "output": sum(c["answer_tokens"]
                                                                   for c in calls),
        "seconds": sum(c["ms"] for c in calls) / 1000, "usd": sum(c["usd"] for c in calls),
        "proposals": len(found), "refused": by.get("refused", 0), "outcomes": by,
        "reasons": sorted({h["reason"]
                           for h in found if h["outcome"] == "refused"})
    }


def share_of(by, arm, seed):
    """Of the oracle's gain; None where a run that it takes is not there."""
    if any((a, seed) not in by for a in ("none", "oracle", arm)):
        return None
    none, oracle, own = (by[a, seed]["sealed"] for a in ("none", "oracle", arm))
    return (none - own) / (none - oracle)


def shown(value, form):
    return "-" if value is None else form % value


def print_tables(by, seeds):
    table(["sealed loss, mean of one and two", *("seed %d" % s for s in seeds), "mean"], [[
        arm, *(shown(by[arm, s]["sealed"] if (arm, s) in by else None, "%.4f") for s in seeds),
        shown(
            mean([by[arm, s]["sealed"] for s in seeds]) if all((arm, s) in by
                                                               for s in seeds) else None, "%.4f")
    ] for arm in ARMS])
    runs = [by["llm", s] for s in seeds if ("llm", s) in by]
    table([
        "seed", "share of the oracle's gain", "of helm's researcher", "tokens of experiments / B",
        "adopted"
    ], [[
        r["seed"],
        shown(share_of(by, "llm", r["seed"]), "%.3f"),
        shown(share_of(by, "helm", r["seed"]), "%.3f"),
        "%.3f" % r["spent"],
        words(r["adopted"])
    ] for r in runs])
    table([
        "seed", "turns", "calls", "answers taken", "after a repair", "proposals", "refused",
        "tokens in", "tokens out", "seconds of calls", "USD"
    ], [[
        r["seed"], r["turns"], r["calls"], r["taken"], r["repaired"], r["proposals"], r["refused"],
        r["input"], r["output"],
        "%.0f" % r["seconds"],
        "%.4f" % r["usd"]
    ] for r in runs])


def main(bench):
    os.environ.setdefault("TRIREME_LONG", "1")  # to install
    small_model.provide()
    seeds, arms = bench.seeds_of(SEEDS), [a for a in ARMS if a in (bench.arms or ARMS)]
    for name in ("code", "prose", "noise"):
        getattr(bench, name)()  # made once, before runs begin beside each other
    bench.each(lambda key: helm.train(bench, *key), [(arm, s) for arm in arms if arm != "llm"
                                                     for s in seeds])
    for s in seeds if "llm" in arms else []:  # the model has one run at a time
        train(bench, s)

    def measured(key):
        name = helm.name_of(*key)
        return {
            "arm": key[0], "seed": key[1], "sealed": helm.loss_of(bench, name),
            "hash": bench.hash(name), **told(bench, name,
                                             bench.steps_of(helm.STEPS) * STEP_TOKENS),
            **(calls_of(bench.run(name)) if key[0] == "llm" else {})
        }

    keys = [(arm, s) for s in seeds for arm in ARMS if bench.is_whole(helm.name_of(arm, s))]
    by = dict(zip(keys, bench.each(measured, keys)))
    print_tables(by, seeds)
    bench.write(
        "llm", {
            "B": bench.steps_of(helm.STEPS), "model": small_model.NAME, "price": PRICE,
            "share": {str(s): share_of(by, "llm", s)
                      for s in seeds}, "runs": list(by.values())
        })
