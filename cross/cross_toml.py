"""targets.txt and settings/ → Cross.toml, so that `cross` builds with the flags of build.sh.

usage: python3 cross/cross_toml.py [--check]

cross hands cargo its own settings file only by environment, so every setting becomes a variable that
cargo reads. A setting that this program does not know is an error: it must not get lost on the way.
"""

import pathlib
import sys
import tomllib

HERE = pathlib.Path(__file__).parent

HEAD = """\
# Written by cross/cross_toml.py from cross/targets.txt and cross/settings/; `--check` compares.
# CROSS_CONFIG=cross/Cross.toml cross +nightly build --release --target TARGET
# (a nightly with rust-src: std is built from source). cross 0.2.5 has no image for riscv64gc with musl.
"""


def variables(settings):
    """The variables of cargo's environment that mean the same as a settings file."""
    unstable = dict(settings.pop("unstable", {}))
    release = dict(settings.pop("profile", {}).pop("release", {}))
    if unstable.pop("build-std"):  # Cross.toml has a key of its own for it
        yield "CARGO_UNSTABLE_BUILD_STD_FEATURES=" + ",".join(unstable.pop("build-std-features"))
    for key in ("trim-paths", "panic-immediate-abort"):
        if key in unstable:
            yield f"CARGO_UNSTABLE_{key.upper().replace('-', '_')}={str(unstable.pop(key)).lower()}"
    for key in ("panic", "trim-paths"):
        if key in release:
            yield f"CARGO_PROFILE_RELEASE_{key.upper().replace('-', '_')}={release.pop(key)}"
    (target, table), = settings.pop("target").items()
    yield f"CARGO_TARGET_{name(target)}_RUSTFLAGS=" + " ".join(table.pop("rustflags"))
    for rest in (unstable, release, table, settings):
        if rest:
            sys.exit(f"cross_toml.py: no way is known to hand over {rest}")


def name(target):
    return target.upper().replace("-", "_")


def section(target):
    settings = tomllib.loads((HERE / "settings/all.toml").read_text())
    std = settings["unstable"]["build-std"]
    settings |= tomllib.loads((HERE / f"settings/{target}.toml").read_text())
    passed = "".join(f'    "{variable}",\n' for variable in variables(settings))
    crates = ", ".join(f'"{crate}"' for crate in std)
    # std asks for libunwind, which GCC's toolchains call libgcc_eh.
    linker = f"$CARGO_TARGET_{name(target)}_LINKER"
    link = f"cd $(dirname $({linker} -print-libgcc-file-name)) && ln -sf libgcc_eh.a libunwind.a"
    return (
        f"\n[target.{target}]\nbuild-std = [{crates}]\npre-build = ['{link}']\n"
        f"\n[target.{target}.env]\npassthrough = [\n{passed}]\n"
    )


def main():
    rows = (HERE / "targets.txt").read_text().splitlines()
    targets = [row.split()[0] for row in rows if row and not row.startswith("#")]
    text = HEAD + "".join(section(target) for target in targets)
    tomllib.loads(text)
    file = HERE / "Cross.toml"
    if sys.argv[1:] == ["--check"]:
        if not file.exists() or file.read_text() != text:
            sys.exit("cross/Cross.toml is not what cross/cross_toml.py writes: run it")
    else:
        file.write_text(text)


main()
