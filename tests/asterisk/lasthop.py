"""Checks the last hop: an SMS gets from its call file to the phone, by the sample dialplan.

Each part below is a function of `Checks`. All of them count what each phone got: an SMS that waits must come
once, and one that was sent must not come again.
"""

import re
from collections import Counter

from pbx import Account
from phone import PATIENCE, wait_for
from texts import LONG, TEXTS, hostile

UNREGISTERED, QUALIFIED, UNQUALIFIED, STRICT, TWICE = "erin", "gina", "hugo", "iris", "frank"
TOO = "frank too"  # another phone of the account TWICE
NUMBERS = {name: f"+1202555017{n}" for n, name in enumerate((UNREGISTERED, QUALIFIED, UNQUALIFIED, STRICT, TWICE))}
QUALIFY = "qualify_frequency = 3\nqualify_timeout = 3.0\n"
BURST = 100


def accounts(version):
    """Returns the accounts of these phones, for an Asterisk of that version."""
    strict = {STRICT: Account(places=1, qualify=QUALIFY + "qualify_2xx_only = yes\n")}
    return {
        UNREGISTERED: Account(places=1),
        UNQUALIFIED: Account(places=1),
        QUALIFIED: Account(places=1, qualify=QUALIFY),
        TWICE: Account(places=2, qualify=QUALIFY),
        **(strict if version >= 22 else {}),
    }


# ---- What the parts have in common -------------------------------------------------------------


def register(t, row, phone, seconds=3600):
    call = phone.register(seconds)
    wait_for(lambda: call in phone.answers)
    t.check(f"{row}: Asterisk takes the registration", phone.answers.get(call), 200)


def has_status(t, row, phone, wanted):
    """Waits until Asterisk has that status of a phone."""
    t.check(f"{row}: Asterisk has the status {wanted}", wait_for(lambda: t.pbx.contact_status(phone) == wanted), True)


def go_away(t, row, phone):
    register(t, row, phone, 0)
    has_status(t, row, phone, None)


def post(t, row, name, text):
    """Posts an SMS for the phones of an account and returns its sender."""
    sender = t.number()
    t.check(f"{row}: taken", t.post({"To": NUMBERS[name], "From": sender, "Body": text}), 200)
    return sender


def is_tried(t, row, name, times=2):
    """Waits until so many more tries for an account have found nobody there."""
    def tries():
        return len(re.findall(rf"Ext\. (\S+): SMS for \1 waits: {name} is away", t.pbx.log()))

    wanted = tries() + times
    t.check(f"{row}: tried again and again", wait_for(lambda: tries() >= wanted), True)
    t.check(f"{row}: still kept", t.pbx.calls() != [], True)


def comes_once(t, row, sender, wanted):
    """`wanted` lists phones with what each must have from `sender` in the end, when nothing waits any more."""
    for phone, text in wanted:
        if text:
            t.check(f"{row}: handed over", wait_for(lambda: phone.bodies(sender)), True)
    t.check(f"{row}: nothing is kept", wait_for(lambda: not t.pbx.calls()), True)
    t.barrier()
    for phone, text in wanted:
        t.check(f"{row}: once", phone.bodies(sender), [text.encode()] if text else [])


# ---- The parts ---------------------------------------------------------------------------------


def phone_away(t):
    """Asterisk keeps what comes for a phone that is away, and hands it over when the phone is back."""
    phone = t.phones[UNREGISTERED]
    for row in ("never seen", "gone again"):
        sender = post(t, row, UNREGISTERED, row)
        is_tried(t, row, UNREGISTERED, 3)
        t.check(f"{row}: not handed over", phone.bodies(sender), [])
        register(t, row, phone)
        comes_once(t, row, sender, [(phone, row)])
        go_away(t, row, phone)


def given_up(t):
    """After the last try the SMS is gone, and Asterisk's log has the words that operating.md promises."""
    row = "given up"
    sender = post(t, row, UNREGISTERED, row)
    words = f"Local/{NUMBERS[UNREGISTERED]}@websms-open expired without completion"
    t.check(f"{row}: Asterisk says so", wait_for(lambda: words in t.pbx.log()), True)
    comes_once(t, row, sender, [(t.phones[UNREGISTERED], None)])


def two_places(t):
    """An SMS goes to each phone of an account that is there, and to no other."""
    pair = t.phones[TWICE], t.phones[TOO]
    pair[1].contact = f"sip:frank&co,(x)@127.0.0.1:{pair[1].port};ob"
    for phone in pair:
        register(t, "two places", phone)
    for phone in pair:
        has_status(t, "two places", phone, "Avail")
    comes_once(t, "both there", post(t, "both there", TWICE, "both"), [(phone, "both") for phone in pair])
    # Once each: Asterisk itself would take the first of its list, be it there or not.
    for row, (gone, there) in {"one gone": pair, "the other gone": pair[::-1]}.items():
        gone.silent = True
        has_status(t, row, gone, "Unavail")
        sender = post(t, row, TWICE, row)
        comes_once(t, row, sender, [(there, row), (gone, None)])
        gone.silent = False
        has_status(t, row, gone, "Avail")
        t.check(f"{row}: nothing comes later", gone.bodies(sender), [])
    row = "both gone, one back"
    for phone in pair:
        phone.silent = True
    for phone in pair:
        has_status(t, row, phone, "Unavail")
    sender = post(t, row, TWICE, row)
    is_tried(t, row, TWICE)
    pair[1].silent = False
    comes_once(t, row, sender, [(pair[1], row), (pair[0], None)])


