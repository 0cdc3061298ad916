"""The crates that are linked into the program → packaging/notices: whose work they are, and under which licences.

usage: notices.py [--check]

Asks cargo for the crates of every target and reads their licence files, as they lie where cargo keeps its sources. Where
a crate offers several licences, MIT is taken. `--check` compares with the file instead of writing it. A licence that is not
known here is an error: somebody has to read it. The Apache licence itself stands in packaging/licences, since Debian has it.
"""

import json
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).parent.parent
FILE = TOP / "packaging/notices"
# The crates whose licence file has the common text of a licence.
TEXT_FROM = {"ISC": "untrusted", "BSD-3-Clause": "subtle", "CDLA-Permissive-2.0": "webpki-roots"}
BSD_2 = "BSD-2-Clause, which is BSD-3-Clause without its third condition"
# The libraries of the compiler and of the linker are in no crate.
OTHERS = [
    ("MIT", "the standard library of Rust", "Copyright (c) The Rust Project Contributors"),
    ("MIT", "musl", "Copyright (c) 2005-2020 Rich Felker, et al."),
    (BSD_2, "musl, regex", "Copyright (c) 2001-2008 Ville Laurikari"),
    (BSD_2, "musl, memcpy", "Copyright (c) 2008 The Android Open Source Project"),
    ("MIT", "musl, math", "Copyright (c) 1993,2004 Sun Microsystems; 2003-2011 David Schultz; 2003-2009 Steven G. Kargl; "
     "2003-2009 Bruce D. Evans; 2008 Stephen L. Moshier; 2017-2018 Arm Limited"),
    ("MIT", "musl, string", "Copyright (c) 1999-2019 Arm Limited"),
    ("MIT", "musl, qsort", "Copyright (c) 2011 Valentin Ochs"),
]


def linked():
    """The packages that are compiled into the program for any target."""
    targets = [row.split()[-1] if len(row.split()) > 5 else row.split()[0]
               for row in (TOP / "cross/targets.txt").read_text().splitlines() if row and not row.startswith("#")]
    found = {}
    for target in targets:
        command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target]
        metadata = json.loads(subprocess.run(command, cwd=TOP, check=True, capture_output=True).stdout)
        packages = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        todo, done = [metadata["resolve"]["root"]], set()
        while todo:
            package = todo.pop()
            if package in done:
                continue
            done.add(package)
            for edge in nodes[package]["deps"]:
                is_macro = any("proc-macro" in it["kind"] for it in packages[edge["pkg"]]["targets"])
                if not is_macro and any(kind["kind"] is None for kind in edge["dep_kinds"]):
                    todo.append(edge["pkg"])
        done.remove(metadata["resolve"]["root"])
        found |= {package: packages[package] for package in done}
    return sorted(found.values(), key=lambda package: package["name"])


def licences_of(package):
    expression = package["license"].replace("/", " OR ")
    alternatives = expression.split(" OR ")
    chosen = "MIT" if "MIT" in alternatives else expression
    licences = chosen.split(" AND ")
    unknown = set(licences) - {"MIT", "Apache-2.0", *TEXT_FROM}
    if unknown:
        sys.exit(f"notices.py: {package['name']} has a licence that is not known here: {package['license']}")
    return licences


def licence_files(package, licences):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if re.match(r"(LICEN[CS]E|COPYRIGHT|COPYING)", file.name, re.I))
    own = [file for file in files if any(licence.split("-")[0] in file.name.upper() for licence in licences)]
    return own or files


def copyright_of(package, licences):
    lines = []
    for file in licence_files(package, licences):
        for line in file.read_text().splitlines():
            line = line.strip().rstrip(".,")
            if re.match(r"Copyright (\(c\)|©|\d)", line, re.I) and line not in lines:
                lines.append(line)
    if lines:
        return "; ".join(lines)
    people = [re.sub(r" *<.*", "", author) for author in package["authors"]]
    return "Copyright (c) " + (", ".join(people) or f"the authors of {package['name']}")


def notices():
    packages = linked()
    works = list(OTHERS)
    for package in packages:
        licences = licences_of(package)
        name = f"{package['name']} {package['version']}"
        works.append((" and ".join(licences), name, copyright_of(package, licences)))
    out = ["The program websms is Copyright (c) The WebSMS maintainers, under the MIT licence below. Compiled into it are:", ""]
    for licence in sorted({work[0] for work in works}):
        out += [f"Under {licence}:", ""]
        by_holder = {}
        for _, name, holder in filter(lambda work: work[0] == licence, works):
            by_holder.setdefault(holder, []).append(name)
        out += [f"  {', '.join(names)}: {holder}" for holder, names in by_holder.items()] + [""]
    texts = {"MIT": (TOP / "LICENSE").read_text()}
    for licence, crate in TEXT_FROM.items():
        [package] = [package for package in packages if package["name"] == crate]
        texts[licence] = licence_files(package, [licence])[0].read_text()
    for licence, text in texts.items():
        # The common text only: whose it is stands above.
        lines = [line.rstrip() for line in text.splitlines()]
        lines = [line for line in lines if not re.match(r"(//)? ?(Copyright|All rights reserved)|MIT License", line)]
        lines = [re.sub(r"^// ?", "", line) for line in lines]
        out += [f"---- {licence} ----", "", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), ""]
    return "\n".join(out)


text = notices()
if sys.argv[1:] != ["--check"]:
    FILE.write_text(text)
elif FILE.read_text() != text:
    sys.exit("notices.py: packaging/notices is not what Cargo.lock links: run python3 packaging/notices.py")
