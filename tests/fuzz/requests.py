#!/usr/bin/env python3
"""requests.py SERVE_HTTP [--count N] [--seed S] [--seconds T] [--long T]: what clients of HTTP
send, most of it with one to three mutations, cut into pieces and sent to the program (serve_http.c)
over loopback: heads, paths, methods, bodies of a length or in chunks, one or two requests a
connection.

A reader of its own says which requests the bytes hold. Fails on a crash, a hang or a leak; on a
reply that is no whole response of HTTP with known headers and one message of JSON-RPC; where a
request is answered with success that has not the token, this server's name and no foreign origin;
where there are more responses than requests, or one with another's id; where a body has two lengths
and is read; and where a request without mutations is refused."""
import argparse
import collections
import concurrent.futures
import json
import random
import secrets
import select
import socket
import subprocess
import sys
import time

from runner import add_time, end_of

TOKEN = secrets.token_hex(32)
THREADS = 12
PATIENCE = 30  # seconds for what takes at most a few
QUIET = 0.03  # after so long without a byte the client ends its half
STATUSES = {200, 202, 400, 401, 403, 404, 405, 406, 413, 415, 417, 431, 414, 501, 503, 505}
HEADERS = {
    "date", "content-length", "content-type", "cache-control", "allow", "www-authenticate",
    "retry-after", "connection"
}
TWICE = "twice"
ONCE = {
    "host", "origin", "authorization", "content-type", "content-length", "transfer-encoding",
    "mcp-protocol-version", "mcp-method", "mcp-name"
}
METHODS = ["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "TRACE", "CONNECT", "post", "FOO"]
PATHS = [
    "/", "/mcp/", "/%6dcp", "//mcp", "/mcp?x=1", "/mcp%00", "http://evil/mcp", "*", "/../mcp",
    "/" + "a" * 3000, "/mcp#a", ""
]
LENGTHS = ["-1", "+5", "0x5", "5, 5", "99999999999999999999", "", " 5", "5 5", "1e3", "0"]
CODINGS = [
    "chunked", "gzip", "gzip, chunked", "identity", "chunked, chunked", " chunked", "\x0bchunked"
]
PIECES = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b":", b"\xff", b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Host: evil\r\n", b"\r\nX: y", b"0\r\n\r\n", b"5;a=b\r\n",
    b"FFFFFFFFFFFFFFFFF\r\n", b"%", b"A" * 40000, b"Cookie: a=b;c\r\n" * 300, b"\t", b" folded\r\n"
]


