#!/usr/bin/env python3
"""answers.py READ_ANSWER [--count N] [--seed S] [--seconds T] [--long T]: replies of language
models' servers by both protocols, of each status and stop reason, most of them with one to three
mutations: of bytes, or of values of the JSON; in the body or in the model's own text; read by the
program (read_answer.c).

Fails on a crash or a hang; where a proposal is taken that an independent reading does not find
legal, or says something else, or of a reply that is an error, a refusal or cut; and where a reply
without mutations is refused."""
import argparse
import collections
import copy
import json
import random
import sys
import time

from messages import read, unique
from runner import Program, add_time, end_of

# What may change in the briefing of the unit tests: bounds, or words, and the present value.
SETTINGS = {
    "optimizer.lr": (0, 100, "0.001"), "optimizer.clip": (0.5, 3, "1"),
    "schedule.kind": (("cosine", "linear", "constant"), "cosine")
}
GOOD = [("optimizer.lr", "0.002"), ("optimizer.lr", 0.0007), ("optimizer.clip", "2"),
        ("optimizer.clip", 3), ("schedule.kind", "linear")]
PIECES = [
    b'{', b'}', b'[', b']', b'"', b':', b',', b'null', b'-0', b'1e999', b'"path"', b'"value"',
    b'\\u0000', b'\\ud800', b'\xff', b'\0', b'99999999999999999999', b'"gate.alpha"', b'[' * 100,
    b'"proposals"', b'"error"', b'0x10', b'nan', b'\\n\\u001b[2J'
]

STOPS = {
    "anthropic": ("end_turn", "stop_sequence", "max_tokens", "model_context_window_exceeded",
                  "refusal", "tool_use", "pause_turn", "else", None),
    "openai": ("stop", "length", "content_filter", "tool_calls", "function_call", "else", None)
}
DONE = {"end_turn", "stop_sequence", "stop"}
# What a value of a reply is replaced by.
VALUES = [
    None, True, False, 0, -1, 1.5, 1e308, 1 << 40, (1 << 63) - 1, 1 << 63, -(1 << 70), "", "text",
    "optimizer.lr", "0.002", "nan", "1e999", "-0", "\0",
    "\ud800", "\u202e" * 50, "a" * 3000, [], {}, [[[[]]]], {"type": "text", "text": "x"},
    [{"type": "text"}], {"error": {"type": 5}}, {"path": "optimizer.lr", "value": "0.002"},
    {"path": "schedule.kind", "value": "linear"}
]


def places(value, found=None):
    """Each (container, key) in a value."""
    found = [] if found is None else found
    keys = value.keys() if isinstance(
        value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found.append((value, key))
        places(value[key], found)
    return found


def mutate_values(rng, value):
    """Some of its values replaced, doubled, moved or left out."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        all_places = places(value)
        if not all_places:
            return value
        (inside, key), what = rng.choice(all_places), rng.randrange(5)
        if what == 0:
            del inside[key]
        elif what == 1:
            other, there = rng.choice(all_places)
            try:
                inside[key] = copy.deepcopy(other[there])
            except (KeyError, IndexError):
                pass
        elif what == 2 and isinstance(inside, list):
            inside.extend(copy.deepcopy(inside[key]) for _ in range(rng.randrange(1, 6)))
        elif what == 3 and isinstance(inside, dict):
            inside[rng.choice(["else", "error", "approve", key + " ", "text",
                               "type"])] = inside[key]
        else:
            inside[key] = copy.deepcopy(rng.choice(VALUES))
    return value


def make_text(rng):
    proposals = []
    for _ in range(rng.randrange(3)):
        changes = dict(rng.sample(GOOD, rng.randrange(1, 4)))
        proposals.append({
            "why": rng.choice(["it is slow", "\u00e9\n" * 300, ""]),
            "changes": [{"path": p, "value": v} for p, v in changes.items()], "predict": "it falls"
        })
    return json.dumps({"proposals": proposals}, ensure_ascii=rng.random() < 0.5)


def make_body(rng, api, text, stop=None):
    """The reply, as a value."""
    parts = [{"type": "text", "text": text}]
    if api == "anthropic":
        parts.insert(0, {"type": "thinking", "thinking": "hm"})
        return {
            "content": parts, "stop_reason": stop or "end_turn",
            "usage": {"input_tokens": 5, "output_tokens": 6}
        }
    return {
        "choices": [{
            "message": {"content": rng.choice([text, parts]), "refusal": rng.choice([None, ""])},
            "finish_reason": stop or "stop"
        }], "usage": {"prompt_tokens": 5, "completion_tokens": 6}
    }


def make(rng, changed):
    """The protocol, the status, the body's bytes."""
    api, text, status = rng.choice(["anthropic", "openai"]), make_text(rng), 200
    if changed and rng.random() < 0.3:
        text = json.dumps(mutate_values(rng, json.loads(text)))
    elif changed and rng.random() < 0.5:
        text = mutate(rng, text.encode()).decode(errors="replace")
    if rng.random() < 0.2:
        text = rng.choice(["```json\n%s\n```", " \r\n%s\t", "```%s```"]) % text
    body = make_body(rng, api, text)
    if changed and rng.random() < 0.2:
        body = make_body(rng, api, text, rng.choice(STOPS[api]))
        status = rng.choice([200, 201, 301, 400, 401, 429, 500, 529])
    if changed and rng.random() < 0.1:
        body = rng.choice([{"error": {"type": "a_type", "message": "no"}}, {"error": "no"},
                           {**body, "error": None}, {"type": "error",
                                                     "error": {"type": ""}}, {"code": 5}])
    if changed and rng.random() < 0.4:
        body = mutate_values(rng, body)
    body = json.dumps(body, ensure_ascii=rng.random() < 0.5).encode(errors="replace")
    if changed and rng.random() < 0.3:
        body = mutate(rng, body)
    return api, status, body


def mutate(rng, body):
    for _ in range(rng.choice([1, 1, 2, 3])):
        at, what = rng.randrange(len(body) + 1), rng.randrange(5)
        if what == 0:
            body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1:]
        elif what == 1:
            body = body[:at] + body[at + rng.randrange(1, 20):]
        elif what == 2:
            body = body[:at] + rng.choice(PIECES) + body[at:]
        elif what == 3:
            body = body[:at]
        else:
            end = rng.randrange(at, len(body) + 1)
            body = body[:end] + body[at:end] + body[end:]
    return body