def silent(t):
    """A phone that went away without a word: kept where Asterisk asks for it, sent into the void where not."""
    phone, row = t.phones[QUALIFIED], "silent, with qualify"
    register(t, row, phone)
    has_status(t, row, phone, "Avail")
    phone.silent = True
    has_status(t, row, phone, "Unavail")
    sender = post(t, row, QUALIFIED, row)
    is_tried(t, row, QUALIFIED)
    phone.silent = False
    comes_once(t, row, sender, [(phone, row)])

    phone, row = t.phones[UNQUALIFIED], "silent, without qualify"
    register(t, row, phone)
    has_status(t, row, phone, "NonQual")
    phone.silent = True
    sender = post(t, row, UNQUALIFIED, row)
    t.check(f"{row}: not kept", wait_for(lambda: not t.pbx.calls()), True)
    t.check(f"{row}: nobody had it", phone.bodies(sender), [])
    # SIP repeats a request over UDP for 32 s.
    phone.silent = False
    comes_once(t, row, sender, [(phone, row)])


def refused(t):
    """Asterisk ignores a phone's answer to the SMS itself."""
    phone, row = t.phones[QUALIFIED], "480"
    has_status(t, row, phone, "Avail")
    phone.statuses["MESSAGE"] = "480 Temporarily Unavailable"
    sender = post(t, row, QUALIFIED, row)
    t.check(f"{row}: the phone was asked", wait_for(lambda: phone.refused), True)
    t.check(f"{row}: not kept", wait_for(lambda: not t.pbx.calls()), True)
    phone.statuses.clear()
    t.barrier()
    t.check(f"{row}: asked once", phone.refused, [(sender, row.encode())])
    t.check(f"{row}: lost", phone.bodies(sender), [])
    if STRICT not in t.phones:
        return
    phone, row = t.phones[STRICT], "480 to OPTIONS too"
    phone.statuses.update(dict.fromkeys(("MESSAGE", "OPTIONS"), "480 Temporarily Unavailable"))
    register(t, row, phone)
    has_status(t, row, phone, "Unavail")
    sender = post(t, row, STRICT, row)
    is_tried(t, row, STRICT)
    phone.statuses.clear()
    comes_once(t, row, sender, [(phone, row)])
    t.check(f"{row}: not asked before", phone.refused, [])


def unknown_number(t):
    """A number that no phone has holds up nothing, unless the operator wants its SMS to wait."""
    def warnings(number, choice):
        return t.pbx.log().count(f"Ext. {number}: SMS for {number}: no phone has this number ({choice})")

    # Every number that websmsd accepts is an extension of the sample, even one of a single character.
    for number in (t.number(), "5", "b", "T2", "+", ".", ".5", "-7", "x-"):
        row = f"unknown number {number}"
        before = warnings(number, "drop")
        t.check(f"{row}: taken", t.post({"To": number, "From": t.number(), "Body": row}), 200)
        t.check(f"{row}: dropped", wait_for(lambda: not t.pbx.calls()), True)
        t.barrier()
        t.check(f"{row}: one warning", warnings(number, "drop") - before, 1)

    def choose(sample, choice):
        t.pbx.write("etc/extensions.websms.conf", sample)
        t.pbx.cli("dialplan reload")
        t.check(f"the operator chooses {choice}", wait_for(lambda: f"UNKNOWN={choice}" in t.pbx.cli("dialplan show websms-open")), True)

    choose(t.pbx.sample.replace("UNKNOWN=drop", "UNKNOWN=keep"), "keep")
    row, number, sender = "unknown number, kept", t.number(), t.number()
    t.check(f"{row}: taken", t.post({"To": number, "From": sender, "Body": row}), 200)
    t.check(f"{row}: tried again and again", wait_for(lambda: warnings(number, "keep") >= 3), True)
    t.check(f"{row}: still kept", len(t.pbx.calls()), 1)
    t.pbx.cli(f"database put websms-phone {number} alice")
    comes_once(t, row, sender, [(t.phones["alice"], row)])
    choose(t.pbx.sample, "drop")

    row, number, sender = "a phone that pjsip.conf does not have", t.number(), t.number()
    t.pbx.cli(f"database put websms-phone {number} nobody")
    t.check(f"{row}: taken", t.post({"To": number, "From": sender, "Body": row}), 200)
    is_tried(t, row, "nobody")
    t.pbx.cli(f"database put websms-phone {number} alice")
    comes_once(t, row, sender, [(t.phones["alice"], row)])


