"""A cross-built binary → proof that it does the product's work on its own processor.

usage: verify.py BINARY BUDGET HOST_BINARY EMULATOR...

EMULATOR... is the command that runs the binary, such as `qemu-mipsel-static -cpu 24Kc`. All peers are on loopback.
Prints nothing when all is well; otherwise ends with the first thing that is not as it should be.
"""

import base64
import hashlib
import hmac
import http.client
import http.server
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).parent.parent
BINARY = pathlib.Path(sys.argv[1]).resolve()
BUDGET = int(sys.argv[2])
HOST = pathlib.Path(sys.argv[3]).resolve()
EMULATOR = sys.argv[4:]

# Of the code, what only HTTPS and sending need is a third; scattered it would be next to nothing.
APART_LEAST = 0.28

# A row of each of ring's tables that the binary is to do without; the first row of P-256's is the base point itself.
TABLES = {
    "k25519Precomp": bytes.fromhex("853b8cf5c693bc2f190e8cfbc62d93cf"),
    "k25519SmallPrecomp": bytes.fromhex("1ad5258f602d56c9b2a7259560c72c69"),
    "ecp_nistz256_precomputed": bytes.fromhex("4dd6dd10d44600857d8233a4c1e36aaa"),
    "fiat_p256_g_pre_comp": bytes.fromhex("bbd2a016c52f924f9934621a6cc15c0d"),
}

# Emulated, and perhaps on a busy machine.
PATIENCE_S = 60


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}:\n   found {found!r}\n  wanted {wanted!r}")


