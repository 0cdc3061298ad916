"""A recorder on loopback that keeps a program's requests to a provider, and answers as the provider would.

It is an HTTP proxy that ends TLS itself, so a program keeps the provider's own URL and only the proxy
and one more certificate authority are given to it. Nothing is passed on to anybody.
"""

import contextlib
import http.server
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.parse


class Request:
    """One request: `url` is absolute and has no query, `headers` have lower-case names."""

    def __init__(self, method, url, headers, body):
        parts = urllib.parse.urlsplit(url)
        self.method, self.query, self.body = method, parts.query, body
        self.url = f"{parts.scheme}://{parts.netloc.removesuffix(':443')}{parts.path}"
        self.headers = {name.lower(): value for name, value in headers.items()}


class Recorder:
    """`received` lists the requests. `answers` maps the end of a path to (status, text); the end that
    is "" answers everything else."""

    def __init__(self, hosts, folder):
        self.received, self.answers = [], {"": (200, "{}")}
        self.ca = os.path.join(folder, "ca.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(sorted(hosts), self.ca))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self, context))
        self.server.daemon_threads = True
        self.proxy = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, url):
        path = urllib.parse.urlsplit(url).path
        return self.answers[max((end for end in self.answers if path.endswith(end)), key=len)]

    def prepare(self):
        """Points this process, its children and the HTTP libraries of Python and Node at the recorder; to any
        other machine nothing connects from now on."""
        proxies = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]
        authorities = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS", "NODE_EXTRA_CA_CERTS"]
        os.environ.update(dict.fromkeys(proxies, self.proxy) | dict.fromkeys(authorities, self.ca))
        os.environ.update(no_proxy="", NO_PROXY="")
        with contextlib.suppress(ImportError):
            import certifi

            certifi.where = lambda: self.ca
        connect = socket.socket.connect

        def checked(this, address):
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "localhost"):
                raise OSError(f"no connection but on loopback: {address}")
            return connect(this, address)

        socket.socket.connect = checked


def handler(recorder, context):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        origin = ""

        def do_CONNECT(self):
            self.send_response(200)
            self.end_headers()
            self.origin = f"https://{self.path}"
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)
            self.close_connection = False

        def do_POST(self):
            url = urllib.parse.urljoin(self.origin, self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            recorder.received.append(Request(self.command, url, dict(self.headers), body))
            status, text = recorder.answer(url)
            data = b"" if status == 204 else text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST

        def log_message(self, *_):
            pass

    return Handler


def certificate(hosts, ca):
    """Makes a new authority in the file `ca`. Returns (certificate, key) of a server with all these names."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    folder = tempfile.mkdtemp(dir=os.path.dirname(ca))
    key, ca_key, server, request = (os.path.join(folder, name) for name in ("key", "ca_key", "server", "request"))
    names = "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts)
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl(*new, "-x509", "-subj", "/CN=recorder", "-keyout", ca_key, "-out", ca)
    openssl(*new, "-x509", "-subj", "/CN=server", "-keyout", key, "-out", server, "-CA", ca, "-CAkey", ca_key,
            "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE")
    return server, key
