"""A client of the Model Context Protocol over stdio, of either era."""
import json
import queue
import subprocess
import threading

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {}
}


class Refused(Exception):
    """An error of the protocol: its code and what it said."""
    def __init__(self, error):
        super().__init__(error)
        self.code, self.message = error["code"], error["message"]


class Client:
    def __init__(self, words, folder, modern=True):
        self.modern, self.number, self.replies = modern, 0, {}
        self.process = subprocess.Popen(words,
                                        cwd=folder,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        if not modern:
            self.greeting = self.request(
                "initialize", {
                    "protocolVersion": "2025-06-18", "capabilities": {},
                    "clientInfo": {"name": "test", "version": "1"}
                })
            self.notify("notifications/initialized")

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def write(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def notify(self, method, params=None):
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}}))

    def send(self, method, params=None):
        """Sends a request; its number."""
        self.number += 1
        params = dict(params or {})
        if self.modern:
            params["_meta"] = META
        self.write(
            json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}))
        return self.number

    def read(self, seconds=60):
        """The next message of the server; None at its end."""
        line = self.lines.get(timeout=seconds)
        return None if line is None else json.loads(line)

    def receive(self, number, seconds=60):
        """The result of a request; others that come before it are kept."""
        while number not in self.replies:
            message = self.read(seconds)
            self.replies[message["id"]] = message
        message = self.replies.pop(number)
        if "error" in message:
            raise Refused(message["error"])
        return message["result"]

    def request(self, method, params=None, seconds=60):
        return self.receive(self.send(method, params), seconds)

    def call(self, name, seconds=60, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments}, seconds)

    def get(self, name, **arguments):
        """What a call that must succeed says."""
        result = self.call(name, **arguments)
        assert not result["isError"], result
        return result["structuredContent"]

    def end(self, seconds=30):
        """Ends the input; the code, and what was said on stderr."""
        self.process.stdin.close()
        code = self.process.wait(timeout=seconds)
        err = self.process.stderr.read().decode()
        self.close()
        return code, err

    def close(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass
