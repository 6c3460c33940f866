"""A server that passes requests on to another one and adds its bearer token, for clients that
cannot send one. Names of itself in Host and Origin become names of the other."""
import http.client
import http.server
import threading


class Proxy:
    def __init__(self, authority, token):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                to = http.client.HTTPConnection(authority, timeout=60)
                to.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("connection", "authorization", "transfer-encoding"):
                        to.putheader(name, value.replace(str(proxy.port), authority.split(":")[1]))
                to.putheader("Authorization", "Bearer " + token)
                to.endheaders(body)
                reply = to.getresponse()
                text = reply.read()
                self.send_response(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in ("connection", "date", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                to.close()

            do_GET = do_POST = do_DELETE = do_OPTIONS = pass_on

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a client that left

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d/mcp" % self.port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
