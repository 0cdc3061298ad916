#!/bin/bash
# usage: cross/verify.sh [--ci | TARGET...]
# Proves the binaries of build.sh: static, stripped, under budget; then, on an imitation of the weakest processor each
# is meant for, the product's real work (verify.py has the list). Ends with the table of sizes for the README.
set -euo pipefail
# shellcheck source=tools.sh
. "$(dirname "$0")/tools.sh"

targets=$(targets_of "$@")
need readelf=binutils openssl=openssl python3=python3 qemu-mipsel-static=qemu-user-static cargo=cargo-web cc=gcc

cd "$top"
python3 cross/cross_toml.py --check
cargo build --locked --quiet --bins --example curves # the host's, to compare with
host=${CARGO_TARGET_DIR:-target}/debug/websms
signed=$("${CARGO_TARGET_DIR:-target}/debug/examples/curves")
cc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$out/ed25519.so" cross/ed25519.c
python3 cross/ed25519.py "$out/ed25519.so"

status=0
: >"$out/sizes"
for target in $targets; do
    binary=$(binary_of "$target")
    budget=$(column "$target" 2)
    [ -e "$binary" ] || fail "$binary is missing: run cross/build.sh $target"
    if python3 cross/verify.py "$binary" "$budget" "$host" \
        "qemu-$(column "$target" 3)-static" -cpu "$(column "$target" 4)" 2>"$out/$target.verify"; then
        echo "ok $target"
    else
        echo "FAILED $target" && tail -n 30 "$out/$target.verify"
        status=1
    fi
    if [ "$("qemu-$(column "$target" 3)-static" -cpu "$(column "$target" 4)" "$(signer_of "$target")")" != "$signed" ]; then
        echo "FAILED $target: it signs otherwise than $signed"
        status=1
    fi
    printf '| %s | %s | %s | %s |\n' "$target" "$(stat -c %s "$binary")" "$budget" "$(stat -c %s "$(packaged_of "$target")")" >>"$out/sizes"
done

printf '\n| target | bytes | budget | in packages |\n|---|---:|---:|---:|\n'
sed -E ':a; s/ ([0-9]+)([0-9]{3})\b/ \1,\2/; ta' "$out/sizes"
exit $status
