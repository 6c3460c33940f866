#!/usr/bin/env python3
"""Tries values of one setting, one after the other, as there is room for them.

    experiment.planner: script
    experiment.command: [examples/sweep.py, optimizer.lr, 0.5x, 2x, 4x]

A value with an x behind it is a factor of the value at the first briefing; all others are tried as
they stand. Nothing is kept here: what was tried, and the value at the first briefing, is read from
the names of the proposals in each briefing, so the sweep goes on where it was when the run is
resumed."""
import json
import sys


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def same(a, b):
    return a == b or (number(a) is not None and number(a) == number(b))


def value_of(word, base):
    """The value that a word of the command line stands for; None where there is nothing to
    multiply."""
    factor = number(word[:-1]) if word.endswith("x") else None
    if factor is None:
        return word
    return None if number(base) is None else f"{number(base) * factor:.12g}"


def propose(briefing, path, words):
    mine = f"sweep {path} from "
    tried = briefing.get("tried", [])
    may = next((m for m in briefing.get("may_change", []) if m["path"] == path), None)
    if may is None:
        print(f"sweep: {path} is not among what may be changed", file=sys.stderr)
        return []
    before = [t["id"] for t in tried if t.get("id", "").startswith(mine)]
    base = before[0][len(mine):].split(" to ")[0] if before else may["value"]
    done = [str(t["patch"][path])
            for t in tried if list(t.get("patch", {})) == [path]] + [may["value"]]
    proposals = []
    for word in words:
        value = value_of(word, base)
        if value is None:
            print(f"sweep: {word}: {path} is {base}, which cannot be multiplied", file=sys.stderr)
        elif not any(same(value, other) for other in done):
            done.append(value)
            proposals.append({
                "id": f"{mine}{base} to {word}", "patch": {path: value},
                "hypothesis": f"{path} of {value} gives a lower loss than {may['value']}"
            })
    return proposals[:briefing.get("room", 0)]


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: sweep.py PATH VALUE..., such as sweep.py optimizer.lr 0.5x 2x 4x")
    for line in sys.stdin:
        print(json.dumps({"proposals": propose(json.loads(line), sys.argv[1], sys.argv[2:])}),
              flush=True)


main()
