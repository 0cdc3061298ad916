#!/bin/bash
# usage: cross/build.sh [--ci | TARGET...]
# Builds the static binaries, on a bare Debian, without a container engine. What is missing (compiler, source of std,
# C compiler and linker) it installs. Result: target/cross/TARGET/release/websms, and for the packages, whose systems have
# the certificates of the authorities, target/cross/TARGET/packaged/websms without them.
set -euo pipefail
# shellcheck source=tools.sh
. "$(dirname "$0")/tools.sh"

targets=$(targets_of "$@")
rust_tools
python_tools
tell_other_compiler

cd "$top"
# A checkout names its commit; a release's tarball has none.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo 'no commit')

# compile TARGET FOLDER OPTION...
compile() {
    local target=$1 folder=$2 as log=$out/$1.log
    shift 2
    as=$(column "$target" 6)
    WEBSMS_BUILT="$commit, $target" cargo-zigbuild zigbuild --locked --release --target-dir "$folder" --target "${as:-$target}" "$@" \
        --config cross/settings/all.toml --config "cross/settings/$target.toml" >"$log" 2>&1 ||
        { tail -n 30 "$log" >&2; fail "$target failed; the whole log is $log"; }
    built=$folder/${as:-$target}/release/websms
}

for target in $targets; do
    folder=$out
    [ -z "$(column "$target" 6)" ] || folder=$out/$target/as
    # The packages' first: what it shares with the other one is built once, and the last stays where it was made.
    compile "$target" "$folder" --no-default-features
    install -D "$built" "$(packaged_of "$target")"
    compile "$target" "$folder" --no-default-features --example curves
    install -D "$(dirname "$built")/examples/curves" "$(signer_of "$target")"
    compile "$target" "$folder"
    [ "$built" = "$(binary_of "$target")" ] || install -D "$built" "$(binary_of "$target")"
    echo "$target $(stat -c %s "$(binary_of "$target")") bytes, $(stat -c %s "$(packaged_of "$target")") for a package"
done
