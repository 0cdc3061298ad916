"""Compares the requests of `websms` with a preset with those of the provider's own package.

usage: outbound.py golden BINARY            all presets of the table against the files of golden/
       outbound.py live BINARY HOME         the packages of that environment against those files
       outbound.py write BINARY HOME        writes those files anew

`golden` needs no package. A file names the version of the package and has the facts of each request:
method, URL, kind of body, what proves who calls, and each field. A difference is a fault unless a row of
`packages.py` explains it, and so is a row that explains nothing.
"""

import collections
import email.parser
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

from packages import ACCOUNT, ANY, EXTRA, SECRET, USER, VENDORS
from recorder import Recorder

HERE = os.path.dirname(os.path.abspath(__file__))
TO, FROM = "+12025550183", "+12025550160"
CASES = {  # what `websms` is given; a package is given the number as the provider wants it
    "plain": (TO, FROM, "hi"),
    "signs": (TO, FROM, "&=%+"),
    "emoji": (TO, FROM, "Hi \U0001f600"),
    "newline": (TO, FROM, "one\ntwo"),
    "long": (TO, FROM, 30 * "0123456789"),
    "double-zero": (TO.replace("+", "00"), FROM, "hi"),
    "name": (TO, "ACME", "hi"),
}


# ---- A request as facts ---------------------------------------------------------------------


def facts(vendor, request):
    """Returns every fact of a request that is compared, by name."""
    kind = request.headers.get("content-type", "").split(";")[0] if request.body else ""
    found = {"method": request.method, "url": request.url}
    if request.method != "GET":
        found["kind"] = kind
    for name in vendor.headers:
        if name in request.headers:
            found[f"header {name}"] = request.headers[name]
    found |= {f"header {name}": value for name, value in vendor.proof(request).items()}
    pairs = urllib.parse.parse_qsl(request.query, True)
    if kind == "application/x-www-form-urlencoded":
        pairs += urllib.parse.parse_qsl(request.body.decode(), True)
    elif kind == "multipart/form-data":
        pairs += multipart(request)
    elif request.method != "GET" and request.body:
        pairs += flat("", json.loads(request.body))
    return found | {f"field {name}": value for name, value in sorted(pairs)}


def flat(path, value):
    """Yields (path, text) of each leaf of a JSON value; a text has its quotes, a number none."""
    if isinstance(value, dict):
        return [pair for name, inner in value.items() for pair in flat(f"{path}.{name}".lstrip("."), inner)]
    if isinstance(value, list):
        return [pair for at, inner in enumerate(value) for pair in flat(f"{path}[{at}]", inner)]
    return [(path, json.dumps(value, ensure_ascii=False))]


def multipart(request):
    head = f"Content-Type: {request.headers['content-type']}\n\n".encode()
    parts = email.parser.BytesParser().parsebytes(head + request.body).get_payload()
    names = [part.get_param("name", header="content-disposition") for part in parts]
    return list(zip(names, [part.get_payload(decode=True).decode() for part in parts]))


# ---- Who sends ------------------------------------------------------------------------------


class Sender:
    """Runs `websms` and the packages against one recorder."""

    def __init__(self, binary, vendors, folder):
        self.binary, self.folder = binary, folder
        self.recorder = Recorder((vendor.host for vendor in vendors), folder)

    def listen(self, vendor):
        self.recorder.received.clear()
        self.recorder.answers = {"": (vendor.status, vendor.answer), "/auth/time": (200, str(int(time.time())))}

    def heard(self, vendor):
        """Returns the facts of the SMS, which is the last request: OVH's package asks for the time before it."""
        return facts(vendor, self.recorder.received[-1])

    def ours(self, vendor):
        usual = {"account": ACCOUNT, "auth_user": USER, "auth_passwd": SECRET, "auth_extra": EXTRA}
        settings = usual | vendor.settings
        lines = "".join(f"{key} = '{value}'\n" for key, value in settings.items() if value is not None)
        conf = os.path.join(self.folder, "websms.conf")
        with open(conf, "w") as file:
            file.write(f"[websms]\nprovider = {vendor.preset}\n{lines}proxy = '{self.recorder.proxy}'\n"
                       f"ca_file = '{self.recorder.ca}'\n[queue]\ndir =\n")
        found = {}
        for case, (to, sender, text) in CASES.items():
            self.listen(vendor)
            ran = subprocess.run([self.binary, "-c", conf, "--", to, sender, text], capture_output=True, text=True)
            if ran.returncode != 0:
                raise RuntimeError(f"{vendor.preset} {case}: websms says {ran.returncode} {ran.stderr}")
            found[case] = self.heard(vendor)
        return found

    def theirs(self, vendor):
        found = {}
        for case, (_, sender, text) in CASES.items():
            if case not in vendor.refuses:
                self.listen(vendor)
                vendor.send(vendor.number(TO), vendor.number(sender), text)
                found[case] = self.heard(vendor)
        return found


