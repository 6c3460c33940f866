#!/usr/bin/env python3
"""A researcher at the helm of a run, over the Model Context Protocol: copy it and change `think`.

    experiment: {planner: client, hold: 60}      # in run.yaml: the training rests for its turns
    trireme train run.yaml --out runs/a &
    examples/researcher.py runs/a                # TRIREME: the program, if it is not on the PATH

It waits for its turn, reads the briefing, proposes, is done, and waits again, until the run is
over. It keeps nothing itself: what was tried, and what became of it, stands in each briefing, so it
may be killed and started again. What earlier runs have adopted (experiment.notes) comes first, and
what they have settled is not tried again; with --no-memory it does not look. Its diary goes to
stdout."""
import json
import os
import subprocess
import sys

RATE_TIMES_WIDTH = 0.3  # a usual rate of Adam: 4e-4 at a width of 768, 5e-3 at 64
FAR, FACTOR, FURTHER = 3, 4, 3  # times below it that is far; a first step up; a further one at most
MEMORY_ODD, MEMORY_GOOD = 0.95, 0.99  # beta2
NEARLY_NOTHING = 0.01  # weight of a source that teaches nothing, beside the heaviest
EARLY = 0.3  # part of the run in which a smaller batch is worth a trial
STEEP = 0.01  # fall of the loss in 100 steps, as a part of it

PENDING = ("proposed", "waiting", "deferred", "queued", "open")
ANEW = ("superseded", "no money", "no time", "killed", "replaced", "not needed", "no memory",
        "lost", "failed", "overruled", "unfit", "no windows")
TOO_SMALL = ("no hope", "no sign", "without effect")
WORSE = ("beaten", "taken back", "diverged")
GOOD = ("adopted (screening)", "claimed")  # of earlier runs


