"""Compares the verdicts of `websmsd` on webhooks with those of the provider's own code.

usage: inbound.py BINARY HOME      the schemes whose package is in that environment

Each scheme gets webhooks that are signed as they are sent, and others of which one thing was changed after
that or that nobody would sign so. Where the provider's validator refuses and `websmsd` takes a webhook, and
the other way round, a row of `signers.py` must say why.
"""

import collections
import importlib.metadata
import itertools
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
from urllib.parse import parse_qsl

import signers
from signers import FORM, SCHEMES, TOKEN

ORIGIN, TARGET = "https://sms.example.com", "/in?a=1&b=x"
PAIRS = [("To", "+12025550160"), ("From", "+12025550183"), ("Body", "Hi & bye=%+ \u00e4\U0001f600\n."), ("Empty", "")]
SIGNS = "abcXYZ019-_.~ &=%+?#/\u00e9\u20ac\U0001f600\r\n"
TEXT = '{"to":"12025550160","from":"12025550183","text":"Hi & bye=%+ \u00e4\U0001f600.","n":1}'


# ---- Webhooks -------------------------------------------------------------------------------


def flipped(text):
    """Yields `text` with each of its bytes changed in turn, as far as it stays printable ASCII."""
    for at, char in enumerate(text):
        other = chr(ord(char) ^ 1)
        if " " < other <= "~":
            yield text[:at] + other + text[at + 1:]


def sign(scheme, payload=None, target=TARGET, origin=ORIGIN, secret=TOKEN):
    """Returns a webhook signed by the provider's code; None if the package does not sign this."""
    try:
        return scheme.sign(secret, origin + target, payload if payload is not None else usual(scheme))
    except Exception:
        return None


def usual(scheme):
    return PAIRS if scheme.kind == FORM else TEXT


def payloads(scheme):
    """Yields (kind, payload) of webhooks that a provider sends, or could send."""
    if scheme.kind != FORM:
        yield from [("valid", TEXT), ("valid", '{"to":"1","text":""}'), ("valid", '{"to":"a","x":"\\u0041"}')]
        return
    yield "valid", PAIRS
    yield "valid", PAIRS[::-1]
    yield "valid", [*PAIRS, ("MediaUrl0", "https://x/?a=b&c=d")]
    yield "valid", [("A", "1"), ("a", "2"), ("B", "3")]
    yield "valid", [("a", "")]
    yield "no parameter", []
    yield "repeated", [*PAIRS, PAIRS[0]]
    yield "repeated", [*PAIRS, ("To", "1")]
    yield "repeated", [("To", ""), *PAIRS]
    yield "brackets", [*PAIRS, ("a[]", "1")]
    yield "no name", [*PAIRS, ("", "1")]
    yield "blank in a name", [("a b", "1")]
    yield "underscore", [("a.b", "1"), ("a_b", "2")]
    yield "NUL", [("a", "\0")]
    yield "NUL", [("To\0x", "1")]
    dice = random.Random(1)
    for _ in range(200):
        names = dice.sample("abcdefghijklmnXYZ019", k=dice.randrange(6))
        yield "random", [(name, "".join(dice.choices(SIGNS, k=dice.randrange(12)))) for name in names]


def signed(scheme):
    """Yields (kind, target, webhook): unchanged, or signed with another key or for another URL."""
    for kind, payload in payloads(scheme):
        yield kind, TARGET, sign(scheme, payload)
    for target in ["/", "/in", "/in?", "/in?a", "/in?a=", "/in?a=%20+", "/in/?b=2&a=1", "/%69n", "/in?=", "/in?&a=1"]:
        yield f"target {target}", target, sign(scheme, target=target)
    yield "repeated in the query", "/in?a=1&a=2", sign(scheme, target="/in?a=1&a=2")
    yield "trailing ?", "/in?", sign(scheme, target="/in")
    yield "trailing ? lost", "/in", sign(scheme, target="/in?")
    for origin in [ORIGIN.replace("https", "http"), ORIGIN + ".", ORIGIN[:-1], ORIGIN.replace("sms", "SMS")]:
        yield "origin", TARGET, sign(scheme, origin=origin)
    for port in ["443", "80", "8443"]:
        yield f"port {port}", TARGET, sign(scheme, origin=f"{ORIGIN}:{port}")
    for secret in [*flipped(TOKEN), "", TOKEN + "0", TOKEN[1:], TOKEN.upper()]:
        yield "key", TARGET, sign(scheme, secret=secret)
    for age_s in (600, -600):
        signers.age_s = age_s
        yield "ten minutes old", TARGET, sign(scheme)
    signers.age_s = 0


