"""A server that stands in for a language model's: it speaks Anthropic's Messages and OpenAI's chat
completions as their documentation writes them, on a port of 127.0.0.1 that the system chooses. What
it answers, and what goes wrong with it, is the test's choice."""
import http.server
import json
import threading
import time

ANTHROPIC, OPENAI = "anthropic", "openai"
PATHS = {ANTHROPIC: "/v1/messages", OPENAI: "/v1/chat/completions"}


def settings_of(api, body):
    """Path -> values that the question's schema offers."""
    if api == ANTHROPIC:
        schema = body["output_config"]["format"]["schema"]
    else:
        schema = body["response_format"]["json_schema"]["schema"]
    proposal = schema["properties"]["proposals"]["items"]
    changes = proposal["properties"]["changes"]["items"]["anyOf"]
    return {
        c["properties"]["path"]["enum"][0]: c["properties"]["value"]["enum"]
        for c in changes if c["type"] == "object"
    }


def text_of(api, body):
    """What the user's last message says."""
    return body["messages"][-1]["content"]


def proposal(path, value, why="it is far too low", predict="a faster fall"):
    return {"why": why, "changes": [{"path": path, "value": value}], "predict": predict}


def told(*proposals):
    return json.dumps({"proposals": list(proposals)})


def message(api, text, stop=None, refusal=None):
    """A reply with that text; stop: the reason, in the protocol's own word."""
    if api == ANTHROPIC:
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "stand-in",
            "content": [{"type": "text", "text": text}], "stop_reason": stop or "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": 900, "output_tokens": 60}
        }
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stand-in",
        "choices": [{
            "index": 0, "finish_reason": stop or "stop",
            "message": {"role": "assistant", "content": text, "refusal": refusal}
        }], "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960}
    }


def error(api, kind, text):
    if api == ANTHROPIC:
        return {"type": "error", "error": {"type": kind, "message": text}}
    return {"error": {"message": text, "type": kind, "param": None, "code": None}}


class Answer:
    """A reply by HTTP: its body bytes, or what json makes of it."""
    def __init__(self, body, status=200, drip=0, cut=0, **headers):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status, self.drip, self.cut, self.headers = status, drip, cut, headers


class StandIn:
    """answer(stand_in, body) gives an Answer to each question; requests is what was asked."""
    def __init__(self, api, answer):
        self.api, self.answer, self.requests, self.open = api, answer, [], True
        self.failed = []
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                stand_in.serve(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # of a client that has gone
        self.url = "http://127.0.0.1:%d/v1" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.open:
            self.open = False
            self.server.shutdown()
            self.server.server_close()

    def serve(self, request):
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.requests.append((request.path, dict(request.headers), body))
        try:
            answer = self.answer(self, body)
        except Exception as why:  # the test looks at it
            self.failed.append(repr(why))
            answer = Answer({}, 500)
        try:
            request.send_response(answer.status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(answer.body) + answer.cut))
            for name, value in answer.headers.items():
                request.send_header(name.replace("_", "-"), str(value))
            request.end_headers()
            for i in range(0, len(answer.body), 1 if answer.drip else len(answer.body) or 1):
                request.wfile.write(answer.body[i:i + (1 if answer.drip else len(answer.body))])
                time.sleep(answer.drip)
            request.close_connection = answer.cut > 0
        except OSError:  # it was not waited for
            request.close_connection = True
