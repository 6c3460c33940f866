"""A clip halved under Adam, at the good rate. For a hundred steps it acts as a lower rate, until
the second moment has followed, so every pair shows a gain that the run never has; the first rule
promoted it (three pairs of +.031 +.030 +.028).

Seeds were written down before any of it ran. To be shown: not adopted, or taken back, in at least
10 of 12. The runs without experiments are those of adopt.py, where they are there."""
from adopt import B, SEEDS, change, compare

ROWS = {"clip-halved": (1, [change(optimizer__clip=0.5)], False)}


def main(bench):
    seeds = bench.seeds_of(SEEDS)
    by = compare(bench, "clip", ROWS, bench.steps_of(B), seeds)
    found = [by["clip-halved", "rule 2", s]["adopted"] for s in seeds]
    print("not adopted in %d, adopted and taken back in %d, in force at the end in %d of %d" %
          (sum(not f for f in found), sum(
              any("taken back" in a["became"] for a in f)
              for f in found), sum(any("taken back" not in a["became"] for a in f)
                                   for f in found), len(seeds)))
