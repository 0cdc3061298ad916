#!/bin/bash
# usage: packaging/build.sh [--ci | TARGET...]
# From the binaries of cross/build.sh, the packages of packages.txt into target/cross/packages, with SHA256SUMS and, in
# BUILT-WITH, the versions of the compiler and the tools.
# The same commit gives the same bytes: all times are the commit's or, without git, those of packaging/changelog.
set -euo pipefail
# shellcheck source=../cross/tools.sh
. "$(dirname "$0")/../cross/tools.sh"

# What is wanted is said where it is not reached: opkg and apk read gzip only, which leaves half of a binary and more,
# however dense.
PACKAGE_BYTES_WANTED=650000

# The manual pages of Alpine have no binary; they are packed with every target.
targets=$(targets_of "$@"; echo none)
rust_tools
python_tools
need gzip=gzip xz=xz-utils ar=binutils python3=python3
cd "$top"

version=$(sed -nE '1s/^websms \(([0-9.]+)\).*/\1/p' packaging/changelog)
grep -qx "version = \"$version\"" Cargo.toml || fail "Cargo.toml and packaging/changelog name different versions"
grep -qx "PKG_VERSION:=$version" packaging/openwrt/websms/Makefile || fail "packaging/openwrt/websms/Makefile names another version"
! grep -o 'websms_[0-9.]*_openwrt' packaging/openwrt/README.md | grep -v "^websms_${version}_" || fail "packaging/openwrt/README.md names another version"
maintainer=$(sed -nE '/^ -- /{s/^ -- (.*>)  .*/\1/p;q}' packaging/changelog)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null ||
    date -d "$(sed -nE '/^ -- /{s/.*>  (.*)/\1/p;q}' packaging/changelog)" +%s)
export SOURCE_DATE_EPOCH

stage=$out/stage
packages=$out/packages
rm -rf "${stage:?}" "${packages:?}"
mkdir -p "$stage/gzipped" "$packages"
for page in packaging/man/*; do gzip -9nc "$page" >"$stage/$(basename "$page").gz"; done
gzip -9nc packaging/changelog >"$stage/changelog.gz"
# Debian has the text of the Apache licence; others get it once.
{ cat packaging/notices && echo 'The text of Apache-2.0 is in /usr/share/common-licenses/Apache-2.0.'; } >"$stage/copyright"
cat packaging/notices packaging/licences/Apache-2.0 | gzip -9n >"$stage/notices.gz"
sed -f packaging/openwrt/conf.sed packaging/websms.conf >"$stage/openwrt.conf"
# A sample that conf.sed no longer fits must not go out: the queue would be lost with the power.
for line in 'dir = /etc/websms/queue' 'listen = 0.0.0.0:8080'; do
    [ "$(grep -cx "$line" "$stage/openwrt.conf")" = 1 ] || fail "packaging/openwrt/conf.sed does not fit packaging/websms.conf: $line"
done

# On OpenWrt what follows an installation follows an upgrade that went well.
mkdir "$stage/scripts"
cat packaging/apk/post-upgrade packaging/openwrt/postinst >"$stage/scripts/openwrt-post-upgrade"
for script in packaging/{alpine,apk,debian,openwrt}/{pre,post}*; do
    cp "$script" "$stage/scripts/$(basename "$(dirname "$script")")-$(basename "$script")"
done
# nfpm gives the scripts of an .apk the times that their files have.
touch -d "@$SOURCE_DATE_EPOCH" "$stage"/scripts/*

# package SYSTEM ARCHITECTURE TARGET FORMAT BUDGET
package() {
    local conf=packaging/websms.conf file=$packages/websms_${version}_$1_$2.$4 common=packaging/common.yaml
    [ "$1" != openwrt ] || conf=$stage/openwrt.conf
    [ "$1" != debian ] || file=$packages/websms_${version}_$2.$4
    [ "$1" != alpine/doc ] || file=$packages/websms-doc_${version}_alpine_$2.$4 common=
    sed -e "s|@ARCH@|$2|; s|@VERSION@|$version|; s|@MAINTAINER@|$maintainer|; s|@BINARY@|$(packaged_of "$3")|" \
        -e "s|@CONF@|$conf|; s|@STAGE@|$stage|" ${common:+"$common"} "packaging/$1/nfpm.yaml" >"$stage/nfpm.yaml"
    nfpm package -f "$stage/nfpm.yaml" -p "$4" -t "$file" >"$stage/nfpm.log" 2>&1 || { cat "$stage/nfpm.log" >&2; fail "$file failed"; }
    python3 packaging/denser.py "$2" "$file" "$stage/gzipped"
    local bytes note=
    bytes=$(stat -c %s "$file")
    [ "$bytes" -le "$5" ] || fail "$(basename "$file") has $bytes bytes, budget $5"
    [ "$bytes" -le "$PACKAGE_BYTES_WANTED" ] || note=", more than the $PACKAGE_BYTES_WANTED wanted"
    echo "$(basename "$file") $bytes bytes$note"
}

while read -r system architecture target budget; do
    grep -qx "$target" <<<"$targets" || continue
    [ "$target" = none ] || [ -e "$(packaged_of "$target")" ] || fail "no binary for $target: run cross/build.sh $target"
    case $system in
        debian) package debian "$architecture" "$target" deb "$budget" ;;
        openwrt)
            package openwrt "$architecture" "$target" ipk "$budget"
            package openwrt "$architecture" "$target" apk "$budget"
            ;;
        alpine | alpine/doc) package "$system" "$architecture" "$target" apk "$budget" ;;
        *) fail "packages.txt: no such system: $system" ;;
    esac
done < <(grep -v '^#' packaging/packages.txt)

cd "$packages"
sha256sum -- * >SHA256SUMS
built_with >BUILT-WITH
