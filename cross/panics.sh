#!/bin/bash
# usage: cross/panics.sh [TARGET...]
# What a word about a panic would cost: each binary as it is built (immediate-abort) and with panic = "abort", which prints
# where and why before it ends. Without arguments a small and a large one.
set -euo pipefail
# shellcheck source=tools.sh
. "$(dirname "$0")/tools.sh"

[ $# -gt 0 ] || set -- mipsel-unknown-linux-musl x86_64-unknown-linux-musl
targets=$(targets_of "$@")
rust_tools
python_tools

cd "$top"
settings=$out/panics.toml
grep -v -e '-Cpanic=immediate-abort' -e '-Zlocation-detail=none' cross/settings/all.toml >"$settings"
! cmp -s "$settings" cross/settings/all.toml || fail "cross/settings/all.toml has no immediate-abort to take out"

printf '| target | immediate-abort | abort |\n|---|---:|---:|\n'
for target in $targets; do
    [ -e "$(binary_of "$target")" ] || fail "$target is missing: run cross/build.sh $target"
    log=$out/$target.panics.log
    as=$(column "$target" 6)
    as=${as:-$target}
    cargo-zigbuild zigbuild --locked --release --target-dir "$out/panics/$target" --target "$as" \
        --config "$settings" --config "cross/settings/$target.toml" >"$log" 2>&1 ||
        { tail -n 30 "$log" >&2; fail "$target failed; the whole log is $log"; }
    printf '| %s | %s | %s |\n' "$target" "$(stat -c %s "$(binary_of "$target")")" \
        "$(stat -c %s "$out/panics/$target/$as/release/websms")"
done | sed -E ':a; s/ ([0-9]+)([0-9]{3})\b/ \1,\2/; ta'
