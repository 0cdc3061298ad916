#!/bin/bash
# usage: packaging/verify.sh [--ci | TARGET...]
# Builds the packages twice and proves them: the same bytes; each against its manifest and its format's rules; the .deb in
# a scratch Debian; the init scripts, the unit, the manual pages and the feed's Makefile by themselves.
set -euo pipefail
# shellcheck source=../cross/tools.sh
. "$(dirname "$0")/../cross/tools.sh"

# words_of: a page as it is shown → its words, one a line, without the foot and without hyphens, at which only
# groff breaks words.
words_of() {
    sed 's/\x1b\[[0-9;]*m//g; s/.\x08//g; 1d' | sed -z 's/\n[^\n]*\n*$//; s/[-‐]\n *//g; s/[-‐–—]//g' | tr -s ' \n' '\n'
}

targets=$(targets_of "$@"; echo none)
need shellcheck=shellcheck mandoc=mandoc systemd-analyze=systemd dpkg-deb=dpkg debootstrap=debootstrap dash=dash \
    busybox=busybox lintian=lintian groff=groff fakeroot=fakeroot python3=python3 make=make
cd "$top"
packages=$out/packages

echo "== the same bytes when built twice, from files of other times"
packaging/build.sh "$@"
mv "$packages/SHA256SUMS" "$out/SHA256SUMS.first"
find packaging LICENSE -exec touch -d 2001-02-03 {} +
packaging/build.sh "$@" >/dev/null
cmp "$packages/SHA256SUMS" "$out/SHA256SUMS.first"
(cd "$packages" && sha256sum --quiet -c SHA256SUMS)
grep -Eqx 'rustc [0-9.]+ .*' "$packages/BUILT-WITH" || fail "BUILT-WITH does not name the compiler"

echo "== contents and formats"
checked=0
while read -r system architecture target _; do
    grep -qx "$target" <<<"$targets" || continue
    for file in "$packages"/websms_*_"$architecture".deb "$packages"/websms*_"${system%/doc}_$architecture".*; do
        [ -e "$file" ] || continue
        python3 packaging/verify.py "$system" "$architecture" "$(packaged_of "$target")" "$file"
        checked=$((checked + 1))
    done
done < <(grep -v '^#' packaging/packages.txt)
[ "$checked" = "$(find "$packages" -name 'websms*' | wc -l)" ] || fail "$checked packages checked, and there are others"

echo "== licence notices, lintian"
python3 packaging/notices.py --check
for deb in "$packages"/*.deb; do lintian --allow-root --fail-on error,warning "$deb"; done

echo "== scripts, manual pages"
shellcheck -x -P cross -P packaging cross/*.sh cross/zig packaging/*.sh
shellcheck packaging/debian/{preinst,postinst,prerm,postrm} packaging/apk/* \
    packaging/alpine/{pre-install,post-install,pre-deinstall,websmsd} packaging/openwrt/{preinst,postinst,prerm,websmsd.init} packaging/{alpine,debian,openwrt}/test/*.sh
diff <(sed '1,/^$/d; s|/usr/local/sbin/|/usr/sbin/|' packaging/websmsd.service) packaging/debian/websmsd.service ||
    fail "packaging/websmsd.service and the packages' unit differ in more than a path"
mandoc -T lint -W warning packaging/man/*
for page in packaging/man/*; do
    # A word such as In would be a macro in a heading, of which mandoc does not warn.
    ! mandoc -T tree "$page" | grep -A1 -E '^ *S[hs] \(head\)' | grep '(elem)' || fail "$page has a macro in a heading"
    [ -z "$(groff -mdoc -T utf8 -ww -z "$page" 2>&1)" ] || fail "$page: $(groff -mdoc -T utf8 -ww -z "$page" 2>&1)"
    # Both programs show the same, but for the foot, and for where they break lines.
    diff <(mandoc -T utf8 "$page" | words_of) <(groff -mdoc -T utf8 "$page" | words_of) ||
        fail "$page reads otherwise under groff than under mandoc"
done
for shell in dash "busybox sh"; do
    # shellcheck disable=SC2086  # two words
    fakeroot $shell packaging/openwrt/test/init.sh
    # shellcheck disable=SC2086
    $shell packaging/alpine/test/scripts.sh
done
fakeroot dash packaging/debian/test/postinst.sh
packaging/openwrt/test/feed.sh

# The rest wants the machine's own architecture, and root for a scratch Debian.
deb=$(find "$packages" -name "websms_*_$(dpkg --print-architecture).deb")
[ -n "$deb" ] || fail "no .deb for this machine among the targets: the installation cannot be tried"
echo "== installed, upgraded, removed"
as_root packaging/debian/test/install.sh "$deb" "$out"
echo "== under systemd"
as_root packaging/debian/test/systemd.sh "$deb" "$out"
read -r architecture target < <(awk -v a="$(dpkg --print-architecture)" '$1 == "debian" && $2 == a { print $2, $3 }' packaging/packages.txt)
echo "== under OpenRC"
as_root packaging/alpine/test/openrc.sh "$(binary_of "$target")" "$out"
echo "== upgraded as opkg and apk do"
case $architecture in
    amd64) openwrt=x86_64 alpine=x86_64 ;;
    arm64) openwrt=aarch64_generic alpine=aarch64 ;;
    *) fail "which packages of OpenWrt and Alpine run on this machine?" ;;
esac
as_root packaging/openwrt/test/upgrade.sh "$packages"/websms_*_"openwrt_$openwrt.ipk" "$packages"/websms_*_"openwrt_$openwrt.apk" \
    "$packages"/websms_*_"alpine_$alpine.apk" "$out"
echo "packages: all well"
