#!/usr/bin/env python3
"""answers.py READ_ANSWER [--count N] [--seed S] [--seconds T]: replies of language models' servers
by both protocols, most of them with one to three mutations, in the body or in the model's own text,
read by the program (read_answer.c).

Fails on a crash or a hang; where a proposal is taken that an independent reading does not find
legal, or says something else; and where a reply without mutations is refused."""
import argparse
import collections
import json
import random
import sys
import time

from messages import read, unique
from runner import Program

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


def make_text(rng):
    proposals = []
    for _ in range(rng.randrange(3)):
        changes = dict(rng.sample(GOOD, rng.randrange(1, 4)))
        proposals.append({
            "why": rng.choice(["it is slow", "\u00e9\n" * 300, ""]),
            "changes": [{"path": p, "value": v} for p, v in changes.items()], "predict": "it falls"
        })
    return json.dumps({"proposals": proposals}, ensure_ascii=rng.random() < 0.5)


def make_body(rng, api, text):
    if api == "anthropic":
        body = {
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}],
            "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 6}
        }
    else:
        body = {
            "choices": [{"message": {"content": text, "refusal": None}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 6}
        }
    return json.dumps(body, ensure_ascii=rng.random() < 0.5).encode()


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


def is_legal(path, value):
    setting = SETTINGS.get(path)
    if setting is None:
        return False
    if isinstance(setting[0], tuple):
        return value in setting[0] and value != setting[1]
    return setting[0] <= float(value) <= setting[1] and value != setting[2]


def judge(api, body, answer, changed):
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
    text = text.strip(" \t\r\n`")
    wanted = json.loads(text[4:] if text.startswith("json") else text, object_pairs_hook=unique)
    if len(taken) != len(wanted["proposals"]) or len(taken) > 2:
        return "another number: " + answer
    for mine, theirs in zip(taken, wanted["proposals"]):
        patch = {c["path"] for c in theirs["changes"]}
        if set(mine["patch"]) != patch or len(patch) != len(theirs["changes"]):
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
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="ends after so long")
    options = parser.parse_args()
    program, outcomes, failures = Program(options.program), collections.Counter(), []
    end = time.monotonic() + options.seconds
    for i in range(options.count):
        rng = random.Random(options.seed * 1000003 + i)
        api, text = rng.choice(["anthropic", "openai"]), make_text(rng)
        changed = i % 15 != 0
        if changed and rng.random() < 0.6:
            text = mutate(rng, text.encode()).decode(errors="replace")
        body = make_body(rng, api, text)
        if changed and rng.random() < 0.5:
            body = mutate(rng, body)
        answer = program.ask("%s\t%d\t%s" % (api, 200, body.hex()))
        try:
            failure = judge(api, body, answer, changed)
        except (ValueError, KeyError, TypeError) as error:
            failure = "another reading fails (%r): %s" % (error, answer)
        outcomes[answer.partition("\t")[0]] += 1
        if failure:
            failures.append("reply %d %r: %s" % (i, body, failure))
        if time.monotonic() > end:
            break
    program.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures[:20]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
