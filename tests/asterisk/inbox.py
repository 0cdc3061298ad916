"""Checks the inbox: SMS that were answered with 200 outlive Asterisk, websmsd and the spool, and arrive once, in order.

Each part below is a function of `Checks`.
"""

import contextlib
import os
import shutil
import socket

from lasthop import NUMBERS, UNREGISTERED, go_away, is_tried, post, register
from phone import PATIENCE, wait_for

SHORT, LONG, PARTS_OF_LONG = 50, 6, 5


@contextlib.contextmanager
def kept(t):
    """Within this context, SMS are kept in the inbox, and Asterisk tries again each second."""
    t.configure(queue=f"{t.pbx.folder}/state", astqueue="maxretries = 600\nretrytime = 1\ninbox = yes\ninbox_rate =\n")
    t.reload()
    yield
    for name in t.pbx.calls():
        os.remove(f"{t.pbx.outside}/spool/outgoing/{name}")
    t.configure()
    t.reload()


def waiting(t):
    """Returns the names of the SMS in the inbox."""
    return os.listdir(f"{t.pbx.outside}/state/inbox/new")


def kill(t, child):
    t.pbx.children.remove(child)
    child.kill()
    child.wait(PATIENCE)


def listens(t):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", t.pbx.http_port)) == 0


def power_cut(t, meanwhile):
    """Kills Asterisk and websmsd, changes the spool, and starts both again."""
    kill(t, t.websmsd)
    kill(t, t.pbx.asterisk)
    meanwhile(t)
    t.check("Asterisk starts", t.pbx.boot(), True)
    t.websmsd = t.pbx.spawn("websmsd", [f"{t.pbx.folder}/agi/websms", "websmsd", "-v"])
    t.check("websmsd listens", wait_for(lambda: listens(t)), True)


def empty_spool(t):
    """Leaves the spool as a restart leaves one in memory."""
    for name in ("outgoing", "staging"):
        shutil.rmtree(f"{t.pbx.outside}/spool/{name}")


def survives(row, meanwhile):
    def part(t):
        phone = t.phones[UNREGISTERED]
        with kept(t):
            sender = post(t, row, UNREGISTERED, row)
            is_tried(t, row, UNREGISTERED)
            power_cut(t, meanwhile)
            is_tried(t, row, UNREGISTERED)
            t.check(f"{row}: not handed over", phone.bodies(sender), [])
            register(t, row, phone)
            t.check(f"{row}: handed over", wait_for(lambda: phone.bodies(sender)), True)
            t.check(f"{row}: nothing is kept", wait_for(lambda: not t.pbx.calls() and not waiting(t)), True)
            t.barrier()
            t.check(f"{row}: once", phone.bodies(sender), [row.encode()])
            go_away(t, row, phone)
    return part


def in_order(t):
    """Many SMS and texts of several parts for a phone that is away, then back."""
    row, phone, sender = "order", t.phones[UNREGISTERED], t.number()
    letters = "abcdefghijklmnopqrstuvwxyz"
    long = ["".join(f"{letters[n]}{word:04}" for word in range(180 * PARTS_OF_LONG)) for n in range(LONG)]
    texts = [f"<{n}>" for n in range(SHORT)]
    for n, text in enumerate(long):
        texts.insert((n + 1) * SHORT // LONG, text)
    with kept(t):
        for text in texts:
            status = t.post({"To": NUMBERS[UNREGISTERED], "From": sender, "Body": text})
            if status != 200:
                t.check(f"{row}: taken", status, 200)
        is_tried(t, row, UNREGISTERED)
        t.check(f"{row}: one call file", len(t.pbx.calls()), 1)
        t.check(f"{row}: all are kept", len(waiting(t)), SHORT + LONG)
        register(t, row, phone)
        many = SHORT + LONG * PARTS_OF_LONG
        t.check(f"{row}: all come", wait_for(lambda: len(phone.bodies(sender)) >= many, 4 * PATIENCE), True)
        t.check(f"{row}: nothing is kept", wait_for(lambda: not t.pbx.calls() and not waiting(t)), True)
        t.barrier()
        t.check(f"{row}: as many", len(phone.bodies(sender)), many)
        t.check(f"{row}: in order", b"".join(phone.bodies(sender)), "".join(texts).encode())
        go_away(t, row, phone)


PARTS = [
    ("inbox, an emptied spool", survives("emptied", empty_spool)),
    ("inbox, a spool left alone", survives("left alone", lambda t: None)),
    ("inbox, order", in_order),
]
