#!/usr/bin/env python3
"""The smallest planner: copy it and change `propose`.

    experiment.planner: script
    experiment.command: [examples/minimal.py]

Each line on stdin is a briefing, each line on stdout the answer to it. What goes to stderr is kept
in RUN/planner.log."""
import json
import sys


def propose(briefing):
    """Proposals for a briefing; none are always a good answer."""
    if any(tried.get("id") == "half the rate" for tried in briefing.get("tried", [])):
        return []  # once is enough; how it went stands in tried["outcome"]
    may = {setting["path"]: setting["value"] for setting in briefing["may_change"]}
    if "optimizer.lr" not in may:
        return []  # the run's policy does not allow it
    lr = float(may["optimizer.lr"])
    return [{
        "id": "half the rate",  # a name of its own for each proposal
        "patch": {"optimizer.lr": lr / 2},  # paths and values, of those that may be changed
        "hypothesis": "the loss is noisy: smaller steps bring it lower",
        "predicted": "a lower loss after the rate has fallen",
    }]


for line in sys.stdin:
    briefing = json.loads(line)
    proposals = propose(briefing) if briefing.get("room", 0) > 0 else []
    print(json.dumps({"proposals": proposals}), flush=True)
