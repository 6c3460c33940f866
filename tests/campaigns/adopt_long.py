"""The second rule in runs four times as long: a rate 8 times too low with seven useless proposals
among the good ones (low+), and ten useless ones at the good rate (nothing); none and the oracle
beside them, as in adopt.py.

Seeds, arms and contrasts were written down before any of it ran: rule 2 against none in each row,
Holm's correction over the two. To be shown: low+ recovers at least .85 of the oracle's gain;
nothing costs at most .006 nats in the mean."""
from adopt import ROWS, compare

B = 7200
SEEDS = [121, 122, 123, 124]


def main(bench):
    rows = {row: ROWS[row] for row in ("low+", "nothing")}
    compare(bench, "adopt_long", rows, bench.steps_of(B), bench.seeds_of(SEEDS))
