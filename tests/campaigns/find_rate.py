"""A good constant to begin with: the dev losses of runs that differ in their rate alone."""
from campaigns import BASE, merged, table

STEPS = 1800
RATES = [2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2]
SEED = 101


def main(bench):
    base = merged(BASE,
                  {"data": {"sources": bench.texts()}, "train": {"steps": STEPS, "seed": SEED}})
    bench.train_all({"rate-%g" % rate: merged(base, {"optimizer": {"lr": rate}}) for rate in RATES})
    losses = {
        rate: bench.json("eval", bench.run("rate-%g" % rate), "--set",
                         "eval.samples=1024")["val_loss"]
        for rate in RATES
    }
    table(["optimizer.lr", "dev loss"], [["%g" % rate, "%.4f" % losses[rate]] for rate in RATES])
    best = min(losses, key=losses.get)
    print("best: %g" % best)
    bench.write("find_rate", {"config": base, "losses": losses, "best": best})
