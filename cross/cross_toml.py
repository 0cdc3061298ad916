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
# (a nightly with rust-src). `build-std` is false because it can only say yes: the variables say which crates of std
# and how. cross 0.2.5 has no image for riscv64gc with musl.
"""


def variables(target, settings):
    """The variables of cargo's environment that mean the same as a settings file."""
    unstable = dict(settings.pop("unstable", {}))
    release = dict(settings.pop("profile", {}).pop("release", {}))
    for key in ("build-std", "build-std-features"):
        yield f"CARGO_UNSTABLE_{name(key)}=" + ",".join(unstable.pop(key))
    for key in ("trim-paths", "panic-immediate-abort"):
        if key in unstable:
            yield f"CARGO_UNSTABLE_{name(key)}={str(unstable.pop(key)).lower()}"
    for key in ("panic", "trim-paths"):
        if key in release:
            yield f"CARGO_PROFILE_RELEASE_{name(key)}={release.pop(key)}"
    flags = [flag for table in settings.pop("target", {}).values() for flag in table.pop("rustflags")]
    if unstable.pop("profile-rustflags"):
        flags += profile_flags(release)
    yield f"CARGO_TARGET_{name(target)}_RUSTFLAGS=" + " ".join(flags)
    for rest in (unstable, release, settings):
        if rest:
            sys.exit(f"cross_toml.py: no way is known to hand over {rest}")


def profile_flags(release):
    """The flags of a profile, as far as all packages bear them: cargo has no variable for those of one package."""
    release.pop("build-override")  # Flags of the target do not reach build scripts.
    profiles = [release.pop("rustflags"), *(package["rustflags"] for package in release.pop("package").values())]
    flags = {flag.split("=")[0]: flag for profile in profiles for flag in profile}
    return list(flags.values())


def name(key):
    """How cargo spells a key in a variable."""
    return key.upper().replace("-", "_")


def section(target, built_as):
    settings = tomllib.loads((HERE / "settings/all.toml").read_text())
    own = tomllib.loads((HERE / f"settings/{target}.toml").read_text())
    tables = own.pop("target")
    settings["target"][target] = tables.pop(target)
    # They are for clang, which zig has; cross's images have GCC.
    c_flags = {**settings.pop("env"), **own.pop("env", {})}
    if own or set(tables) - {built_as} or set(c_flags) - {"TARGET_CFLAGS", "CFLAGS_" + target.replace("-", "_")}:
        sys.exit(f"cross_toml.py: settings/{target}.toml has more than flags of its target")
    passed = "".join(f'    "{variable}",\n' for variable in variables(target, settings))
    # std asks for libunwind, which GCC's toolchains call libgcc_eh.
    linker = f"$CARGO_TARGET_{name(target)}_LINKER"
    link = f"cd $(dirname $({linker} -print-libgcc-file-name)) && ln -sf libgcc_eh.a libunwind.a"
    return (
        f"\n[target.{target}]\nxargo = false\nbuild-std = false\npre-build = ['{link}']\n"
        f"\n[target.{target}.env]\npassthrough = [\n{passed}]\n"
    )


def main():
    rows = (HERE / "targets.txt").read_text().splitlines()
    targets = [row.split() for row in rows if row and not row.startswith("#")]
    # What build.sh builds as another target, cross builds under its name.
    text = HEAD + "".join(section(row[0], *row[5:] or [None]) for row in targets)
    tomllib.loads(text)
    file = HERE / "Cross.toml"
    if sys.argv[1:] == ["--check"]:
        if not file.exists() or file.read_text() != text:
            sys.exit("cross/Cross.toml is not what cross/cross_toml.py writes: run it")
    else:
        file.write_text(text)


main()
