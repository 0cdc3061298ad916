"""Checks WebSMS between a real Asterisk, a SIP phone and a stub ITSP.

usage: checks.py ROOT BINARY        as root; ROOT is a Debian with Asterisk (tests/asterisk/run makes it)
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse

import inbox
import lasthop
from itsp import Itsp
from pbx import Account, Pbx
from phone import PATIENCE, Phone, free_port, wait_for
from texts import LONG, TEXTS, hostile

TIMEOUT = 60  # seconds a run of websms may take, of websms.conf; the machine may be busy
SHORT_TIMEOUT = 2  # the same where the ITSP does not answer
FORM = "application/x-www-form-urlencoded"
ACCOUNTS = {"alice": Account(), "bob": Account(), "dave": Account("checks-out")}
SENT = ("SUCCESS", "SENT", "m-1", "provider answered 200")
ALICE, BOB = "+12025550160", "+12025550161"

CONF = """
[websms]
host = http://127.0.0.1:{itsp}
path = /send
auth_user = user
auth_passwd = s3cr3t
response_check = 'status=success'
timeout = {timeout}
{websms}
[websmsd]
listen = 127.0.0.1:{http}
report_success = <Response></Response>
{websmsd}

[astqueue]
outgoingdir = {folder}/spool/outgoing
stagingdir = {folder}/spool/staging
channel_context = websms-open
context = websms-in
{astqueue}
[queue]
dir = {queue}
"""


class Checks:
    """Counts the checks that held, a part at a time."""

    def __init__(self, pbx, itsp, phones):
        self.pbx, self.itsp, self.phones = pbx, itsp, phones
        self.passed = self.failed = 0
        self.missed = []  # the names of the checks that did not hold
        self.websmsd = None
        self.numbers = iter(range(10_000, 100_000))

    def check(self, name, got, wanted):
        if got == wanted:
            self.passed += 1
        else:
            self.failed += 1
            self.missed.append(name)
            print(f"!! {name}\n   wanted {shown(wanted)}\n   got    {shown(got)}")

    def part(self, name, run):
        before, failed, start = self.passed, self.failed, time.monotonic()
        run(self)
        print(f"-- {name}: {self.passed - before} held, {self.failed - failed} did not, {time.monotonic() - start:.0f} s", flush=True)

    def number(self):
        """Returns a number that no other check uses."""
        return f"+120255{next(self.numbers)}"

    @contextlib.contextmanager
    def tries(self, more=""):
        """Within this context, Asterisk keeps the SMS of an unanswered call and tries again each second."""
        self.configure(astqueue=f"maxretries = 600\nretrytime = 1\n{more}")
        self.reload()
        yield
        # Files that a failed check has left behind must not fail the next ones.
        for name in self.pbx.calls():
            os.remove(f"{self.pbx.outside}/spool/outgoing/{name}")
        self.configure()
        self.reload()

    def configure(self, itsp=None, queue="", astqueue="", websms="", websmsd="", timeout=TIMEOUT):
        self.pbx.write("websms.conf", CONF.format(
            itsp=itsp or self.itsp.port, http=self.pbx.http_port, folder=self.pbx.folder,
            timeout=timeout, queue=queue, astqueue=astqueue, websms=websms, websmsd=websmsd))

    def reload(self):
        """Makes websmsd read its configuration again."""
        def read():
            return self.pbx.log("websmsd.out").count("configuration read again")

        before = read()
        os.kill(self.websmsd.pid, signal.SIGHUP)
        self.check("the configuration is read again", wait_for(lambda: read() > before), True)

    def canary(self):
        return f"{self.pbx.folder}/canary/text"

    def out(self, number, text, phone="dave", display=None):
        """Sends a text out and returns what the dialplan saw of it."""
        self.phones[phone].send(number, text, display)
        wait_for(lambda: self.pbx.seen(number))
        return self.pbx.seen(number)

    def post(self, fields, body=None, content_type=FORM):
        """Posts a webhook and returns the status of its answer."""
        caller = http.client.HTTPConnection("127.0.0.1", self.pbx.http_port, timeout=PATIENCE)
        caller.request("POST", "/hook", body or urllib.parse.urlencode(fields), {"Content-Type": content_type})
        answer = caller.getresponse()
        answer.read()
        caller.close()
        return answer.status

    def arrives(self, name, phone, sender, text, again):
        """Checks that the phone got `text` from `sender`, in its order. The parts of a long one are due a second
        apart, but an Asterisk that gets no processor for so long runs two of them at once. One that came whole
        in another order is therefore sent again, by `again`, which returns the new sender; twice at most."""
        wanted = text.encode()
        for _ in range(2):
            got = b"".join(phone.bodies(sender))
            if got == wanted or sorted(got) != sorted(wanted):
                break
            print(f"   {name}: not in order, so it is sent again")
            sender = again()
            wait_for(lambda: len(b"".join(phone.bodies(sender))) >= len(wanted))
        self.check(name, b"".join(phone.bodies(sender)), wanted)

    def barrier(self):
        """Sends an SMS to bob. Once it has arrived, everything that was in the spool before has been dealt with."""
        sender = self.number()
        self.post({"To": BOB, "From": sender, "Body": "barrier"})
        self.check("a later SMS arrives", wait_for(lambda: self.phones["bob"].bodies(sender)), True)
        self.check("the spool is empty", wait_for(lambda: not self.pbx.calls()), True)


def shown(value):
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:300]}… {text[-90:]} ({len(text)})"


# ---- The trap ----------------------------------------------------------------------------------


def the_trap_snaps(t):
    """The trap for forbidden commands works: they leave a mark when something else runs them."""
    t.phones["dave"].send("trap", b"x")
    t.check("an AGI program's EXEC runs", wait_for(lambda: "agi" in t.pbx.canaries()), True)
    wait_for(lambda: t.pbx.seen("trap"))
    t.pbx.write("spool/outgoing/trap.call", f"Channel: Local/+12@websms-open\nApplication: System\nData: touch {t.pbx.folder}/canary/call\n")
    t.check("a call file's Application runs", wait_for(lambda: "call" in t.pbx.canaries()), True)


def nothing_snapped(t):
    t.check("files that only a command of a stranger's could have made", t.pbx.canaries(), ["agi", "call"])


# ---- Outbound ----------------------------------------------------------------------------------


def outbound_texts(t):
    """The ITSP gets exactly what the phone sent, and the dialplan hears of it."""
    texts = {**TEXTS, **hostile(t.canary()), "1,023 bytes": "a" * 1022 + ".", "1,022 bytes": "é" * 511}
    # A provider refuses a text of blanks, which has a row of its own.
    del texts["blanks only"]
    sent = {name: t.number() for name in texts}
    for name, number in sent.items():
        t.phones["dave"].send(number, texts[name].encode())
    wait_for(lambda: all(t.pbx.seen(number) for number in sent.values()))
    for name, number in sent.items():
        t.check(f"text out, {name}", t.itsp.bodies(number.encode()), [texts[name].encode()])
        t.check(f"status, {name}", t.pbx.seen(number), SENT)


def outbound_bytes(t):
    """Texts with bytes that are not UTF-8, and with characters that Asterisk itself removes."""
    for name, sent, wanted in [
        ("latin-1", b"caf\xe9", b"caf\xe9"),
        ("broken UTF-8", b"a\xff\xc3(b", b"a\xff\xc3(b"),
        ("a newline at the end goes", b"x\r\n", b"x"),
        ("all from a NUL on goes", b"x\x00y", b"x"),
    ]:
        number = t.number()
        t.out(number, sent)
        t.check(name, t.itsp.bodies(number.encode()), [wanted])
    for name, sent in [("no text", b""), ("1,024 bytes", b"a" * 1024), ("1,600 characters", LONG["ascii, 1,600"].encode())]:
        number = t.number()
        agi, status, identifier, reason = t.out(number, sent)
        t.check(name, (agi, status, identifier), ("FAILURE", "INVALID", ""))
        t.check(f"{name}: the reason tells of the limit", "1023" in reason, True)
        t.check(f"{name}: nothing sent", t.itsp.bodies(number.encode()), [])
    number = t.number()
    chatter = b'<?xml version="1.0"?>\n<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state></isComposing>'
    t.check("machine chatter", t.out(number, chatter)[:2], ("SUCCESS", "IGNORED"))
    t.check("machine chatter is not sent", t.itsp.bodies(number.encode()), [])


def outbound_verdicts(t):
    """AGISTATUS and the variables for each end; the phone hears of a failure."""
    t.itsp.answers.update({
        b"+13010000001": (403, b'{"status":"success","id":"m-2"}'),
        b"+13010000002": (200, b'{"status":"error"}'),
        b"+13010000003": (200, b'{"status":"success","id":"x\\nEXEC System \\"touch /canary\\""}'),
        b"+13010000004": (400, f'200 result=1\nEXEC System "touch {t.canary()}"\n'.encode()),
        b"+13010000005": (503, b""),
        b"+13010000006": (302, b""),
    })
    for number, wanted in {
        "+13010000001": ("FAILURE", "FAILED", "", "provider answered 403: success; there is no queue"),
        "+13010000002": ("FAILURE", "REFUSED", "", "provider answered 200, response_check does not hold: error"),
        "+13010000003": ("SUCCESS", "SENT", "", "provider answered 200"),
        "+13010000004": ("FAILURE", "REFUSED", "", "provider answered 400"),
        "+13010000006": ("FAILURE", "REFUSED", "", "provider answered 302, redirects are refused"),
    }.items():
        t.check(f"verdict {number}", t.out(number, b"verdict"), wanted)
    t.check("an answer of later", t.out("+13010000005", b"verdict")[:3], ("FAILURE", "FAILED", ""))
    phone = t.phones["alice"]
    for number, wanted in [("+13010000004", b"Your SMS was not sent: REFUSED provider answered 400"), ("+13010000005", b"Your SMS was not sent: FAILED ")]:
        call = phone.send(number, b"verdict")
        t.check(f"the phone is told, {number}", wait_for(lambda: any(body.startswith(wanted) for body in phone.bodies(number))), True)
        wait_for(lambda: call in phone.answers)
        t.check("it had its 202", phone.answers.get(call), 202)
    number = t.number()
    phone.send(number, b"good", '"Alice, \\"Ek\\""')
    t.check("the phone's number is the sender", wait_for(lambda: (number.encode(), ALICE.encode(), b"good") in t.itsp.received), True)
    t.check("a phone is told nothing of a success", phone.bodies(number), [])


def outbound_down(t):
    """The ITSP is down, then there again."""
    port = free_port()
    t.configure(itsp=port)
    number = t.number()
    t.check("nobody listens", t.out(number, b"down")[:3], ("FAILURE", "FAILED", ""))
    t.configure()
    number = t.number()
    t.check("it is back", t.out(number, b"up")[:2], ("SUCCESS", "SENT"))


def outbound_numbers(t):
    """Extensions and senders by which somebody might reach more than a number."""
    canary = t.canary()
    start, meant = len(t.itsp.received), [b"+12025550184"]
    for name, number in {
        "several recipients": "+12025550183,+19005550100",
        "a function": f"+1${{SHELL(touch {canary})}}",
        "a quotation mark": '+1",--help,"',
        "an option": "1 -c /etc/passwd",
        "65 characters": "+" + "1" * 64,
        "a newline": "+12\nEXEC System x",
        "a path": "+1/../../x",
    }.items():
        before = len(t.itsp.received)
        escaped = urllib.parse.quote(number, safe="+")
        call = t.phones["dave"].send(escaped, b"number")
        t.check(f"to, {name}: taken", wait_for(lambda: call in t.phones["dave"].answers), True)
        after = t.number()
        meant.append(after.encode())
        t.out(after, b"after")
        t.check(f"to, {name}: not sent", len(t.itsp.received) - before, 1)
    # In angle brackets stands an address, and the last one counts: one recipient, never two.
    before = len(t.itsp.received)
    t.phones["dave"].send(urllib.parse.quote("+12025550183<+12025550184>", safe="+"), b"address")
    # Asterisk lets messages of one phone overtake each other until they are in its queue.
    wait_for(lambda: len(t.itsp.received) > before)
    t.check("to, an address", [to for to, _, _ in t.itsp.received[before:]], [b"+12025550184"])
    meant.append(t.number().encode())
    t.out(meant[-1].decode(), b"after")
    t.check("to, nobody else", sorted(to for to, _, _ in t.itsp.received[start:]), sorted(meant))
    for name, display in {
        "function": f'"${{SHELL(touch {canary})}}"',
        "command": f'"x; touch {canary}"',
        "another address": '"<sip:+19005550100@127.0.0.1>"',
        "comma": '"Ek, Alice"',
        "quotation marks": '"\\"a\\" \\\\ \\"b"',
        "letters": '"Ærø Ñ"',
        "long": '"' + "x" * 200 + '"',
    }.items():
        number = t.number()
        t.phones["alice"].send(number, b"name", display)
        t.check(f"from, {name}", wait_for(lambda: (number.encode(), ALICE.encode(), b"name") in t.itsp.received), True)
        number = t.number()
        t.check(f"from without a number, {name}", t.out(number, b"name", "dave", display)[1], "SENT")
        t.check(f"sender without a number, {name}", (number.encode(), b"dave", b"name") in t.itsp.received, True)


def outbound_slow(t):
    """An ITSP that does not answer holds up other phones' messages no longer than the timeout."""
    slow, next_one = t.number(), t.number()
    t.itsp.delays[slow.encode()] = 60
    t.configure(timeout=SHORT_TIMEOUT)
    start = time.monotonic()
    t.phones["dave"].send(slow, b"slow")
    wait_for(lambda: t.itsp.bodies(slow.encode()))
    t.phones["bob"].send(next_one, b"next")
    arrived = wait_for(lambda: t.itsp.bodies(next_one.encode()))
    took = time.monotonic() - start
    t.check("the next phone's message arrives", arrived, True)
    # The ITSP would answer after a minute; a busy machine needs some seconds to start and end a program.
    t.check(f"long before the ITSP's answer ({took:.2f} s)", took < 10 * SHORT_TIMEOUT, True)
    wait_for(lambda: t.pbx.seen(slow))
    t.check("the slow one has failed", (t.pbx.seen(slow) or ())[:2], ("FAILURE", "FAILED"))
    print(f"   held up for {took:.2f} s with timeout = {SHORT_TIMEOUT}")
    t.configure()


