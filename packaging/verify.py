"""A package → proof that it holds what its manifest says and that its own format's rules are kept.

usage: verify.py SYSTEM ARCHITECTURE BINARY PACKAGE

Three formats: .deb and .ipk (an archive of two tars), .apk of version 2 (apk-v2(5): gzip streams that together are one
tar; the second is known to the first by its SHA-256, every file carries its SHA-1, and an index knows the package by the
SHA-1 of the first). Prints nothing when all is well.
"""

import base64
import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tarfile
import zlib

TOP = pathlib.Path(__file__).parent.parent
SYSTEM, ARCHITECTURE = sys.argv[1:3]
# Alpine has its manual pages in a package of their own, and OpenWrt has none.
DOC = SYSTEM == "alpine/doc"
BINARY, PACKAGE = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
CHANGELOG = (TOP / "packaging/changelog").read_text()
VERSION = re.match(r"websms \(([0-9.]+)\)", CHANGELOG)[1]
MAINTAINER = re.search(r"^ -- (.*>)  ", CHANGELOG, re.M)[1]
HOMEPAGE = re.search(r"^homepage: (.*)", (TOP / "packaging/common.yaml").read_text(), re.M)[1]


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{PACKAGE.name}: {what}:\n   found {found!r}\n  wanted {wanted!r}")


def files_of(tar):
    """Name → tar member, without the folders on the way and with one spelling of names."""
    return {"/" + member.name.removeprefix("./").strip("/"): member for member in tar if member.name not in (".", "./")}


def fields_of(text, separator):
    pairs = (line.split(separator, 1) for line in text.splitlines() if separator in line and line[0] not in "# ")
    return {key.strip(): value.strip() for key, value in pairs}


# ---- What is in it ---------------------------------------------------------------------------------


def check_contents(tar, configs):
    members = files_of(tar)
    wanted, wanted_configs = {}, []
    for row in (TOP / f"packaging/{SYSTEM}/manifest").read_text().splitlines():
        if row.startswith("#"):
            continue
        words = row.split()
        path = words[1] if words[0] == "link" else words[2]
        wanted[path.rstrip("/")] = row.removesuffix(" config")
        if words[-1] == "config":
            wanted_configs.append(path)
    expect("configuration files", configs, wanted_configs)

    found = {}
    for path, member in members.items():
        owner = f"{member.mode & 0o7777:04o} {member.uname}:{member.gname}"
        if member.issym():
            found[path] = f"link {path} -> {member.linkname}"
        elif member.isdir():
            # A folder on the way to others may have any owner that lets everybody through.
            if path in wanted:
                found[path] = f"{owner} {path}/"
            else:
                expect(f"mode of {path}", oct(member.mode & 0o7777), "0o755")
        else:
            expect(f"{path} is a plain file", member.isreg(), True)
            found[path] = f"{owner} {path}"
    expect("files that are missing", sorted(set(wanted) - set(found)), [])
    expect("files that are too much", sorted(set(found) - set(wanted)), [])
    for path in wanted:
        expect(path, found[path], wanted[path])

    expect("manual pages", any("/man/" in path for path in found), SYSTEM in ("debian", "alpine/doc"))
    if DOC:
        return
    binary = tar.extractfile(members["/usr/lib/websms/websms"]).read()
    expect("the binary is the one that was verified", binary == BINARY.read_bytes(), True)
    conf = tar.extractfile(members["/etc/asterisk/websms.conf"]).read().decode()
    queue = re.findall(r"^dir = (.*)$", conf, re.M)
    expect("a queue on flash where /var is a RAM disk", queue, ["/etc/websms/queue"] if SYSTEM == "openwrt" else [])


def check_control(fields, version):
    expect("name", fields["Package"], "websms-doc" if DOC else "websms")
    expect("version", fields["Version"], version)
    expect("architecture", fields["Architecture"], ARCHITECTURE)
    expect("homepage", fields.get("Homepage"), HOMEPAGE)
    expect("maintainer", fields["Maintainer"], MAINTAINER)


# ---- Three formats ---------------------------------------------------------------------------------


def check_deb():
    dpkg = ["dpkg-deb", "--fsys-tarfile", PACKAGE]
    tar = tarfile.open(fileobj=io.BytesIO(subprocess.run(dpkg, check=True, capture_output=True).stdout))
    control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", PACKAGE], check=True, capture_output=True).stdout
    check_opkg_like(tar, tarfile.open(fileobj=io.BytesIO(control)), f"{VERSION}-1")