class Server:
    """`trireme mcp RUN --role propose`: JSON-RPC, a message a line, over its stdin and stdout."""
    def __init__(self, run):
        words = [os.environ.get("TRIREME", "trireme"), "mcp", run, "--role", "propose"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process, self.number = subprocess.Popen(words, **pipes), 0
        client = {"name": "researcher", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.tell({"method": "notifications/initialized"})
        tools = self.ask("tools/list")["tools"]
        self.tools = {tool["name"]: tool["inputSchema"]["properties"] for tool in tools}

    def tell(self, message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method, **params):
        self.number += 1
        self.tell({"id": self.number, "method": method, "params": params})
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return message["result"]
        raise RuntimeError("the server has ended")

    def call(self, name, **arguments):
        """What a tool says, and None; or None and the sentence of its refusal."""
        result = self.ask("tools/call", name=name, arguments=arguments)
        if result.get("isError"):
            return None, result["content"][0]["text"]
        return result["structuredContent"], None


class Look:
    """A briefing, as the rules ask it."""
    def __init__(self, briefing, memory=True):
        self.b, self.config = briefing, briefing["config"]
        self.tried, self.known = list(briefing.get("tried", [])), []
        self.may = {setting["path"]: setting for setting in briefing["may_change"]}
        for note in briefing.get("known", []) * memory:
            before, after = self.values(note, "before"), self.values(note, "after")
            outcome = note.get("outcome", GOOD[0])  # told alone: it was adopted
            if after and outcome in GOOD:
                self.known.append((before, after))
            elif after and all(self.number(path) == value for path, value in before.items()):
                self.tried.append({"patch": after, "outcome": outcome})

    def values(self, note, which):
        """Values of a recipe by path, sources by number; none where one is no number here."""
        numbers = {source["name"]: str(i) for i, source in enumerate(self.b["sources"])}
        found = {}
        for change in note.get("recipe", []):
            words = change["path"].split(".")
            if words[:2] == ["data", "sources"]:
                words[2] = numbers.get(words[2], words[2])
            path = ".".join(words)
            if path not in self.config:
                return {}
            try:
                found[path] = float(change[which])
            except ValueError:
                return {}
        return found

    def number(self, path):
        return float(self.config[path])

    def can(self, path, value):
        """Whether the value is within what may be changed."""
        setting = self.may.get(path)
        return setting is not None and setting.get("min", value) <= value <= setting.get(
            "max", value)

    def past(self, path, value):
        """What became of changes of this setting alone, in the direction of the value."""
        now, alone = self.number(path), [t for t in self.tried if list(t["patch"]) == [path]]
        return [t["outcome"] for t in alone if (float(t["patch"][path]) > now) == (value > now)]

    def was_tried(self, patch):
        """Whether this very change is under way, or has had its answer."""
        return any(t["outcome"] not in ANEW and t["patch"].keys() == patch.keys() and all(
            float(t["patch"][path]) == value for path, value in patch.items()) for t in self.tried)

    def is_steep(self):
        recent = self.b["recent"]
        return (recent.get("spikes", 0) == 0
                and recent.get("falls_in_100_steps", 0) > STEEP * recent.get("loss", 1))


def mixture(look):
    """Sources that count nothing and teach nothing go; those that count as much get as much."""
    sources, patch, why = look.b["sources"], {}, []
    paths = ["data.sources.%d.weight" % i for i in range(len(sources))]
    heaviest = max(look.number(p) for p, s in zip(paths, sources) if s.get("counts"))
    most = max(s.get("counts", 0) for s in sources)
    for path, source in zip(paths, sources):
        weight, counts = look.number(path), source.get("counts", 0)
        fair = heaviest * counts / most
        if not counts and source.get("guessing") and weight > 2 * NEARLY_NOTHING * heaviest:
            best, reason = NEARLY_NOTHING * heaviest, "does not count and stays at uniform guessing"
        elif counts and weight * 1.5 < fair:
            best, reason = fair, "counts more than its share"
        else:
            continue
        if look.can(path, best):
            patch[path] = best
            why.append("%s %s" % (source["name"], reason))
    return patch, "; ".join(why)


def forgetting(look):
    batch, beta2 = look.number("train.batch"), look.number("optimizer.beta2")
    if beta2 < MEMORY_ODD and batch <= 64 and look.can("optimizer.beta2", MEMORY_GOOD):
        return {"optimizer.beta2": MEMORY_GOOD}, "beta2 of %g forgets within a few steps" % beta2
    return {}, ""


def way(look, path, value, back):
    """The value, unless its direction was beaten: then `back`, the other one, once. None where
    nothing can be seen of this setting."""
    past = look.past(path, value)
    if any(word in WORSE for word in past):
        value = None if look.past(path, back) else back
    elif any(word in TOO_SMALL for word in past):
        value = None
    return value if value is not None and look.can(path, value) else None


def rates(look):
    """Other rates worth a trial, the highest first; none where the rate is as usual."""
    path, rate = "optimizer.lr", look.number("optimizer.lr")
    usual = RATE_TIMES_WIDTH / look.number("model.width")
    if rate * 1.5 >= usual or not look.is_steep():
        return []
    found = [way(look, path, min(usual, rate * FURTHER), rate / 2)]
    why = "the curve is steep and smooth; a usual rate is higher"
    if found[0] and found[0] < rate:
        why = "a higher rate was beaten"
    elif found[0] and rate * FAR <= usual:
        found = [min(usual, rate * FACTOR * FURTHER), rate * FACTOR]
    return [({path: float("%.3g" % value)}, why) for value in found if value]


def bundles(look):
    """What is wrong with the recipe, mended at once, as one change for each rate worth a trial; a
    bundle that was beaten is taken apart."""
    faults, higher = [fault for fault in (mixture(look), forgetting(look)) if fault[0]], rates(look)
    if any(t["outcome"] in WORSE + TOO_SMALL and len(t["patch"]) > 1 for t in look.tried):
        whole = [[part] for part in faults + higher]
    else:
        whole = [faults + [rate] for rate in higher] or [faults] * bool(faults)
    for parts in whole:
        patch = {path: value for part, _ in parts for path, value in part.items()}
        yield patch, "; ".join(why for _, why in parts), "the goal's loss falls faster at once"


def another_batch(look):
    """More and smaller steps for the same tokens, early; where that was beaten, the other way."""
    path, batch = "train.batch", look.number("train.batch")
    value = way(look, path, batch / 2, batch * 2)
    early = look.b["tokens"] < EARLY * look.b["tokens_planned"]
    if early and value and value % look.number("train.microbatch") == 0:
        why = "early, many small steps teach more than few large ones"
        if value > batch:
            why = "half the batch was beaten: its noise is what limits"
        yield {path: value}, why, "a lower loss at the same tokens"


def remembered(look):
    """What earlier runs have adopted one after the other, from the values of this run on, as one
    change; it needs no curve."""
    patch = {}
    for before, after in look.known:
        if all(patch.get(path, look.number(path)) == value for path, value in before.items()):
            patch.update(after)
    patch = {path: value for path, value in patch.items() if value != look.number(path)}
    if patch and all(look.can(path, value) for path, value in patch.items()):
        yield patch, "earlier runs of this kind adopted it from the same values", "the same gain"


def think(look):
    """Changes worth a trial now, the best first: (patch, why, what ought to be seen)."""
    found = list(remembered(look))
    if len(look.b.get("dev", [])) > 1:  # a curve has two points at least
        found += list(bundles(look)) or list(another_batch(look))
    return [change for change in found if not look.was_tried(change[0])]


def words(patch):
    return ["%s=%.10g" % item for item in patch.items()]


def cost_of(server, look, patch, beside):
    """Tokens of a stretch of it, alone or beside others; None where none can begin or be paid."""
    if "price" in server.tools:
        price, _ = server.call("price", set=words(patch))
        return price.get("more" if beside else "tokens") if price else None
    calm = any(look.may[path].get("calm") == ("up" if value > look.number(path) else "down")
               for path, value in patch.items())
    kind, budget = "calm" if calm else "plain", look.b["budget"]
    if budget.get("last_" + kind, -1) < budget.get("next_start", 0):
        return None  # LAST CALL is over
    found = [p for p in budget.get("prices", []) if kind + "_tokens" in p]
    return found[0][kind + ("_more" if beside else "_tokens")] if found else None


def is_settled(server, patch):
    """Whether an earlier run has settled it, also where only that is told, not how."""
    price, _ = server.call("price", set=words(patch)) if "price" in server.tools else ({}, None)
    return bool(price and price.get("settled"))


def tell(step, patch, *more):
    print("step %d: %s: %s" % (step, " ".join(words(patch)), ": ".join(more)), flush=True)


def propose(server, step, change, **more):
    patch, why, predict = change
    more.update(set=words(patch), why=why[:500], predict=predict)
    answer, refusal = server.call("propose", **more)
    tell(step, patch, why, refusal or answer["text"])
    return answer


def turn(server, step, memory):
    briefing, refusal = server.call("briefing")
    if refusal:
        return print("step %d: no briefing: %s" % (step, refusal), flush=True)
    look, left, first = Look(briefing, memory), briefing.get("tokens_left", 0), None
    if any(t["outcome"] in PENDING for t in look.tried):
        return None  # its answer decides what comes next
    known = [patch for patch, _, _ in remembered(look)]
    for change in think(look):
        if memory and change[0] not in known and is_settled(server, change[0]):
            tell(step, change[0], "an earlier run has settled it")
            continue
        cost = cost_of(server, look, change[0], first is not None)
        if cost is None or cost > left:
            tell(step, change[0], "cannot be paid")
            continue
        answer = propose(server, step, change)
        if answer:
            left, first = left - cost, first or (answer.get("number"), change[0])
        if answer and change[0] in known:
            return None  # what it comes to decides what is missing
    if first and "optimizer.lr" in first[1] and "on_adoption_of" in server.tools["propose"]:
        for change in another_batch(look):  # at once, not a turn later
            propose(server, step, change, on_adoption_of=first[0])


def main():
    runs = [word for word in sys.argv[1:] if word != "--no-memory"]
    if len(runs) != 1:
        sys.exit("usage: researcher.py RUN [--no-memory]")
    server, memory = Server(runs[0]), runs == sys.argv[1:]
    while True:
        found, refusal = server.call("wait", timeout=60, **{"for": "turn"})
        if refusal or not (found["happened"] or found["trained"]):
            break
        if found["happened"]:
            turn(server, found["turn"], memory)
            server.call("done", step=found["turn"])
    print(refusal or "the run is over", flush=True)


if __name__ == "__main__":
    main()