def changed(scheme):
    """Yields (kind, target, webhook) with one change after it was signed."""
    good = sign(scheme)
    for body in flipped(good.body.decode("latin-1")):
        yield "body", TARGET, good._replace(body=body.encode("latin-1"))
    for body in [good.body + b" ", good.body + b"&", b"&" + good.body, good.body + b"\0", good.body[:-1], b""]:
        yield "body", TARGET, good._replace(body=body)
    if scheme.kind == FORM:
        for kind, pairs in changed_pairs(parse_qsl(good.body.decode(), keep_blank_values=True)):
            yield kind, TARGET, good._replace(body=signers.form(pairs))
        yield "encoding", TARGET, good._replace(body=good.body.replace(b"+", b"%20").replace(b"T", b"%54"))
    for target in flipped(TARGET[1:]):
        yield "target", "/" + target, good
    for target in ["/in", "/in?", "/in?b=x&a=1", TARGET + "&", TARGET + "?", "/in/?a=1&b=x", TARGET + "&c=1"]:
        yield "target", target, good
    yield "fragment", TARGET + "#a", good
    for name, value in good.headers.items():
        for other in [*flipped(value), "", value + "A", value[:-1], value[1:], value.swapcase()]:
            yield f"header {name}", TARGET, good._replace(headers={**good.headers, name: other})
        yield "blanks", TARGET, good._replace(headers={**good.headers, name: f"  {value}  "})
        others = {known: value for known, value in good.headers.items() if known != name}
        yield f"no header {name}", TARGET, good._replace(headers=others)


def changed_pairs(pairs):
    """Yields (kind, pairs) with each byte of a name or value changed, and with other pairs."""
    for at, (name, value) in enumerate(pairs):
        before, behind = pairs[:at], pairs[at + 1 :]
        yield from (("name", [*before, (other, value), *behind]) for other in flipped(name))
        yield from (("value", [*before, (name, other), *behind]) for other in flipped(value))
        yield "one left out", before + behind
    yield "order", pairs[::-1]
    yield "one more", [*pairs, ("To", "1")]
    yield "one more", [*pairs, ("x", "")]
    yield "repeated", [*pairs, pairs[0]]
    yield "border", [("T", "o" + pairs[0][1]), *pairs[1:]]


# ---- The verdicts ---------------------------------------------------------------------------


