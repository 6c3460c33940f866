#!/usr/bin/env python3
"""messages.py ANSWER_MESSAGE [--count N] [--seed S] [--seconds T] [--long T]: messages of both eras
of the Model Context Protocol, with and without HTTP's headers, most of them with one to three
mutations, answered by the program (answer_message.c).

Fails on a crash or a hang; on a reply that is not one line of JSON, or not JSON-RPC's; where what
Python's json refuses is answered otherwise than by a parse error; where a request is answered with
another id, or not at all; and where a message without mutations is refused."""
import argparse
import collections
import json
import random
import sys
import time

from runner import Program, add_time, end_of

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {}
}
REQUESTS = [
    ("ping", {}), ("initialize", {"protocolVersion": "2025-06-18"}), ("server/discover", {}),
    ("tools/list", {}), ("tools/call", {"name": "briefing", "arguments": {}}),
    ("tools/call", {"name": "proposals_show", "arguments": {"number": 3}}),
    ("tools/call",
     {"name": "propose", "arguments": {"set": ["optimizer.lr=1e-3", "a=b"], "why": "\u00e9\n"}}),
    ("resources/list", {}), ("resources/templates/list", {}),
    ("resources/read", {"uri": "trireme://run/ledger_show"}), ("prompts/list", {"cursor": None}),
    ("prompts/get", {"name": "steer"}), ("notifications/cancelled", {"requestId": 3})
]
ONLY = {"ping": False, "initialize": False, "server/discover": True}  # in the modern era or not
PIECES = [
    b'{', b'}', b'[', b']', b'"', b':', b',', b'null', b'-0', b'1e999', b'"id"', b'"_meta"',
    b'\\u0000', b'\\ud800', b'\xff', b'\0', b'99999999999999999999', b'"method"', b'[' * 100
]


def hexed(data):
    return data.hex() if data else "-"


def make(rng):
    """(headers, body) of a sound message."""
    method, params = rng.choice(REQUESTS)
    modern = ONLY.get(method, rng.random() < 0.5)
    params = dict(params, _meta=META) if modern else params
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if not method.startswith("notifications"):
        message["id"] = rng.choice([0, 7, -1, 2**53, "a", "", "\u00fc"])
    headers = [None] * 3
    if rng.random() < 0.5:
        name = params.get("name", params.get("uri"))
        headers = [b"2026-07-28", method.encode(), name and name.encode()
                   ] if modern else [b"2025-11-25", None, None]
    return headers, json.dumps(message, ensure_ascii=rng.random() < 0.5).encode()


def mutate(rng, headers, body):
    for _ in range(rng.choice([1, 1, 2, 3])):
        at, what = rng.randrange(len(body) + 1), rng.randrange(6)
        if what == 0:
            body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1:]
        elif what == 1:
            body = body[:at] + body[at + rng.randrange(1, 20):]
        elif what == 2:
            body = body[:at] + rng.choice(PIECES) + body[at:]
        elif what == 3:
            body = body[:at]
        elif what == 4:
            end = rng.randrange(at, len(body) + 1)
            body = body[:end] + body[at:end] + body[end:]
        else:
            i = rng.randrange(3)
            headers = list(headers)
            headers[i] = rng.choice([
                None, b"=?base64?" + (headers[i] or b"AA==") + b"?=", b"x", b" ", b"=?base64??=",
                (headers[i] or b"") + b" "
            ])
    return headers, body


def unique(pairs):
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def refuse(_):
    raise ValueError("no JSON")


def read(body):
    """The message as Python reads it, or None."""
    try:
        return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None


def judge(body, answer, changed):
    """What is wrong, or None."""
    status, _, text = answer.partition("\t")
    if not status.isdigit():
        return answer
    message = read(body)
    reply = json.loads(text) if text not in ("", "call") else None
    if reply is not None and (reply.get("jsonrpc") != "2.0" or "id" not in reply or
                              ("result" in reply) == ("error" in reply)):
        return "a reply that is none: " + text
    if message is None:
        code = reply and reply.get("error", {}).get("code")
        return None if code == -32700 else "no JSON, answered " + answer
    if not changed and (status not in ("200", "202") or (reply and "error" in reply)):
        return "refused: " + answer
    if isinstance(message, dict) and isinstance(message.get("id"), str) and reply:
        if reply["id"] != message["id"] and reply["error"]["code"] != -32700:
            return "another id: " + answer
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
        headers, body = make(rng)
        changed = i % 15 != 0
        if changed:
            headers, body = mutate(rng, headers, body)
        answer = program.ask("\t".join(map(hexed, [*headers, body])))
        try:
            failure = judge(body, answer, changed)
        except ValueError as error:
            failure = "a reply that is no JSON (%s): %s" % (error, answer)
        outcomes[answer.partition("\t")[0]] += 1
        if failure:
            failures.append("message %d %r %r: %s" % (i, headers, body, failure))
        if time.monotonic() > end:
            break
    program.end()
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures[:20]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