def bursts(t):
    """Many SMS at once for a phone that is there, and for one that comes back: all of them, none twice."""
    def burst(row, name, phone, meanwhile):
        sender, texts = t.number(), [f"{row} {n}" for n in range(BURST)]
        statuses = Counter(t.post({"To": NUMBERS[name], "From": sender, "Body": text}) for text in texts)
        t.check(f"{row}: taken", statuses, {200: BURST})
        meanwhile(row)
        t.check(f"{row}: all come", wait_for(lambda: len(phone.bodies(sender)) >= BURST, 2 * PATIENCE), True)
        t.check(f"{row}: nothing is kept", wait_for(lambda: not t.pbx.calls(), 2 * PATIENCE), True)
        t.barrier()
        t.check(f"{row}: none twice", Counter(phone.bodies(sender)), Counter(text.encode() for text in texts))

    def come_back(row):
        is_tried(t, row, UNREGISTERED, 3)
        register(t, row, t.phones[UNREGISTERED])

    burst("burst, there", UNQUALIFIED, t.phones[UNQUALIFIED], lambda row: None)
    burst("burst, away", UNREGISTERED, t.phones[UNREGISTERED], come_back)
    go_away(t, "burst, away", t.phones[UNREGISTERED])


def restarted(t):
    """SMS that wait when Asterisk ends, and SMS that come until it is back, are delivered."""
    away, there = t.phones[UNREGISTERED], t.phones[QUALIFIED]
    has_status(t, "restart", there, "Avail")
    waiting = post(t, "restart, waiting", UNREGISTERED, "waiting")
    is_tried(t, "restart, waiting", UNREGISTERED)
    t.check("Asterisk ends", t.pbx.halt(), 0)
    meanwhile = post(t, "restart, meanwhile", QUALIFIED, "meanwhile")
    t.check("Asterisk starts", t.pbx.boot(), True)
    t.check("restart, meanwhile: handed over", wait_for(lambda: there.bodies(meanwhile)), True)
    is_tried(t, "restart, waiting", UNREGISTERED)
    register(t, "restart, waiting", away)
    comes_once(t, "restart, waiting", waiting, [(away, "waiting")])
    t.check("restart, meanwhile: once", there.bodies(meanwhile), [b"meanwhile"])
    go_away(t, "restart", away)


def old_dialplan(t):
    """A dialplan that answers first and sends then works as it always has."""
    texts = {**TEXTS, **hostile(t.canary()), "long": LONG["mixed, 3,000"]}
    phone = t.phones["alice"]

    def post_old(name):
        sender = t.number()
        t.check(f"old dialplan, {name}: taken", t.post({"To": "+12025550160", "From": sender, "Body": texts[name]}), 200)
        return sender

    for name, sender in {name: post_old(name) for name in texts}.items():
        wait_for(lambda: len(b"".join(phone.bodies(sender))) >= len(texts[name].encode()))
        t.arrives(f"old dialplan, {name}", phone, sender, texts[name], lambda: post_old(name))
    row, phone = "old dialplan, away", t.phones[UNREGISTERED]
    sender = post(t, row, UNREGISTERED, row)
    t.check(f"{row}: sent to nobody", wait_for(lambda: f"SENT {NUMBERS[UNREGISTERED]} FAILURE" in t.pbx.log()), True)
    comes_once(t, row, sender, [(phone, None)])


def quiet_log(t):
    """Asterisk calls the extension `failed` after each try, and warns of nothing that was not meant."""
    log = t.pbx.log()
    t.check("tries have failed", "Executing [failed@websms-in:1]" in log, True)
    t.check("`failed` is no number", log.count("Ext. failed:"), 0)
    warnings = re.findall(r"WARNING\[\S+ Ext\. (?:.*)", log)
    meant = re.compile(r"SMS from |SMS for \S+: no phone has this number ")
    t.check("no other warning of the sample", [line for line in warnings if not meant.search(line)], [])


def with_tries(run, more=""):
    """Runs the part while Asterisk tries again; `more` are lines of [astqueue]."""
    def part(t):
        with t.tries(more):
            run(t)
    return part


PARTS = [
    ("last hop, phone away", with_tries(phone_away)),
    ("last hop, given up", with_tries(given_up, "maxretries = 1\n")),
    ("last hop, two places", with_tries(two_places)),
    ("last hop, silent", with_tries(silent)),
    ("last hop, refused", with_tries(refused)),
    ("last hop, unknown number", with_tries(unknown_number)),
    ("last hop, bursts", with_tries(bursts)),
    ("last hop, Asterisk restarted", with_tries(restarted)),
    ("last hop, old dialplan", with_tries(old_dialplan, "channel_context = old-open\ncontext = old-in\n")),
    ("last hop, Asterisk's log", quiet_log),
]
