"""A source of random bytes beside a text, judged by the text alone (gate.weights 1 and 0), under
the second rule and at equal tokens all in all. The planner proposes twice the weight of the random
bytes and half of it.

Two settings: three random bytes to one of text, batch 64, 4800 steps; and one to one, batch 16,
2400 steps. Arms: none; rule 2; the oracle, which has half the random bytes from the start.
Measured: sealed loss of the text at the end; which of the two was adopted and what became of it;
the part of the oracle's gain that rule 2 recovered.

Seeds, arms and contrasts were written down before any of it ran: rule 2 against none in each
setting, Holm's correction over the two. To be shown: three to one: halved adopted in at least 10 of
12 runs (5 of these 6), doubled in none, recovered at least .5; one to one: halved in 8 of 12."""
from adopt import planner_of, told, words
from campaigns import BASE, holm, interval, mean, merged, sign_flip, table

WEIGHT = "data.sources.1.weight"
SETTINGS = {  # name: batch, weight of the random bytes (that of the text is 1), steps, seeds
    "3-to-1": (64, 3, 4800, list(range(131, 137))),
    "1-to-1": (16, 1, 2400, list(range(141, 153))),
}
ARMS = ("none", "rule 2", "oracle")


def name_of(setting, arm, seed):
    return "bytes-%s-%s-%d" % (setting, arm.replace(" ", "-"), seed)


def config_of(bench, setting, arm, seed):
    batch, noise, steps, _ = SETTINGS[setting]
    proposals = [{WEIGHT: 2 * noise}, {WEIGHT: noise / 2}]
    extra = planner_of(bench, proposals, "bytes-" + setting) if arm == "rule 2" else {}
    return merged(
        BASE, extra, {
            "data": {
                "sources": [{"name": "text", "path": bench.code_and_prose()}, {
                    "name": "noise", "path": bench.noise(),
                    "weight": noise / 2 if arm == "oracle" else noise
                }]
            }, "train": {"batch": batch, "steps": bench.steps_of(steps), "seed": seed},
            "gate": {"weights": [1, 0]}
        })


def in_runs(runs, setting, factor):
    """Of that setting's rule 2: what became of the change by this factor, in each run that adopted
    it."""
    weight = factor * SETTINGS[setting][1]
    return [
        a["became"] for r in runs if (r["setting"], r["arm"]) == (setting, "rule 2")
        for a in r["adopted"] if float(a["patch"][WEIGHT]) == weight
    ]


def main(bench):
    keys = [(setting, arm, s) for setting, (*_, seeds) in SETTINGS.items()
            for s in bench.seeds_of(seeds) for arm in ARMS]
    bench.train_all({name_of(*key): config_of(bench, *key) for key in keys})

    def measured(key):
        setting, arm, seed = key
        batch, _, steps, _ = SETTINGS[setting]
        tokens = bench.steps_of(steps) * batch * BASE["model"]["context"]
        return {
            "setting": setting, "arm": arm, "seed": seed, "sealed": bench.sealed(name_of(*key)),
            "hash": bench.hash(name_of(*key)), **told(bench, name_of(*key), tokens)
        }

    runs = bench.each(measured, keys)
    by = {(r["setting"], r["arm"], r["seed"]): r for r in runs}
    lines, contrasts = [], []
    for setting, (*_, seeds) in SETTINGS.items():
        none, rule, oracle = ([by[setting, arm, s]["sealed"] for s in bench.seeds_of(seeds)]
                              for arm in ARMS)
        d = [a - b for a, b in zip(rule, none)]
        contrasts.append({
            "setting": setting, "differences": d, "mean": mean(d),
            "half_width": interval(d) if len(d) > 1 else None, "p": sign_flip(d),
            "recovered": mean(d) / (mean(oracle) - mean(none)),
            "halved": in_runs(runs, setting, 0.5), "doubled": in_runs(runs, setting, 2)
        })
        lines.append([
            setting, *("%.4f" % mean(x) for x in (none, rule, oracle)),
            "%+.4f +- %.4f" % (mean(d), interval(d)) if len(d) > 1 else "%+.4f" % d[0]
        ])
    for c, p in zip(contrasts, holm([c["p"] for c in contrasts])):
        c["p_holm"] = p
    table([
        "random bytes to text", *ARMS, "rule 2 - none, 95 % interval", "p", "p, Holm", "recovered",
        "halved", "taken back", "doubled", "taken back"
    ], [[
        *line,
        "%.4f" % c["p"],
        "%.4f" % c["p_holm"],
        "%.2f" % c["recovered"], *(str(n) for way in ("halved", "doubled")
                                   for n in (len(c[way]), sum("taken back" in b for b in c[way])))
    ] for line, c in zip(lines, contrasts)])
    for setting, arm, s in keys:
        if arm == "rule 2":
            print("%s, seed %d: %s" % (setting, s, words(by[setting, arm, s]["adopted"])))
    bench.write("bytes", {"settings": SETTINGS, "contrasts": contrasts, "runs": runs})