def golden(vendor):
    return os.path.join(HERE, "golden", f"{vendor.preset}.json")


def read(vendor):
    with open(golden(vendor)) as file:
        return json.load(file)


def version(vendor):
    if vendor.home != "node":
        return importlib.metadata.version(vendor.package)
    with open(os.path.join(os.environ["NODE_PATH"], vendor.package, "package.json")) as file:
        return json.load(file)["version"]


# ---- Comparing ------------------------------------------------------------------------------


def differences(ours, theirs):
    """Yields (case, fact, our value, their value) for each fact that differs."""
    for case, fields in theirs.items():
        for fact in sorted(ours[case].keys() | fields.keys()):
            pair = ours[case].get(fact), fields.get(fact)
            if pair[0] != pair[1]:
                yield case, fact, *pair


def explains(known, fact, ours, theirs):
    return known.fact == fact and known.ours in (ANY, ours) and known.theirs in (ANY, theirs)


def judge(vendor, ours):
    """Prints a line, and the differences that no row explains. Returns whether there are none."""
    kept = read(vendor)
    used, unexplained = set(), collections.defaultdict(list)
    for case, fact, *pair in differences(ours, kept["requests"]):
        reasons = {known for known in vendor.known if explains(known, fact, *pair)}
        used |= reasons
        if not reasons:
            unexplained[fact].append((case, *pair))
    faults = []
    for fact, ((case, mine, theirs), *others) in unexplained.items():
        faults.append(f"{case}: {fact} is {mine!r} of ours, {theirs!r} of theirs; {len(others)} other cases")
    faults += [f"a row explains nothing: {known.fact}" for known in vendor.known if known not in used]
    if missing := CASES.keys() - kept["requests"].keys() - set(vendor.refuses):
        faults.append(f"the golden file has no {', '.join(sorted(missing))}")
    whose = "" if vendor.own else ", not the provider's own"
    print(f"{vendor.preset:12} {vendor.package} {kept['version']}{whose}: {len(kept['requests'])} cases, "
          f"{len(used)} differences explained, {len(faults)} faults")
    for known in vendor.known:
        if known in used:
            print(f"             known difference: {known.fact}: {known.why}")
    for fault in faults:
        print(f"!!           {fault}")
    return not faults


def same_as_kept(vendor, theirs):
    """Checks that the package still sends what the golden file has. Prints a line."""
    kept = read(vendor)
    found = differences(theirs, kept["requests"])
    faults = [f"{case}: {fact} is {now!r}, was {was!r}" for case, fact, now, was in found]
    if kept["version"] != version(vendor):
        faults.append(f"version {version(vendor)}, the golden file is of {kept['version']}")
    print(f"{vendor.preset:12} {vendor.package} {version(vendor)}: {len(theirs)} cases run, {len(faults)} faults")
    for fault in faults:
        print(f"!!           {fault}")
    return not faults


def write(vendor, theirs):
    with open(golden(vendor), "w") as file:
        kept = {"package": vendor.package, "version": version(vendor), "requests": theirs}
        json.dump(kept, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{vendor.preset:12} written")
    return True


def main(mode, binary, home=None):
    vendors = [vendor for vendor in VENDORS if home in (None, vendor.home)]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        sender = Sender(binary, vendors, folder)
        if mode != "golden":
            sender.recorder.prepare()
        for vendor in vendors:
            try:
                if mode == "golden":
                    well = judge(vendor, sender.ours(vendor))
                else:
                    well = {"live": same_as_kept, "write": write}[mode](vendor, sender.theirs(vendor))
            except Exception as error:  # a package may raise anything
                print(f"!! {vendor.preset:12} {type(error).__name__}: {error}")
                well = False
            if not well:
                failed.append(vendor.preset)
    print(f"-- {len(vendors) - len(failed)} of {len(vendors)} presets pass")
    return 1 if failed or not vendors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
