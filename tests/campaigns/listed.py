#!/usr/bin/env python3
"""A planner that proposes what a file lists: `listed.py FILE [AHEAD]`, a JSON list of proposals.
Those whose names stand in the briefing were proposed before. AHEAD: how many more than there is
room for, so that a stretch need not wait for an answer."""
import json
import sys

with open(sys.argv[1]) as f:
    listed = json.load(f)
ahead = int(sys.argv[2]) if len(sys.argv) > 2 else 0
for line in sys.stdin:
    briefing = json.loads(line)
    tried = {t.get("id") for t in briefing.get("tried", [])}
    left = [proposal for proposal in listed if proposal["id"] not in tried]
    print(json.dumps({"proposals": left[:briefing.get("room", 0) + ahead]}), flush=True)
