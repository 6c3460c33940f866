#!/usr/bin/env python3
"""A researcher at the helm of a run, over the Model Context Protocol: copy it and change `think`.

    experiment: {planner: client, hold: 60}      # in run.yaml: the training rests for its turns
    trireme train run.yaml --out runs/a &
    examples/researcher.py runs/a                # TRIREME: the program, if it is not on the PATH

It waits for its turn, reads the briefing, proposes, is done, and waits again, until the run is
over. It keeps nothing in memory: what was tried, and what became of it, stands in each briefing, so
it may be killed and started again. Its diary goes to stdout."""
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

IN_FORCE = ("adopted", "kept", "claimed")
PENDING = ("proposed", "waiting", "queued", "open")
ANEW = ("superseded", "no money", "no time", "killed", "no memory", "lost", "failed", "unfit")
TOO_SMALL = ("no hope", "no sign", "without effect")
WORSE = ("beaten", "taken back", "diverged")


class Server:
    """`trireme mcp RUN --role propose`: JSON-RPC, a message a line, over its stdin and stdout."""
    def __init__(self, run):
        program = os.environ.get("TRIREME", "trireme")
        self.process = subprocess.Popen([program, "mcp", run, "--role", "propose"],
                                        text=True,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.number = 0
        self.ask("initialize",
                 protocolVersion="2025-06-18",
                 capabilities={},
                 clientInfo={"name": "researcher", "version": "1"})
        self.tell({"method": "notifications/initialized"})
        self.tools = {
            tool["name"]: tool["inputSchema"]["properties"]
            for tool in self.ask("tools/list")["tools"]
        }

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
    def __init__(self, briefing):
        self.b, self.config = briefing, briefing["config"]
        self.tried = briefing.get("tried", [])
        self.may = {setting["path"]: setting for setting in briefing["may_change"]}

    def number(self, path):
        return float(self.config[path])

    def can(self, path, value):
        """Whether the value is within what may be changed."""
        setting = self.may.get(path)
        return setting is not None and setting.get("min", value) <= value <= setting.get(
            "max", value)

    def past(self, path, value):
        """What became of changes of this setting alone, in the direction of the value."""
        up = value > self.number(path)
        return [
            t["outcome"] for t in self.tried
            if list(t["patch"]) == [path] and (float(t["patch"][path]) > self.number(path)) == up
        ]

    def was_tried(self, patch):
        """Whether this very change is under way, or has had its answer."""
        return any(
            t["outcome"] not in ANEW and {k: float(v)
                                          for k, v in t["patch"].items()
                                          if k in patch} == patch and len(t["patch"]) == len(patch)
            for t in self.tried if is_numeric(t["patch"]))

    def is_steep(self):
        recent = self.b.get("recent", {})
        return (recent.get("spikes", 0) == 0
                and recent.get("falls_in_100_steps", 0) > STEEP * recent.get("loss", 1))


def is_numeric(patch):
    try:
        return all(float(value) is not None for value in patch.values())
    except ValueError:
        return False


def mixture(look):
    """Sources that count nothing and teach nothing go; those that count as much get as much."""
    sources = look.b["sources"]
    weight = {i: look.number("data.sources.%d.weight" % i) for i in range(len(sources))}
    counts = {i: s.get("counts", 0) for i, s in enumerate(sources)}
    heaviest = max(weight[i] for i in weight if counts[i] > 0)
    patch, why = {}, []
    for i, source in enumerate(sources):
        path, best = "data.sources.%d.weight" % i, heaviest
        if counts[i] == 0 and source.get("guessing"):
            best = NEARLY_NOTHING * heaviest
            why.append("%s does not count and stays at uniform guessing" % source["name"])
        elif counts[i] > 0 and weight[i] < heaviest * counts[i] / max(counts.values()) / 1.5:
            best = heaviest * counts[i] / max(counts.values())
            why.append("%s counts more than its share" % source["name"])
        else:
            continue
        if abs(best / weight[i] - 1) > 0.01 if weight[i] else best and look.can(path, best):
            patch[path] = best
    return patch, why


def memory(look):
    batch, beta2 = look.number("train.batch"), look.number("optimizer.beta2")
    if beta2 < MEMORY_ODD and batch <= 64 and look.can("optimizer.beta2", MEMORY_GOOD):
        return {"optimizer.beta2": MEMORY_GOOD}, ["beta2 of %g forgets within a few steps" % beta2]
    return {}, []


def rates(look):
    """Higher rates worth a trial, the largest first; none where the rate is as usual."""
    path, rate = "optimizer.lr", look.number("optimizer.lr")
    usual = RATE_TIMES_WIDTH / look.number("model.width")
    if rate * 1.5 >= usual or not look.is_steep():
        return []
    highest = min(usual, rate * FACTOR * FURTHER)
    found = [highest, rate * FACTOR] if rate * FAR <= usual else [min(usual, rate * FURTHER)]
    return [float("%.3g" % value) for value in found if look.can(path, value)]


def bundles(look):
    """What is wrong with the recipe, mended at once, as one change for each rate worth a trial; a
    bundle that was beaten is taken apart."""
    (mix, why_mix), (moments, why_moments) = mixture(look), memory(look)
    why = why_mix + why_moments
    parts = [part for part in (mix, moments) if part]
    rest = {path: value for part in parts for path, value in part.items()}
    whole = [{**rest, "optimizer.lr": rate} for rate in rates(look)] or ([rest] if rest else [])
    if any(t["outcome"] in WORSE + TOO_SMALL and len(t["patch"]) > 1 for t in look.tried):
        whole = parts + [{"optimizer.lr": rate} for rate in rates(look)]
    for patch in whole:
        more = ["the curve is steep and smooth, a usual rate is higher"
                ] if "optimizer.lr" in patch else []
        yield patch, "; ".join(why + more), "the goal's loss falls faster from the start"


def smaller_batch(look):
    """More and smaller steps for the same tokens, early; where that was beaten, the other way."""
    path, batch = "train.batch", look.number("train.batch")
    micro, early = look.number(
        "train.microbatch"), look.b["tokens"] < EARLY * look.b["tokens_planned"]
    half, past = batch / 2, look.past(path, batch / 2)
    if early and half % micro == 0 and look.can(path, half) and not any(word in WORSE + TOO_SMALL
                                                                        for word in past):
        yield {path: half}, "early, many small steps teach more than few large ones", \
            "a lower loss at the same tokens"
    elif any(word in WORSE
             for word in past) and not look.past(path, 2 * batch) and look.can(path, 2 * batch):
        yield {path: 2 * batch}, "half the batch was beaten: the noise is what limits", \
            "a lower loss at the same tokens"


def think(look):
    """Changes worth a trial now, the best first: (patch, why, what ought to be seen)."""
    if len(look.b.get("dev", [])) < 2:
        return []  # a curve has two points at least
    found = list(bundles(look)) or list(smaller_batch(look))
    return [change for change in found if not look.was_tried(change[0])]


def is_calm(look, patch):
    return any(look.may[path].get("calm") in (("up", "down")[value < look.number(path)], )
               for path, value in patch.items())


def is_payable(look, patch, tokens):
    """Whether a stretch of it can begin and be paid, and what it costs, as the briefing says."""
    kind, budget = "calm" if is_calm(look, patch) else "plain", look.b["budget"]
    if budget.get("last_" + kind, -1) < budget.get("next_start", 0):
        return False, 0
    prices = [
        p["%s_%s" % (kind, "more" if tokens else "tokens")] for p in budget.get("prices", [])
        if "%s_tokens" % kind in p
    ]
    cost = prices[0] if prices else 0
    return tokens + cost <= look.b.get("tokens_left", 0), cost


def turn(server, step):
    briefing, refusal = server.call("briefing")
    if refusal:
        return print("step %d: no briefing: %s" % (step, refusal), flush=True)
    look, tokens, before = Look(briefing), 0, None
    pending = sum(t["outcome"] in PENDING for t in look.tried)
    for patch, why, predict in [] if pending else think(look):
        words = ["%s=%.10g" % item for item in patch.items()]
        payable, cost = is_payable(look, patch, tokens)
        if payable and "price" in server.tools:
            payable = server.call("price", set=words)[0] is not None
        if not payable:
            print("step %d: %s cannot be paid" % (step, " ".join(words)), flush=True)
            continue
        answer, refusal = server.call("propose", set=words, why=why, predict=predict)
        print("step %d: %s: %s: %s" % (step, " ".join(words), why, refusal or answer.get("text")),
              flush=True)
        if answer:
            tokens, before = tokens + cost, before or answer["number"]
    if before and "on_adoption_of" in server.tools["propose"]:
        for patch, why, predict in smaller_batch(look):
            server.call("propose",
                        set=["%s=%.10g" % item for item in patch.items()],
                        why=why,
                        predict=predict,
                        on_adoption_of=before)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: researcher.py RUN")
    server = Server(sys.argv[1])
    while True:
        found, refusal = server.call("wait", timeout=60, **{"for": "turn"})
        if refusal or not (found["happened"] or found["trained"]):
            break
        if found["happened"]:
            turn(server, found["turn"])
            server.call("done", step=found["turn"])
    print(refusal or "the run is over", flush=True)


if __name__ == "__main__":
    main()