class Request:
    """A sound request, in parts that mutations change."""
    def __init__(self, rng, authority, last):
        self.id = rng.getrandbits(53)
        kind = rng.randrange(8)
        message = {"jsonrpc": "2.0", "id": self.id, "method": "ping"}
        if kind == 0:
            message.update(method="tools/list")
        elif kind == 1 and last and rng.random() < 0.3:
            message.update(method="tools/call", params={"name": "ledger_verify", "arguments": {}})
        elif kind == 2:
            message.update(method="prompts/get", params={"name": "steer"})
        elif kind == 3:
            del message["id"]
            message.update(method="notifications/initialized")
        self.body = json.dumps(message).encode()
        self.method, self.path, self.version = "POST", "/mcp", "HTTP/1.1"
        self.headers = [("Host", authority), ("Authorization", "Bearer " + TOKEN),
                        ("Content-Type", "application/json"),
                        ("Accept", "application/json, text/event-stream")]
        if rng.random() < 0.2:
            self.headers.append(("Origin", "http://" + authority))
        rng.shuffle(self.headers)
        self.chunks = rng.random() < 0.4
        self.length = None  # as it is
        self.sizes = None
        if last:
            self.headers.append(("Connection", "close"))

    def set(self, name, value):
        self.headers = [(n, v) for n, v in self.headers if n != name]
        if value is not None:
            self.headers.append((name, value))

    def bytes(self, rng):
        headers, body = list(self.headers), self.body
        if self.chunks:
            headers.append(("Transfer-Encoding", "chunked"))
            body = chunked(rng, body, self.sizes)
        else:
            headers.append(("Content-Length", str(len(body))))
        if self.length is not None:
            headers.append(self.length)
        lines = ["%s %s %s" % (self.method, self.path, self.version)]
        lines += ["%s: %s" % header for header in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + body


def chunked(rng, body, sizes):
    out, at = [], 0
    while at < len(body):
        n = min(rng.randrange(1, 40 + len(body) // 50), len(body) - at)
        size = b"%x" % n if sizes is None or rng.random() < 0.5 else sizes
        out += [size, rng.choice([b"", b"", b";a=b"]), b"\r\n", body[at:at + n], b"\r\n"]
        at += n
    out += [b"0\r\n", rng.choice([b"", b"", b"X-Trailer: 1\r\n"]), b"\r\n"]
    return b"".join(out)


def change(rng, request):
    """One change of a part."""
    what = rng.randrange(14)
    if what == 0:
        request.set(
            "Authorization",
            rng.choice([
                None, "Bearer x", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "0", "Basic " + TOKEN,
                "Bearer", "Bearer  " + TOKEN, TOKEN
            ]))
    elif what == 1:
        request.set("Host", rng.choice([None, "evil", "localhost", "127.0.0.1:1", "evil:80", ""]))
    elif what == 2:
        request.set("Origin", rng.choice(["null", "http://evil", "https://localhost", "file://"]))
    elif what == 3:
        request.method = rng.choice(METHODS)
    elif what == 4:
        request.path = rng.choice(PATHS)
    elif what == 5:
        request.version = rng.choice(["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "", "HTTP/1"])
    elif what == 6:
        request.length = ("Content-Length",
                          rng.choice(LENGTHS + [str(len(request.body) + d) for d in (-3, 3)]))
    elif what == 7:
        request.length = ("Transfer-Encoding", rng.choice(CODINGS))
    elif what == 8:
        request.sizes = rng.choice(
            [b"", b"-1", b"0", b"FFFFFFFFFFFFFFFFF", b"7fffffffffffffff", b"x", b" 5", b"0x5"])
    elif what == 9:
        request.headers.append(
            rng.choice([("Expect", "100-continue"), ("X", "y" * 20000), ("Upgrade", "h2c"),
                        ("Cookie", "=;;="), ("Content-Encoding", "gzip"),
                        ("Content-Type", "text/plain"), ("Host", "evil"),
                        ("Mcp-Method", "=?base64?AA==?="), ("MCP-Protocol-Version", "x"), ("", ""),
                        ("Connection", "keep-alive"), ("Accept", "text/html"),
                        ("Authorization", "Bearer x")]))
    elif what == 10:
        request.body = rng.choice([
            b"", b"{", b"[]", b"\0" * 100,
            bytes(rng.randrange(256) for _ in range(200)), b"POST /mcp HTTP/1.1\r\n\r\n"
        ])
    elif what == 11 and rng.random() < 0.1:
        request.body = b" " * rng.choice([2000000, 1 << 20, (1 << 20) + 1])
    elif what == 12:
        request.headers.append(rng.choice(request.headers))
    else:
        rng.shuffle(request.headers)
        request.headers = request.headers[1:]


def mutate(rng, data):
    """One change of the bytes."""
    at, what = rng.randrange(len(data) + 1), rng.randrange(6)
    if what == 0:
        return data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]
    if what == 1:
        return data[:at] + data[at + rng.randrange(1, 20):]
    if what == 2:
        return data[:at] + rng.choice(PIECES) + data[at:]
    if what == 3:
        return data[:at]
    if what == 4:
        end = rng.randrange(at, len(data) + 1)
        return data[:end] + data[at:end][:5000] + data[end:]
    return data.replace(rng.choice([b"\r\n", b": ", b"\r"]), rng.choice([b"\n", b":", b"\r\n",
                                                                         b""]), rng.randrange(1, 4))


def read_chunks(data):
    """(body, rest), or None where the bytes end before it or are none."""
    body = b""
    while True:
        line, found, data = data.partition(b"\r\n")
        size = line.partition(b";")[0]
        if not found or not size or size.strip(b"0123456789abcdefABCDEF"):
            return None
        n = int(size, 16)
        if n == 0:
            break
        if len(data) < n + 2 or data[n:n + 2] != b"\r\n":
            return None
        body, data = body + data[:n], data[n + 2:]
    while True:
        line, found, data = data.partition(b"\r\n")
        if not found:
            return None
        if not line:
            return body, data


def read_requests(data):
    """The requests that the bytes hold, read strictly: (method, path, headers, body), and whether
    that is all of them; TWICE: the next one has a header twice, or two lengths."""
    requests = []
    while data:
        while data.startswith(b"\r\n"):
            data = data[2:]
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return requests, not data
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1.") or b"\0" in head or b"\n" in (
                head.replace(b"\r\n", b"")) or b"\r" in head.replace(b"\r\n", b""):
            return requests, False
        headers = []
        for line in lines[1:]:
            name, found, value = line.partition(b":")
            if not found or not name or name.strip(b" \t") != name:
                return requests, False
            headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))
        named = dict(headers)
        names = [name for name, _ in headers]
        if any(names.count(name) > 1
               for name in ONCE) or ("transfer-encoding" in named and "content-length" in named):
            return requests, TWICE
        if "transfer-encoding" in named:
            read = read_chunks(rest) if named["transfer-encoding"].lower() == "chunked" else None
            if read is None:
                return requests, False
            body, data = read
        else:
            length = named.get("content-length", "0")
            if not length.isascii() or not length.isdigit() or int(length) > len(rest):
                return requests, False
            body, data = rest[:int(length)], rest[int(length):]
        requests.append((words[0].decode("latin-1"), words[1].decode("latin-1"), named, body))
    return requests, True


def may_succeed(request, authority):
    method, path, named, _ = request
    path = path.partition("?")[0]
    ours = {authority, authority.replace("127.0.0.1", "localhost")}
    scheme, _, token = named.get("authorization", "").partition(" ")
    return (method == "POST" and path == "/mcp" and named.get("host", "").lower() in ours
            and ("origin" not in named or named["origin"].lower().removeprefix("http://") in ours)
            and scheme.lower() == "bearer" and token == TOKEN
            and named.get("content-type", "").startswith("application/json"))


def read_responses(data, requests):
    """(status, message) of each; raises ValueError where the bytes are none."""
    responses = []
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            raise ValueError("half a head")
        lines = head.decode("ascii").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise ValueError("version " + version)
        if status == "100":
            data = rest
            continue
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            if name.lower() not in HEADERS or name.lower() in headers:
                raise ValueError("header " + line)
            headers[name.lower()] = value
        k = len(responses)
        n = int(headers["content-length"])
        if k < len(requests) and requests[k][0] == "HEAD":
            n = 0
        if len(rest) < n:
            raise ValueError("half a body")
        body, data = rest[:n], rest[n:]
        message = None
        if body and headers.get("content-type") == "application/json":
            if b"\n" in body:
                raise ValueError("a body of several lines")
            message = json.loads(body)
            if message.get("jsonrpc") != "2.0" or ("result" in message) == ("error" in message):
                raise ValueError("no message: %r" % body)
        responses.append((int(status), message))
    return responses


def judge(sent, got, cases, changed, authority):
    """What is wrong, or None; and the statuses."""
    requests, whole = read_requests(sent)
    try:
        responses = read_responses(got, requests)
    except (ValueError, KeyError) as error:
        # one that is under way when the client ends its half may be cut
        return (None if changed else "no response: %s %r" % (error, got[:300])), ["cut"]
    statuses = [status for status, _ in responses]
    wrong = None
    if not set(statuses) <= STATUSES:
        wrong = "status"
    most = max(len(requests), 1) if whole is True else sent.count(b"HTTP/") + 1
    if len(responses) > most:
        wrong = "more responses than requests"
    for k, (status, message) in enumerate(responses):
        if status not in (200, 202):
            continue
        if k >= len(requests):
            if whole == TWICE or not lenient(sent, k):
                wrong = "success of a request that a strict reader does not find"
            continue
        if not may_succeed(requests[k], authority):
            wrong = "success of a request that must be refused"
        if message and message.get("id") is not None:
            asked = json.loads(requests[k][3])
            if asked.get("id") != message["id"]:
                wrong = "another's id"
    if not changed:
        allowed = [{503, 200 if hasattr(case, "id") else 202, 202} for case in cases]
        if len(responses) != len(cases) or any(s not in a for s, a in zip(statuses, allowed)):
            wrong = "refused though sound"
    return wrong, statuses


def lenient(sent, k):
    """Whether the bytes hold so many tokens: the library also takes lines that end with \\n alone,
    and a value up to a NUL."""
    return sent.count(("Bearer " + TOKEN).encode()) > k


def send(rng, address, sent, n_expected):
    """Sends the bytes in pieces; what comes back until the end, or None: none came."""
    got = b""
    with socket.create_connection(address, PATIENCE) as to:
        to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cuts = sorted(rng.randrange(len(sent) + 1) for _ in range(rng.choice([0, 0, 1, 3, 20])))
        try:
            for begin, end in zip([0, *cuts], [*cuts, len(sent)]):
                to.sendall(sent[begin:end])
                if cuts and rng.random() < 0.3:
                    time.sleep(0.001)
        except OSError:
            pass  # refused before its end
        end = time.monotonic() + PATIENCE
        open_half = True
        try:
            while time.monotonic() < end:
                wait = QUIET if open_half and n_expected is None else 1
                if not select.select([to], [], [], wait)[0]:
                    if open_half and n_expected is None:
                        to.shutdown(socket.SHUT_WR)
                        open_half = False
                    continue
                piece = to.recv(1 << 16)
                if not piece:
                    return got
                got += piece
        except OSError:
            return got  # a reset: the client had not been read to its end
    return None


def one(address, authority, seed, i):
    """(failure or None, outcomes)."""
    rng = random.Random(seed * 1000003 + i)
    n = rng.choice([1, 1, 2])
    cases = [Request(rng, authority, k == n - 1) for k in range(n)]
    changed = i % 10 != 0
    sent = b""
    for case in cases:
        if changed and rng.random() < 0.6:
            for _ in range(rng.choice([1, 1, 2])):
                change(rng, case)
        sent += case.bytes(rng)
    if changed and rng.random() < 0.6:
        for _ in range(rng.choice([1, 1, 2])):
            sent = mutate(rng, sent)
    try:
        got = send(rng, address, sent, None if changed else n)
    except OSError as error:
        return "case %d: %s" % (i, error), ["no connection"]
    if got is None:
        return "case %d: no end of the connection after %d s: %r" % (i, PATIENCE, sent[:500]), [
            "hung"
        ]
    wrong, statuses = judge(sent, got, cases, changed, authority)
    if wrong:
        return "case %d: %s\n  sent %r\n  got  %r" % (i, wrong, sent[:1500], got[:600]), statuses
    return None, statuses or ["closed"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--count", type=int, default=1 << 30)
    parser.add_argument("--seed", type=int, default=1)
    add_time(parser)
    options = parser.parse_args()
    program = subprocess.Popen([options.program, TOKEN],
                               stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE,
                               text=True)
    authority = program.stdout.readline().strip()
    if "no HTTP" in authority:
        print("skipped: this build has no HTTP: libmicrohttpd was missing when it was made")
        sys.exit(77)
    host, port = authority.split(":")
    address = (host, int(port))
    outcomes, failures, end = collections.Counter(), [], end_of(options)
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        first = 0
        while first < options.count and time.monotonic() < end and len(failures) < 20:
            some = range(first, min(first + 50 * THREADS, options.count))
            for failure, statuses in pool.map(lambda i: one(address, authority, options.seed, i),
                                              some):
                outcomes.update(map(str, statuses))
                if failure:
                    failures.append(failure)
            first = some.stop
    program.stdin.close()
    try:
        code = program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        code = "hung"
    if code != 0:
        failures.append("the server ended with %s" % code)
    print("%d connections" % first)
    for outcome, n in outcomes.most_common():
        print("%6d %s" % (n, outcome))
    print("\n".join(failures[:20]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
