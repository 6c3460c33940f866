"""The row `nothing` of adopt.py with other seeds: those of adopt.py had shown that four of twelve
runs ended with a useless change in force, whereupon a last chance came to be taken only where the
gain pays for what follows it (coordinator/gate/decide.h).

Seeds were written down before any of them ran. To be shown: at most two of twelve end with one in
force; the mean penalty is at most .012 nats, its upper limit at most .03."""
from adopt import B, ROWS, compare

SEEDS = list(range(201, 213))


def main(bench):
    compare(bench, "adopt_nothing", {"nothing": ROWS["nothing"]}, bench.steps_of(B),
            bench.seeds_of(SEEDS))
