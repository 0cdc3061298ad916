"""A SIP phone on loopback that sends and receives texts as MESSAGE requests. UDP, std only."""

import re
import socket
import threading
import time
import uuid

PATIENCE = 60  # seconds until a wait has failed; the machine may be busy, or stand still for a while


def wait_for(condition, patience=PATIENCE):
    """Waits up to `patience` seconds, and returns whether `condition` came to hold."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Phone:
    """`received` lists (sender's user part, body bytes) in the order of arrival, `refused` those that the
    phone did not answer with 200. `silent` phones answer nothing and take nothing."""

    def __init__(self, name, pbx_port):
        self.name = name
        self.pbx = ("127.0.0.1", pbx_port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.contact = f"sip:{name}@127.0.0.1:{self.port}"  # what it registers
        self.received, self.refused = [], []
        self.silent = False
        self.statuses = {}  # method → status line of its answer, where that is not 200
        self.answers = {}  # Call-ID → status of the final answer
        self.seen = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def _request(self, method, target, to, more, body, display):
        call = uuid.uuid4().hex
        display = (display.encode() + b" ") if display else b""
        lines = [
            f"{method} {target} SIP/2.0".encode(),
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{uuid.uuid4().hex};rport".encode(),
            b"Max-Forwards: 70",
            b"From: " + display + f"<sip:{self.name}@127.0.0.1>;tag={call[:8]}".encode(),
            f"To: <{to}>".encode(),
            f"Call-ID: {call}".encode(),
            f"CSeq: 1 {method}".encode(),
            *more,
            f"Content-Length: {len(body)}".encode(),
        ]
        self.socket.sendto(b"\r\n".join(lines) + b"\r\n\r\n" + body, self.pbx)
        return call

    def send(self, number, text, display=None):
        """Sends `text` (bytes) to an extension; returns the Call-ID, which `answers` knows later."""
        target = f"sip:{number}@127.0.0.1:{self.pbx[1]}"
        return self._request("MESSAGE", target, target, [b"Content-Type: text/plain"], text, display)

    def register(self, seconds):
        """Goes on line for so many seconds; 0 takes the phone off line."""
        more = [f"Contact: <{self.contact}>".encode(), f"Expires: {seconds}".encode()]
        return self._request("REGISTER", f"sip:127.0.0.1:{self.pbx[1]}", f"sip:{self.name}@127.0.0.1", more, b"", None)

    def bodies(self, sender=None):
        return [body for user, body in list(self.received) if sender in (None, user)]

    def _listen(self):
        while True:
            packet, peer = self.socket.recvfrom(65535)
            if self.silent:
                continue
            head, _, body = packet.partition(b"\r\n\r\n")
            first, *lines = head.split(b"\r\n")
            fields = {}
            for line in lines:
                key, _, value = line.partition(b":")
                fields.setdefault(key.strip().lower(), value.strip())
            call = fields.get(b"call-id", fields.get(b"i", b"")).decode()
            if first.startswith(b"SIP/2.0 "):
                status = int(first.split()[1])
                if status >= 200:
                    self.answers[call] = status
                continue
            kept = [line for line in lines if line.lower().startswith((b"via:", b"from:", b"to:", b"call-id:", b"cseq:"))]
            status = self.statuses.get(first.split()[0].decode(), "200 OK")
            self.socket.sendto(b"\r\n".join([f"SIP/2.0 {status}".encode(), *kept, b"Content-Length: 0", b"", b""]), peer)
            if first.startswith(b"MESSAGE ") and call not in self.seen:
                self.seen.add(call)
                user = re.search(rb"sips?:(?:([^@>;]*)@)?", fields.get(b"from", b""))
                length = int(fields.get(b"content-length", b"-1"))
                taken = self.received if status.startswith("200 ") else self.refused
                taken.append(((user[1] or b"").decode(), body if length == len(body) else b"(cut) " + body))
