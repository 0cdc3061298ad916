#!/bin/bash
# usage: cross/build.sh [--ci | TARGET...]
# Builds the static binaries, on a bare Debian, without a container engine. What is missing (compiler, source of std,
# C compiler and linker) it installs. Result: target/cross/TARGET/release/websms.
set -euo pipefail
# shellcheck source=tools.sh
. "$(dirname "$0")/tools.sh"

targets=$(targets_of "$@")
rust_tools
python_tools

cd "$top"
# A checkout names its commit; a release's tarball has none.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo 'no commit')
for target in $targets; do
    log=$out/$target.log
    as=$(column "$target" 6)
    folder=$out${as:+/$target/as}
    WEBSMS_BUILT="$commit, $target" cargo-zigbuild zigbuild --locked --release --target-dir "$folder" --target "${as:-$target}" \
        --config cross/settings/all.toml --config "cross/settings/$target.toml" >"$log" 2>&1 ||
        { tail -n 30 "$log" >&2; fail "$target failed; the whole log is $log"; }
    [ -z "$as" ] || install -D "$folder/$as/release/websms" "$(binary_of "$target")"
    echo "$target $(stat -c %s "$(binary_of "$target")") bytes"
done