def outbound_missing(t):
    """Runs last of its kind, because Asterisk 16 mixes up the status of runs that come after one of these."""
    t.phones["dave"].send("missing", b"x")
    wait_for(lambda: t.pbx.seen("missing"))
    t.check("AGISTATUS of a program that is not there", (t.pbx.seen("missing") or ())[:1], ("NOTFOUND",))


# ---- Inbound -----------------------------------------------------------------------------------


def inbound_texts(t):
    """The phone gets exactly what the webhook held; of several parts, in their order."""
    texts = {**TEXTS, **LONG, **hostile(t.canary()), "newline at the end": "x\n", "empty": ""}
    phone = t.phones["alice"]

    def post(name):
        number = t.number()
        t.check(f"webhook, {name}", t.post({"To": ALICE, "From": number, "Body": texts[name]}), 200)
        return number

    sent = {name: post(name) for name in texts}

    def arrived(name):
        return len(phone.bodies(sent[name])) > 0 and len(b"".join(phone.bodies(sent[name]))) >= len(texts[name].encode())

    wait_for(lambda: all(arrived(name) for name in texts))
    parts = 0
    for name, number in sent.items():
        bodies = phone.bodies(number)
        parts += len(bodies)
        t.arrives(f"text in, {name}", phone, number, texts[name], lambda: post(name))
        if name not in LONG:
            t.check(f"one message, {name}", len(bodies), 1)
    for name, several in {"ascii, 1,000": False, "ascii, 1,600": True, "cjk, 333": False, "cjk, 334": True, "cjk, 1,000": True}.items():
        t.check(f"in several parts, {name}", len(phone.bodies(sent[name])) > 1, several)
    print(f"   {len(texts)} texts in {parts} messages")