class Daemon:
    """A `websmsd` of one scheme. `takes` says whether a webhook passes its proof."""

    def __init__(self, binary, scheme, folder):
        for name in ("outgoing", "staging"):
            os.mkdir(os.path.join(folder, name))
        secret = signers.telnyx_public() if scheme.name == "telnyx" else scheme.secret
        settings = {"provider": scheme.preset, "auth_passwd": secret, "public_url": ORIGIN, **scheme.settings}
        conf = os.path.join(folder, "websms.conf")
        with open(conf, "w") as file:
            file.write("[websmsd]\n" + "".join(f"{key} = '{value}'\n" for key, value in settings.items()))
            file.write("permit_addr = 127.0.0.1\nproxy_addr =\n[astqueue]\nsync = no\nmax = 100000\n")
            file.write(f"outgoingdir = {folder}/outgoing\nstagingdir = {folder}/staging\n[queue]\ndir =\n")
        command = [binary, "websmsd", "-v", "-c", conf, "-l", "127.0.0.1:0"]
        self.log = open(os.path.join(folder, "log"), "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.address, self.stream = None, None

    def connect(self):
        while self.address is None:
            if self.process.poll() is not None:
                raise RuntimeError(open(self.log.name).read())
            found = re.search(r"listening on ([0-9.]+):([0-9]+)", open(self.log.name).read())
            self.address = found and (found[1], int(found[2]))
        self.stream = socket.create_connection(self.address, 30).makefile("rwb")

    def status(self, target, webhook):
        """Returns the status of the answer, over one connection as long as it lasts."""
        head = [f"POST {target} HTTP/1.1", "Host: sms.example.com", f"Content-Type: {webhook.kind}"]
        head += [f"{name}: {value}" for name, value in webhook.headers.items()]
        head += [f"Content-Length: {len(webhook.body)}", "", ""]
        if self.stream is None:
            self.connect()
        self.stream.write("\r\n".join(head).encode("latin-1") + webhook.body)
        self.stream.flush()
        line, length, lasts = self.stream.readline(), 0, True
        while (field := self.stream.readline().strip().lower()) != b"":
            name, _, value = field.partition(b":")
            length = int(value) if name == b"content-length" else length
            lasts = lasts and not (name == b"connection" and value.strip() == b"close")
        self.stream.read(length)
        if not lasts:
            self.stream = None
        return int(line.split()[1])

    def takes(self, target, webhook):
        """Returns whether the proof passes: it fails with 401 and, if the request cannot be read, 400."""
        status = self.status(target, webhook)
        if status not in (200, 400, 401, 422):
            raise RuntimeError(f"{self.process.args}: status {status} for {target} {webhook}")
        return status in (200, 422)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def verified(scheme, url, webhook):
    """Returns the verdict of the package, which gets header fields without blanks around them, as from any server."""
    headers = {name: value.strip() for name, value in webhook.headers.items()}
    try:
        return scheme.verify(url, webhook._replace(headers=headers))
    except Exception:  # Each package has its own way to refuse.
        return False


def judge(binary, scheme):
    """Prints a line, and each kind of change about which the verdicts differ. Returns whether all are explained."""
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(binary, scheme, folder)
        cases, valid = 0, 0
        ours_only, theirs_only = collections.defaultdict(list), collections.defaultdict(list)
        for kind, target, webhook in itertools.chain(signed(scheme), changed(scheme)):
            if webhook is None:
                continue
            cases += 1
            theirs, ours = verified(scheme, ORIGIN + target, webhook), daemon.takes(target, webhook)
            valid += theirs and ours
            if ours != theirs:
                (ours_only if ours else theirs_only)[kind].append((target, webhook))
        daemon.end()
    faults = []
    for verdict, only, rows in [("taken", ours_only, scheme.accepts), ("refused", theirs_only, scheme.refuses)]:
        faults += [f"{verdict} by us alone: {kind}: {only[kind][0]}" for kind in only.keys() - rows.keys()]
    stale = (scheme.accepts.keys() - ours_only.keys()) | (scheme.refuses.keys() - theirs_only.keys())
    faults += [f"a row explains nothing: {kind}" for kind in sorted(stale)]
    explained = sum(len(some) for only in (ours_only, theirs_only) for some in only.values())
    print(f"{scheme.name:12} {scheme.package} {importlib.metadata.version(scheme.package)}: {cases} webhooks, "
          f"{valid} taken by both, {explained} verdicts differ, {len(faults)} faults")
    for verdict, only, rows in [("taken", ours_only, scheme.accepts), ("refused", theirs_only, scheme.refuses)]:
        for kind in sorted(only.keys() & rows.keys()):
            print(f"             known: {verdict} by us alone: {kind} ({len(only[kind])}): {rows[kind]}")
    for fault in faults:
        print(f"!!           {fault}")
    return not faults and valid > 0


def main(binary, home):
    schemes = [scheme for scheme in SCHEMES if scheme.home == home]
    results = []
    for scheme in schemes:
        try:
            results.append(judge(binary, scheme))
        except Exception as error:
            print(f"!! {scheme.name:12} {type(error).__name__}: {error}")
            results.append(False)
    print(f"-- {sum(results)} of {len(results)} schemes pass")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
