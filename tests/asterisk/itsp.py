"""A stub ITSP on loopback that keeps what WebSMS sends to it. The test chooses its answers."""

import http.server
import json
import threading
import time
import urllib.parse

ACCEPTED = (200, b'{"status":"success","id":"m-1"}')


class Itsp:
    """`received` lists (to, from, body) as bytes. `listed` is what a GET answers, JSON. `answers` maps a destination to (status, body),
    `delays` one to seconds before the answer."""

    def __init__(self):
        self.received = []
        self.listed = []
        self.answers = {}
        self.delays = {}
        itsp = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"]))
                fields = dict(urllib.parse.parse_qsl(form.decode(), True, True, encoding="latin-1"))
                to, sender, body = (fields[key].encode("latin-1") for key in ("To", "From", "Body"))
                itsp.received.append((to, sender, body))
                time.sleep(itsp.delays.get(to, 0))
                status, answer = itsp.answers.get(to, ACCEPTED)
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the caller's time was over

            def do_GET(self):
                answer = json.dumps(itsp.listed).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self, to):
        return [body for number, _, body in list(self.received) if number == to]