def inbound_formats(t):
    """One text arrives by other kinds of webhook."""
    phone, text = t.phones["alice"], TEXTS["emoji with joiners"] + ' "x", ;#% \\ ${EXTEN}\n.'
    import json
    boundary = "b0undary"
    for name, kind, body in [
        ("json", "application/json", lambda f: json.dumps(f)),
        ("json, raw", "application/json", lambda f: json.dumps(f, ensure_ascii=False)),
        ("multipart", f"multipart/form-data; boundary={boundary}", lambda f: "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in f.items()) + f"--{boundary}--\r\n"),
        ("latin-1", FORM + "; charset=ISO-8859-1", lambda f: urllib.parse.urlencode({**f, "Body": "café ÄÖ"}, encoding="latin-1")),
    ]:
        number = t.number()
        wanted = "café ÄÖ" if name == "latin-1" else text
        t.check(f"webhook, {name}", t.post(None, body({"To": ALICE, "From": number, "Body": text}).encode(), kind), 200)
        wait_for(lambda: phone.bodies(number))
        t.check(f"text in, {name}", phone.bodies(number), [wanted.encode()])


def inbound_hostile(t):
    """Numbers and senders that want to be more."""
    canary = t.canary()
    before = len(t.phones["alice"].received)
    for name, to in {
        "newline": f"{ALICE}\nApplication: System\nData: touch {canary}",
        "context": f"{ALICE}@websms-out", "options": f"{ALICE}/n", "path": "../../x", "absolute": "/etc/passwd",
        "function": f"${{SHELL(touch {canary})}}", "several": f"{ALICE}&{BOB}", "comma": f"{ALICE},{BOB}",
        "start": "s", "hangup": "h", "invalid": "i", "timeout": "t", "empty": "", "long": "+" + "1" * 64,
        "bytes": "\u0661\u0662", "header": f"{ALICE}>;x=y", "semicolon": f"{ALICE};",
    }.items():
        t.check(f"to, {name}", t.post({"To": to, "From": "+1501", "Body": "x"}), 422)
    t.barrier()
    t.check("alice has got nothing", len(t.phones["alice"].received) - before, 0)
    senders = {
        "application": f"+1>\nApplication: System\nData: touch {canary}",
        "setvar": f"+1\nSetvar: A=1\nApplication: System\nData: touch {canary}",
        "carriage return": f"+1\rApplication: System\rData: touch {canary}",
        "quote": '"x" <sip:+19@evil>', "function": "${SHELL(id)}", "comma": "a,b", "semicolon": "a;b=c#d",
        "at": "a@b@c", "name": "Bank ID", "number": "+15017122661", "ampersand": "B&Q", "apostrophe": "O'Neil", "letters": "Ærø", "percent": "%41%0a",
    }
    for name, sender in senders.items():
        text = f"from {name}"
        status = t.post({"To": ALICE, "From": sender, "Body": text})
        t.check(f"from, {name}: answer", status in (200, 422), True)
        if status == 200:
            arrived = wait_for(lambda: text.encode() in t.phones["alice"].bodies())
            t.check(f"from, {name}: arrives", arrived, True)
    users = {body.decode(): user for user, body in t.phones["alice"].received if body.startswith(b"from ")}
    t.check("a name with a blank", users.get("from name"), "Bank%20ID")
    t.check("a name with an ampersand", users.get("from ampersand"), "B&Q")
    t.check("a name with an apostrophe", users.get("from apostrophe"), "O'Neil")
    t.check("a name with two at signs", users.get("from at"), "a%40b%40c")
    t.check("a number", users.get("from number"), "+15017122661")
    for field in ("To", "From", "Body"):
        fields = {"To": ALICE, "From": "+1501", "Body": "x"}
        del fields[field]
        t.check(f"without {field}", t.post(fields), 422)
    t.barrier()


def notices(t):
    """A notice of ours reaches the phone as an SMS does, and goes to no provider, whatever sends it on."""
    def call(number, notice):
        t.pbx.write(f"spool/outgoing/{number}.call", f"Channel: Local/{BOB}@websms-open\nContext: websms-out\nExtension: {number}\nPriority: 1\n"
                    f"setvar: MESSAGE(to)={number}\nsetvar: MESSAGE(from)={ALICE}\nsetvar: MESSAGE(body)=sent on\n{notice}")

    notice, other = t.number(), t.number()
    call(notice, "setvar: WEBSMS_NOTICE=1\n")
    t.check("a notice that is sent on ends", wait_for(lambda: not t.pbx.calls()), True)
    # Without that line the SMS goes out, so the line alone keeps it.
    call(other, "")
    t.check("another SMS goes on", wait_for(lambda: t.itsp.bodies(other.encode())), True)
    t.check("a notice goes to no provider", t.itsp.bodies(notice.encode()), [])

    def flush():
        return subprocess.run(t.pbx.inside([f"{t.pbx.folder}/agi/websms", "--flush", "-c", f"{t.pbx.folder}/websms.conf"]), capture_output=True).returncode

    phone, refused = t.phones["alice"], t.number()
    t.itsp.answers[refused.encode()] = (400, b"")
    t.configure(queue=f"{t.pbx.folder}/notices\nfirst = yes\nnotify = yes")
    t.check("nothing waits yet", flush(), 0)
    phone.send(refused, b"a word of mine")
    queued = f"{t.pbx.outside}/notices/queue/new"
    t.check("it waits", wait_for(lambda: os.path.isdir(queued) and os.listdir(queued)), True)
    # The run that queued it may hold the queue for a moment longer; then a flush ends with 75.
    t.check("all of it is tried", wait_for(lambda: flush() == 0), True)
    wanted = [b"Your SMS to this number was refused and not sent."]
    t.check("who sent it is told", wait_for(lambda: phone.bodies(refused) == wanted), True)
    t.barrier()
    t.check("once", phone.bodies(refused), wanted)
    t.check("one request was made of it", len(t.itsp.bodies(refused.encode())), 1)
    t.configure()


def reports(t):
    """A provider takes an SMS and says later that it is not delivered: the phone that sent it is told why."""
    phone, lost, arrives = t.phones["alice"], t.number(), t.number()
    t.itsp.answers[lost.encode()] = (201, b'{"status":"success","id":"SM1"}')
    t.itsp.answers[arrives.encode()] = (201, b'{"status":"success","id":"SM2"}')
    # Another folder than that of the notices, so that alice has not had one lately.
    t.configure(
        queue=f"{t.pbx.folder}/reports\nreports = yes\nnotify = yes",
        websms="dlr_static = 'StatusCallback={hook}'",
        websmsd="accept_if = 'MessageStatus='\nurl_path = /hook\npublic_url = https://sms.example.com\n"
                "dlr_id = MessageSid\ndlr_status = MessageStatus\ndlr_reason = ErrorCode\ndlr_delivered = delivered\n"
                "dlr_failed = 'failed,undelivered'\ndlr_reasons = '30034=sender not registered'")
    t.reload()
    for number in (lost, arrives):
        phone.send(number, b"a word of mine")
        t.check("the dialplan hears that it was sent", wait_for(lambda: t.itsp.bodies(number.encode())), True)
    remembered = f"{t.pbx.outside}/reports/sent/sms"
    t.check("both are remembered", wait_for(lambda: os.path.exists(remembered) and open(remembered).read().count("\nsms\t") == 2), True)
    report = {"MessageSid": "SM1", "SmsSid": "SM1", "AccountSid": "AC1", "From": ALICE, "To": lost, "ApiVersion": "2010-04-01"}
    for status, code in [("sent", {}), ("undelivered", {"ErrorCode": "30034"}), ("undelivered", {"ErrorCode": "30034"})]:
        t.check(f"the report is acknowledged, {status}", t.post({**report, "MessageStatus": status, "SmsStatus": status, **code}), 200)
    t.check("the other report is acknowledged", t.post({**report, "MessageSid": "SM2", "To": arrives, "MessageStatus": "delivered"}), 200)
    wanted = [f"Your SMS to {lost} was not delivered: sender not registered (30034).".encode()]
    t.check("who sent it is told", wait_for(lambda: phone.bodies(lost) == wanted), True)
    t.barrier()
    t.check("once", phone.bodies(lost), wanted)
    t.check("what arrived is not told", phone.bodies(arrives), [])
    t.check("no report is an SMS", [body for body in phone.bodies(ALICE) if body], [])
    t.configure()
    t.reload()


def inbound_polled(t):
    """An SMS that the provider lists reaches the phone, and the same one by webhook later does not."""
    phone, first, second = t.phones["alice"], t.number(), t.number()

    def sms(number, text):
        return {"id": f"id-{number}", "To": ALICE, "From": number, "Body": text}

    t.itsp.listed[:] = [sms(t.number(), "before")]
    t.configure(queue=f"{t.pbx.folder}/state", websmsd="poll = 10s\npoll_path = /list\nkey_id = id\npermit_addr = 127.0.0.1\nproxy_addr =\n")
    t.reload()
    t.check("what was there is noted", wait_for(lambda: "first poll: 1 SMS" in t.pbx.log("websmsd.out")), True)
    t.itsp.listed.insert(0, sms(first, "asked for"))
    t.check("it reaches the phone", wait_for(lambda: phone.bodies(first) == [b"asked for"], 60), True)
    t.check("its webhook later", t.post(sms(first, "asked for")), 200)
    t.check("another's webhook first", t.post(sms(second, "brought")), 200)
    t.check("it reaches the phone, too", wait_for(lambda: phone.bodies(second) == [b"brought"]), True)
    t.itsp.listed.insert(0, sms(second, "brought"))
    known = f"{t.pbx.outside}/state/poll/interface-/known"
    t.check("the list is read", wait_for(lambda: open(known).read().count("id ") == 3, 60), True)
    t.barrier()
    t.check("each came once", (phone.bodies(first), phone.bodies(second)), ([b"asked for"], [b"brought"]))
    t.itsp.listed.clear()
    t.configure()
    t.reload()


def inbound_logs(t):
    """websmsd's log holds no text."""
    log = t.pbx.log("websmsd.out")
    t.check("websmsd has written a log", ALICE in log, True)
    for word in ("Incoming message!", "not a comment", "EXEC System", "s3cr3t"):
        t.check(f"{word} in websmsd's log", word in log, False)
    t.check("Asterisk has skipped no line of a call file", [line for line in t.pbx.log().splitlines() if "too long" in line.lower() or "Syntax error" in line], [])
    t.check("no header of a message was broken", [line for line in t.pbx.log().splitlines() if "syntax error" in line or "not a valid SIP" in line], [])


def selftest(t):
    """websmsd --selftest distinguishes an Asterisk that reads the spool from one that reads another folder."""
    def run(conf):
        # It looks for Asterisk's process in /proc, which that root has not.
        command = t.pbx.inside([f"{t.pbx.folder}/agi/websms", "websmsd", "--selftest", "--json", "-c", f"{t.pbx.folder}/{conf}"])
        ran = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind /proc "$0" && exec "$@"', f"{t.pbx.root}/proc", *command], capture_output=True, text=True)
        steps = {step["name"]: step for step in json.loads(ran.stdout)["steps"]}
        return ran.returncode, {name: steps[name]["result"] for name in wanted}, steps["asterisk"]["remedy"]

    wanted = {name: "ok" for name in ("clock", "listen", "spool", "permissions", "asterisk", "sample")}
    t.check("self-test: all holds", run("websms.conf"), (0, wanted, ""))
    # pbx_spool.so cannot be unloaded; a folder that it does not read looks the same from outside.
    other = f"{t.pbx.outside}/spool/other"
    os.mkdir(other)
    os.chown(other, t.pbx.uid, t.pbx.gid)
    conf = open(f"{t.pbx.outside}/websms.conf").read()
    t.pbx.write("other.conf", conf.replace("/spool/outgoing", "/spool/other"))
    code, results, remedy = run("other.conf")
    t.check("self-test, another folder", (code, results), (1, wanted | {"asterisk": "fail"}))
    t.check("self-test, another folder: remedy", "pbx_spool.so" in remedy and "astspooldir" in remedy, True)
    t.check("its call file is removed", os.listdir(other), [])
    t.barrier()


# ---- The whole ---------------------------------------------------------------------------------


PARTS = [
    ("the trap snaps", the_trap_snaps),
    ("outbound, texts", outbound_texts),
    ("outbound, bytes and limits", outbound_bytes),
    ("outbound, verdicts", outbound_verdicts),
    ("outbound, provider down", outbound_down),
    ("outbound, numbers", outbound_numbers),
    ("outbound, provider slow", outbound_slow),
    ("inbound, texts", inbound_texts),
    ("inbound, formats", inbound_formats),
    ("inbound, hostile", inbound_hostile),
    ("inbound, asked for", inbound_polled),
    *lasthop.PARTS,
    *inbox.PARTS,
    ("notices", notices),
    ("delivery reports", reports),
    ("inbound, log", inbound_logs),
    ("self-test", selftest),
    ("outbound, program missing", outbound_missing),
    ("nothing else has snapped", nothing_snapped),
]


def main(root, binary):
    start = time.monotonic()
    itsp = Itsp()
    pbx = Pbx(root, binary)
    t = None
    try:
        accounts = {**ACCOUNTS, **lasthop.accounts(pbx.version)}
        phones = {name: Phone(name, pbx.sip_port) for name in accounts}
        phones[lasthop.TOO] = Phone(lasthop.TWICE, pbx.sip_port)
        t = Checks(pbx, itsp, phones)
        t.configure()
        if not pbx.start(accounts, {name: phone.port for name, phone in phones.items()}):
            print(pbx.log("asterisk.out"), pbx.log())
            raise SystemExit("Asterisk has not come up")
        print(pbx.cli("core show version").strip())
        for name, number in {"alice": ALICE, "bob": BOB, **lasthop.NUMBERS}.items():
            pbx.cli(f"database put websms-number {name} {number}")
            pbx.cli(f"database put websms-phone {number} {name}")
        t.websmsd = pbx.spawn("websmsd", [f"{pbx.folder}/agi/websms", "websmsd", "-v"])
        for name, run in PARTS:
            t.part(name, run)
        t.check("websmsd still runs", t.websmsd.poll(), None)
        if t.failed:
            print("\n".join(line for line in pbx.log().splitlines() if "WARNING" in line or "ERROR" in line)[-4000:])
    finally:
        pbx.stop()
    for name in t.missed:
        print(f"!! did not hold: {name}")
    print(f"-- real Asterisk: {t.passed} held, {t.failed} did not, {time.monotonic() - start:.0f} s")
    return 1 if t.failed or not t.passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
