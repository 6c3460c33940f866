"""What tests of a server over HTTP share: beginning it, and requests of the legacy era to it."""
import http.client
import json

from experiments import Experiments


def ask(method, **params):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


class Served(Experiments):
    def serve(self, role="read", run="run"):
        """Begins a server; sets where it is and its token."""
        call = self.begin("mcp", run, "--role", role, "--listen", "127.0.0.1:0")
        lines = [call.process.stderr.readline().decode().split() for _ in range(2)]
        if lines[0][:1] != ["serving"]:
            rest = call.process.stderr.read().decode()
            if "libmicrohttpd" in " ".join(lines[0]):
                self.skipTest("this build has no HTTP")
            self.fail("%r %r" % (lines, rest))
        self.authority, self.token = lines[0][1].split("/")[2], lines[1][1]
        return call

    def headers_of(self, **changes):
        headers = {
            "Content-Type": "application/json", "Authorization": "Bearer " + self.token,
            "Accept": "application/json, text/event-stream"
        }
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {k: v for k, v in headers.items() if v is not None}

    def post(self, body, path="/mcp", method="POST", **changes):
        """A request; its status, and its reply where there is one."""
        to = http.client.HTTPConnection(self.authority, timeout=60)
        try:
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            to.request(method, path, text, self.headers_of(**changes))
            reply = to.getresponse()
            text = reply.read()
            self.headers = dict(reply.getheaders())
        finally:
            to.close()
        return reply.status, json.loads(text) if text else None

    def ask(self, method, **params):
        return ask(method, **params)