def check_ipk():
    outer = tarfile.open(PACKAGE)
    expect("parts", [member.name.removeprefix("./") for member in outer], ["debian-binary", "control.tar.gz", "data.tar.gz"])
    parts = {name.removeprefix("./"): outer.extractfile(name).read() for name in outer.getnames()}
    expect("format", parts["debian-binary"], b"2.0\n")
    tar, control = (tarfile.open(fileobj=io.BytesIO(parts[name])) for name in ("data.tar.gz", "control.tar.gz"))
    check_opkg_like(tar, control, f"{VERSION}-1")
    # opkg compares it, as bytes, with the space that is free.
    size = fields_of(control.extractfile("./control").read().decode(), ":")["Installed-Size"]
    expect("installed size", int(size), sum(member.size for member in tar))


def check_opkg_like(tar, control, version):
    parts = {path: control.extractfile(member).read().decode() for path, member in files_of(control).items() if member.isreg()}
    check_control(fields_of(parts["/control"], ":"), version)
    expect("scripts", {"/preinst", "/postinst", "/prerm"} - set(parts), set())
    check_contents(tar, parts["/conffiles"].split())


def gzip_streams(data):
    """(compressed, plain) of each gzip stream."""
    while data:
        unzip = zlib.decompressobj(wbits=31)
        plain = unzip.decompress(data) + unzip.flush()
        expect("end of a gzip stream", unzip.eof, True)
        yield data[: len(data) - len(unzip.unused_data)], plain
        data = unzip.unused_data


def check_apk():
    streams = list(gzip_streams(PACKAGE.read_bytes()))
    expect("gzip streams (control, data; unsigned)", len(streams), 2)
    (control_gz, control_plain), (data_gz, data_plain) = streams

    # The streams together are one tar, so only the last may end it.
    whole = tarfile.open(fileobj=io.BytesIO(control_plain + data_plain))
    names = [member.name for member in whole]
    expect("first member", names[0], ".PKGINFO")
    wanted = "usr/share/man/man1/websms.1.gz" if DOC else "usr/lib/websms/websms"
    expect("the control part ends the tar", wanted in [name.removeprefix("./") for name in names], True)
    control = tarfile.open(fileobj=io.BytesIO(control_plain + bytes(1024)))
    scripts = set(control.getnames()) - {".PKGINFO"}
    # An upgrade keeps the old program, since a script that fails does not stop apk.
    wanted = {".pre-install", ".post-install", ".pre-upgrade", ".post-upgrade", ".pre-deinstall"}
    expect("scripts", scripts, set() if DOC else wanted)

    info = fields_of(control.extractfile(".PKGINFO").read().decode(), " = ")
    names = {"Package": "pkgname", "Version": "pkgver", "Architecture": "arch", "Homepage": "url", "Maintainer": "maintainer"}
    fields = {field: info[name] for field, name in names.items()}
    check_control(fields, f"{VERSION}-r1")
    expect("SHA-256 of the data", info["datahash"], hashlib.sha256(data_gz).hexdigest())

    data = tarfile.open(fileobj=io.BytesIO(data_plain))
    for member in data:
        # A link is not hashed: apk takes its target from the tar.
        if member.isreg():
            digest = hashlib.sha1(data.extractfile(member).read()).hexdigest()
            expect(f"SHA-1 of {member.name}", member.pax_headers.get("APK-TOOLS.checksum.SHA1"), digest)
    # Everything under /etc is kept on upgrades by apk itself; it has no list.
    check_contents(data, [] if DOC else ["/etc/asterisk/websms.conf"])
    expect("installed size", int(info["size"]), sum(member.size for member in data))
    check_index(control_gz, info)


def check_index(control_gz, info):
    """The record by which an APKINDEX knows the package, and apk's check of a package against it."""
    identity = "Q1" + base64.b64encode(hashlib.sha1(control_gz).digest()).decode()
    record = f"C:{identity}\nP:{info['pkgname']}\nV:{info['pkgver']}\nA:{info['arch']}\nS:{PACKAGE.stat().st_size}\nI:{info['size']}\n"
    expect("an index record of one line a field", bool(re.fullmatch(r"(?:[CPVASI]:[!-~]+\n){6}", record)), True)
    expect("identity", len(base64.b64decode(identity[2:])), 20)
    expect("version apk can compare", bool(re.fullmatch(r"\d+(\.\d+)*-r\d+", info["pkgver"])), True)


{".deb": check_deb, ".ipk": check_ipk, ".apk": check_apk}[PACKAGE.suffix]()