def run(program, *arguments, emulator=()):
    """Exit status, stdout, stderr of a program, which sees no setting of ours and no terminal."""
    done = subprocess.run(
        [*emulator, program, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        env={"PATH": os.environ["PATH"]},
    )
    sys.stderr.write(f"$ {program} {' '.join(map(str, arguments))}\n{done.stderr.decode(errors='replace')}")
    return done.returncode, done.stdout, done.stderr


# ---- The file --------------------------------------------------------------------------------------


def check_file():
    size = BINARY.stat().st_size
    if size > BUDGET:
        sys.exit(f"{size} bytes, budget {BUDGET}")
    headers = run("readelf", "-lW", BINARY)[1].decode()
    dynamic = run("readelf", "-dW", BINARY)[1].decode()
    sections = run("readelf", "-SW", BINARY)[1].decode()
    expect("a dynamic loader is asked for", "INTERP" in headers, False)
    expect("a library is needed", "NEEDED" in dynamic, False)
    expect("symbols are left", ".symtab" in sections or ".debug" in sections, False)
    expect("the stack may be executed", re.search(r"GNU_STACK.* RWE", headers), None)
    check_order(sections)
    check_tables()
    if "mips" in EMULATOR[0]:
        flags = run("readelf", "-A", BINARY)[1].decode()
        expect("instruction set", re.findall(r"ISA: (\w+)", flags), ["MIPS32r2"])
        expect("floating point", re.findall(r"FP ABI: (\w+)", flags), ["Soft"])
    machine_paths = re.findall(rb"/(?:root|home|build)/[ -~]*|/registry/src/[ -~]*", BINARY.read_bytes())
    expect("paths of the machine that built it", machine_paths, [])


def check_tables():
    """The functions of basepoints.c stand in the place of those with tables (static.ld): no table is left."""
    binary = BINARY.read_bytes()
    for name, row in TABLES.items():
        # The words of a big-endian processor are the other way round.
        swapped = b"".join(row[at : at + 4][::-1] for at in range(0, len(row), 4))
        if row in binary or swapped in binary:
            sys.exit(f"ring's table {name} is in the binary: static.ld does not replace what uses it")


def check_order(sections):
    """What only HTTPS and sending need is in one place (static.ld): a name that no longer fits would scatter it."""
    code = {name: int(size, 16) for name, size in re.findall(r" (\.text[.\w]*) +PROGBITS +\w+ \w+ (\w+)", sections)}
    part = code.get(".text.apart", 0) / sum(code.values())
    if part < APART_LEAST:
        sys.exit(f"of the code {part:.0%} stands apart, at least {APART_LEAST:.0%} wanted: {code}")


# ---- Names and configuration -----------------------------------------------------------------------


def check_names(websms, websmsd):
    version = re.search(r'^version = "(.+)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    for program in (websms, websmsd):
        status, text, _ = run(program, "--version", emulator=EMULATOR)
        expect(f"status of {program.name} --version", status, 0)
        expect(f"{program.name} --version", version in text.decode(), True)
    # The first name sends and the second listens: each says so in its help.
    helps = [run(program, "--help", emulator=EMULATOR)[1] for program in (websms, websmsd)]
    expect("both names give one help", helps[0] == helps[1], False)


def check_dumps(websmsd, folder):
    host = folder / "host" / "websmsd"
    host.parent.mkdir()
    host.symlink_to(HOST)
    goldens = sorted((TOP / "tests/golden/ini").rglob("*.ini"))
    expect("there are goldens", len(goldens) > 0, True)
    for golden in goldens:
        arguments = ("-c", golden, "--dump-config")
        expect(golden.name, run(websmsd, *arguments, emulator=EMULATOR), run(host, *arguments))


# ---- One SMS out -----------------------------------------------------------------------------------


class Provider:
    """An HTTPS server that keeps what it is asked."""

    def __init__(self, certificate, version, curve):
        provider = self
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                provider.asked.append((self.path, self.headers, body))
                answer = b'{"status":"success","id":"42"}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a refused handshake is what some checks want

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.minimum_version = context.maximum_version = version
        if curve:
            context.set_ecdh_curve(curve)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def openssl(*arguments):
    expect(f"openssl {arguments[0]}", run("openssl", *arguments)[0], 0)


def authority(folder, name):
    """A CA of our own: its certificate."""
    openssl(
        *("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
        *("-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
    )
    return folder / f"{name}.pem"


def certificate(folder, name, ca, address, key, signs="FALSE"):
    """A server's certificate for an address, with its key, in one file."""
    own = folder / f"{name}.pem"
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={address}\nbasicConstraints=critical,CA:{signs}\n")
    openssl("req", "-nodes", "-newkey", *key, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", request)
    openssl(
        *("x509", "-req", "-days", "2", "-in", request, "-CA", ca, "-CAkey", ca.with_suffix(".key")),
        *("-CAcreateserial", "-extfile", extensions, "-out", own),
    )
    own.write_bytes(own.read_bytes() + (folder / f"{name}.key").read_bytes())
    return own


P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
P384 = ("ec", "-pkeyopt", "ec_paramgen_curve:secp384r1")
RSA = ("rsa:2048",)
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def check_out(websms, folder):
    ours, foreign = authority(folder, "ours"), authority(folder, "foreign")
    good = certificate(folder, "good", ours, "DNS:localhost", P256)
    signer = certificate(folder, "signer", ours, "DNS:localhost", P256, signs="TRUE")
    cases = [
        # what, certificate, version, curve of the keys if not the client's choice, what is said of a refusal
        ("TLS 1.3, P-256", good, TLS13, None, None),
        ("TLS 1.3, P-256 for keys too", good, TLS13, "prime256v1", None),
        ("TLS 1.2, RSA", certificate(folder, "rsa", ours, "DNS:localhost", RSA), TLS12, None, None),
        ("TLS 1.3, P-384", certificate(folder, "p384", ours, "DNS:localhost", P384), TLS13, None, None),
        ("a stranger's CA", certificate(folder, "other", foreign, "DNS:localhost", P256), TLS13, None, "unknown issuer"),
        ("another's name", certificate(folder, "name", ours, "DNS:pbx.example", P256), TLS13, None, "another name"),
        # The type of webpki's fault tells it: a Debug text would be empty in these binaries.
        ("an authority as a server", signer, TLS13, None, "that of an authority"),
    ]
    for what, pem, version, curve, refusal in cases:
        provider = Provider(pem, version, curve)
        conf = configuration(
            folder,
            "[websms]",
            f'host = "https://localhost:{provider.port}"',
            'path = "/v1/sms/send/"',
            "key_to = number",
            "key_from = sender",
            "key_body = message",
            'val_static = "format=json"',
            "auth_method = zadarma",
            "auth_user = user_key",
            "auth_passwd = secret_key",
            'response_check = "status=success"',
            f'ca_file = "{ours}"',
            "timeout = 30",
            "[queue]",
            'dir = ""',
        )
        status, _, said = run(websms, "-v", "-c", conf, "46701234567", "46709876543", "Hello World!", emulator=EMULATOR)
        expect(f"{what}: exit status", status, 75 if refusal else 0)
        expect(f"{what}: requests", len(provider.asked), 0 if refusal else 1)
        if refusal and refusal not in said.decode():
            sys.exit(f"{what}: {refusal!r} is not in {said.decode()!r}")
        for path, headers, body in provider.asked:
            query = b"format=json&message=Hello+World%21&number=46701234567&sender=46709876543"
            expect(f"{what}: path", path, "/v1/sms/send/")
            expect(f"{what}: body", body, query)
            expect(f"{what}: signature", headers["Authorization"], zadarma(path, query, "user_key", b"secret_key"))
        provider.server.shutdown()


def zadarma(path, query, user, secret):
    signed = path.encode() + query + hashlib.md5(query).hexdigest().encode()
    digest = hmac.new(secret, signed, hashlib.sha1).hexdigest()
    return f"{user}:{base64.b64encode(digest.encode()).decode()}"


def configuration(folder, *lines):
    file = folder / "websms.conf"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")
    return file


# ---- One SMS in ------------------------------------------------------------------------------------

CALL_FILE = """\
Channel: Local/+12025550160@dp_entry_channel_open
CallerID: "" <+15017122661>
WaitTime: 45
MaxRetries: 0
RetryTime: 300
Context: dp_entry_trunk_texting
Extension: +12025550160
Priority: 1
Archive: no
setvar: MESSAGE(to)=+12025550160
setvar: MESSAGE(from)=+15017122661
setvar: MESSAGE(body)=Gr%C3%BC%C3%9Fe%2C%20%F0%9F%98%80%21
setvar: MESSAGE_ENCODE=rfc3986
"""


def check_in(websmsd, folder):
    outgoing, staging = folder / "outgoing", folder / "staging"
    outgoing.mkdir(mode=0o700)
    staging.mkdir(mode=0o700)
    lines = [
        "[websmsd]",
        'report_success = "<Response/>"',
        "[astqueue]",
        f'outgoingdir = "{outgoing}"',
        f'stagingdir = "{staging}"',
        "channel_context = dp_entry_channel_open",
        "context = dp_entry_trunk_texting",
        "[queue]",
        f'dir = "{folder / "queue"}"',
    ]
    conf = configuration(folder, *lines)
    log = (folder / "websmsd.log").open("w+b")
    daemon = subprocess.Popen(
        [*EMULATOR, websmsd, "-v", "-c", conf, "-l", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        port = port_of(daemon, folder / "websmsd.log")
        peer = http.client.HTTPConnection("localhost", port, timeout=PATIENCE_S)
        form = "To=%2B12025550160&From=%2B15017122661&Body=Gr%C3%BC%C3%9Fe%2C+%F0%9F%98%80%21"
        peer.request("POST", "/", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = peer.getresponse()
        expect("answer", (answer.status, answer.read()), (200, b"<Response/>"))
        peer.close()
    finally:
        daemon.terminate()
        daemon.wait(PATIENCE_S)
        log.seek(0)
        sys.stderr.write(log.read().decode(errors="replace"))
    files = list(outgoing.iterdir())
    expect("call files", len(files), 1)
    expect("its name", bool(re.fullmatch(r"\+12025550160\.\d+\.[0-9A-Za-z_-]+\.call", files[0].name)), True)
    expect("its bytes", files[0].read_bytes().decode(), CALL_FILE)
    expect("its mode", oct(files[0].stat().st_mode & 0o7777), "0o644")


def port_of(daemon, log):
    """Waits until the daemon listens, and returns the port that the system gave it."""
    end = time.monotonic() + PATIENCE_S
    while daemon.poll() is None and time.monotonic() < end:
        told = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text(errors="replace"))
        if told:
            return int(told[1])
        time.sleep(0.02)
    sys.exit(f"websmsd does not listen (exit status {daemon.poll()})")


def main():
    check_file()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        websms, websmsd = folder / "websms", folder / "websmsd"
        websms.symlink_to(BINARY)
        websmsd.symlink_to(BINARY)
        check_names(websms, websmsd)
        check_dumps(websmsd, folder)
        check_out(websms, folder)
        check_in(websmsd, folder)


main()
