"""A package of nfpm → the same package, a tenth smaller (.deb) or a twentieth (.ipk, .apk), in its place.

usage: denser.py ARCHITECTURE PACKAGE CACHE

Only the compression changes: xz for the .deb, of which dpkg reads every filter; the densest gzip for the others,
which read no other format; and in the .ipk the installed size, which nfpm writes in KiB and opkg reads in bytes.
The same package in gives the same bytes out. The folder CACHE keeps what was gzipped: architectures with one
binary have the same files.
"""

import hashlib
import io
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zlib

import zopfli.gzip

ARCHITECTURE, PACKAGE, CACHE = sys.argv[1], *map(pathlib.Path, sys.argv[2:])


def filtered(data, *command):
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def gzip(plain):
    """Without a name and a time in its header. With 15 blocks, the default, binaries for ARM come out larger
    than by libdeflate; more than 60 take up to twice the time for 0.05 %."""
    kept = CACHE / hashlib.sha256(plain).hexdigest()
    if not kept.exists():
        kept.write_bytes(zopfli.gzip.compress(plain, numiterations=5, blocksplittingmax=60))
    return kept.read_bytes()


def gzip_streams(data):
    """(compressed, plain) of each of the gzip streams that stand one after the other."""
    while data:
        unzip = zlib.decompressobj(wbits=31)
        plain = unzip.decompress(data) + unzip.flush()
        yield data[: len(data) - len(unzip.unused_data)], plain
        data = unzip.unused_data


def denser_deb():
    branches = ["--x86"] if ARCHITECTURE in ("amd64", "i386") else []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["ar", "x", PACKAGE.resolve()], cwd=folder, check=True)
        part = pathlib.Path(folder, "data.tar.xz")
        tar = filtered(part.read_bytes(), "xz", "-dc")
        part.write_bytes(filtered(tar, "xz", "-c", "-T1", "--check=crc32", *branches, "--lzma2=preset=9e"))
        parts = subprocess.run(["ar", "t", PACKAGE.resolve()], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["ar", "rcD", "new", *parts], cwd=folder, check=True)
        PACKAGE.write_bytes(pathlib.Path(folder, "new").read_bytes())


def with_size(tar, size):
    """The control files of an .ipk, with an installed size of so many bytes."""
    inner, file = tarfile.open(fileobj=io.BytesIO(tar)), io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as changed:
        for member in inner:
            data = inner.extractfile(member).read()
            if member.name.endswith("/control"):
                data, found = re.subn(rb"^Installed-Size: .*$", b"Installed-Size: %d" % size, data, flags=re.M)
                if found != 1:
                    sys.exit(f"{PACKAGE.name}: its control file does not give one installed size")
                member.size = len(data)
            changed.addfile(member, io.BytesIO(data))
    return file.getvalue()


def denser_ipk():
    """A gzipped tar of two others."""
    [(_, plain)] = gzip_streams(PACKAGE.read_bytes())
    outer, file = tarfile.open(fileobj=io.BytesIO(plain)), io.BytesIO()
    [data_part] = [member for member in outer if member.name.endswith("data.tar.gz")]
    installed = sum(member.size for member in tarfile.open(fileobj=outer.extractfile(data_part)))
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as denser:
        for member in outer:
            data = outer.extractfile(member).read()
            if member.name.endswith(".gz"):
                [(_, tar)] = gzip_streams(data)
                if member.name.endswith("control.tar.gz"):
                    tar = with_size(tar, installed)
                data = gzip(tar)
            member.size = len(data)
            denser.addfile(member, io.BytesIO(data))
    PACKAGE.write_bytes(gzip(file.getvalue()))


def denser_apk():
    """Two gzipped parts of one tar; the first names the SHA-256 of the second."""
    [(_, control), (data, contents)] = gzip_streams(PACKAGE.read_bytes())
    denser = gzip(contents)
    old, new = (hashlib.sha256(part).hexdigest().encode() for part in (data, denser))
    if control.count(old) != 1:
        sys.exit(f"{PACKAGE.name}: its control part does not name the SHA-256 of its data once")
    PACKAGE.write_bytes(gzip(control.replace(old, new)) + denser)


{".deb": denser_deb, ".ipk": denser_ipk, ".apk": denser_apk}[PACKAGE.suffix]()