def model_text(api, body):
    """What the model wrote, by another reading; None: nothing that is an answer."""
    message = read(body)
    try:
        if api == "openai":
            content = message["choices"][0]["message"]["content"]
            if isinstance(content, str):
                return content
            parts = content
        else:
            parts = message["content"]
        return "".join(
            p["text"] for p in parts
            if isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str))
    except (KeyError, IndexError, TypeError):
        return None


def is_answer(api, status, body):
    """Whether it is no error, and whole, by another reading."""
    message = read(body)
    if not 200 <= status < 300 or message.get("error") is not None:
        return False
    if api == "anthropic":
        return message["stop_reason"] in DONE
    choice = message["choices"][0]
    refusal = choice["message"].get("refusal")  # a text, or null
    return choice["finish_reason"] in DONE and not (isinstance(refusal, str) and refusal)


def is_legal(path, value):
    setting = SETTINGS.get(path)
    if setting is None:
        return False
    if isinstance(setting[0], tuple):
        return value in setting[0] and value != setting[1]
    return setting[0] <= float(value) <= setting[1] and value != setting[2]


def judge(api, status, body, answer, changed):
    """What is wrong, or None."""
    kind, _, rest = answer.partition("\t")
    if kind not in ("proposals", "repair", "none"):
        return answer
    if not changed and kind != "proposals":
        return "refused: " + answer
    if kind != "proposals":
        return None
    taken = json.loads(rest).get("proposals", [])
    text = model_text(api, body)
    if text is None:
        return "taken of what is no reply: " + answer
    if not is_answer(api, status, body):
        return "taken of what is no answer: " + answer
    text = text.strip(" \t\r\n`")
    wanted = json.loads(text[4:] if text.startswith("json") else text, object_pairs_hook=unique)
    if len(taken) != len(wanted["proposals"]) or len(taken) > 2:
        return "another number: " + answer
    for mine, theirs in zip(taken, wanted["proposals"]):
        changes = {(c["path"], str(c["value"])) for c in theirs["changes"]}  # twice is once
        patch = {path for path, _ in changes}
        if set(mine["patch"]) != patch or len(patch) != len(changes):
            return "another patch: " + answer
        for path, value in mine["patch"].items():
            if not is_legal(path, value):
                return "not legal: " + answer
        if max(len(mine[k].encode()) for k in ("hypothesis", "predicted")) > 500:
            return "too long: " + answer
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    add_time(parser)
    options = parser.parse_args()
    program, outcomes, failures = Program(options.program), collections.Counter(), []
    end = end_of(options)
    for i in range(options.count):
        rng = random.Random(options.seed * 1000003 + i)
        changed = i % 15 != 0
        api, status, body = make(rng, changed)
        answer = program.ask("%s\t%d\t%s" % (api, status, body.hex()))
        try:
            failure = judge(api, status, body, answer, changed)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            failure = "another reading fails (%r): %s" % (error, answer)
        outcomes[answer.partition("\t")[0]] += 1
        if failure:
            failures.append("reply %d %d %r: %s" % (i, status, body, failure))
        if time.monotonic() > end:
            break
    program.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failure[:4000] for failure in failures[:20]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
