#!/bin/bash
# usage: install.sh DEB CACHE      (as root)
# The package in a scratch Debian: installed, upgraded with a changed configuration kept, removed, purged.
set -euo pipefail
deb=$1
base=$2/debian root=$2/debian-scratch

fail() { echo "install.sh: $*" >&2; exit 1; }
# inside COMMAND...: quietly, unless it fails.
inside() {
    local log=$root.log
    DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin unshare --mount --pid --fork --kill-child \
        --mount-proc="$root/proc" chroot "$root" "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "$* failed"; }
}
# expect PATH "MODE OWNER:GROUP"
expect() { [ "$(chroot "$root" stat -c '%a %U:%G' "$1")" = "$2" ] || fail "$1 is $(chroot "$root" stat -c '%a %U:%G' "$1"), not $2"; }
gone() { [ ! -e "$root$1" ] && [ ! -L "$root$1" ] && return; fail "$1 is still there"; }

packages=adduser,ca-certificates,systemd
if [ "$(cat "$base/complete" 2>/dev/null)" != "$packages" ]; then
    rm -rf "${base:?}"
    # shellcheck disable=SC1091
    debootstrap --variant=minbase --include="$packages" "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$base" \
        >"$base.log" 2>&1 || { tail "$base.log" >&2; fail "no scratch Debian"; }
    echo "$packages" >"$base/complete"
fi
rm -rf "${root:?}"
cp -a --reflink=auto "$base" "$root"
cp "$deb" "$root/one.deb"

# The next release, with a sample that has changed too.
dpkg-deb -R "$deb" "$root/next"
sed -i 's/^Version: .*/Version: 99.0-1/' "$root/next/DEBIAN/control"
echo '; new in this release' >>"$root/next/etc/asterisk/websms.conf"
sed -i '/websms\.conf$/d' "$root/next/DEBIAN/md5sums"
(cd "$root/next" && md5sum etc/asterisk/websms.conf >>DEBIAN/md5sums)
dpkg-deb -b "$root/next" "$root/next.deb" >/dev/null

# With it websmsd would see another /proc than websms, and take each of its starts for the system's.
! grep -q '^ProcSubset' "$root/next/usr/lib/systemd/system/websmsd.service" || fail "the unit hides boot_id"

inside dpkg -i /one.deb
# state: the version that is installed, where dpkg has nothing left to do.
state() { chroot "$root" dpkg -l websms | sed -nE 's/^ii +websms +([^ ]+) .*/\1/p'; }
version=$(state)
expect /etc/asterisk/websms.conf "640 root:asterisk"
expect /var/spool/asterisk "750 asterisk:asterisk"
# Asterisk makes outgoing in it, and websmsd, as the same user, staging.
gone /var/spool/asterisk/outgoing
gone /var/spool/asterisk/staging
inside setpriv --reuid=asterisk --regid=asterisk --clear-groups mkdir -m 0700 /var/spool/asterisk/outgoing /var/spool/asterisk/staging
expect /var/spool/websms "700 asterisk:asterisk"
for name in /usr/bin/websms /usr/sbin/websmsd /usr/share/asterisk/agi-bin/websms /usr/share/asterisk/agi-bin/websms.php; do
    inside "$name" --version
done
# As the user it will run as, with the sample as it comes.
inside setpriv --reuid=asterisk --regid=asterisk --clear-groups websmsd --check
# The package has no certificates of authorities: without the system's, a check warns, and names what brings them.
bundle=etc/ssl/certs/ca-certificates.crt
mv "$root/$bundle" "$root/bundle"
chroot "$root" websms --check >"$root.log" 2>&1 || { cat "$root.log" >&2; fail "--check takes a missing bundle for a fault"; }
grep -q 'no certificates of authorities.*ca-certificates (Debian)' "$root.log" || { cat "$root.log" >&2; fail "--check does not name the package"; }
mv "$root/bundle" "$root/$bundle"
# A small Debian has no man; that the pages are there is the manifest's.
inside systemd-analyze verify --man=no /usr/lib/systemd/system/websmsd.service
[ ! -s "$root.log" ] || { cat "$root.log" >&2; fail "the unit has warnings"; }

# Both units, that of the packages and that for /usr/local.
chroot "$root" install -D /usr/sbin/websmsd /usr/local/sbin/websmsd
cp "$(dirname "$0")/../../websmsd.service" "$root/etc/systemd/system/websmsd.service"
inside systemd-analyze verify --man=no /etc/systemd/system/websmsd.service
[ ! -s "$root.log" ] || { cat "$root.log" >&2; fail "the unit for /usr/local has warnings"; }
rm -r "${root:?}/etc/systemd/system/websmsd.service" "${root:?}/usr/local/sbin/websmsd"

# An upgrade over a configuration in which the new version finds faults: it ends before anything is replaced,
# however dpkg is told of the package.
cp -p "$root/etc/asterisk/websms.conf" "$root.good"
printf '%s\n' '[websms]' 'auth_method = nonsense' >>"$root/etc/asterisk/websms.conf"
mkdir "$root/folder"
ln -s ../next.deb "$root/folder/1-websms.deb"
sum=$(md5sum <"$root/usr/lib/websms/websms")
for way in "dpkg -i /next.deb" "cd / && dpkg -i one.deb next.deb" "dpkg --unpack --recursive /folder" "cd /folder && dpkg --unpack -R ."; do
    ! (inside sh -c "$way") 2>"$root.err" || fail "$way: the upgrade goes on with faults"
    grep -q 'finds faults in /etc/asterisk/websms.conf' "$root.log" || fail "$way: $(cat "$root.log")"
    grep -q ': fault: .*auth_method' "$root.log" || fail "$way names no fault"
    [ "$(md5sum <"$root/usr/lib/websms/websms")" = "$sum" ] || fail "$way has replaced the program"
    [ "$(state)" = "$version" ] || fail "after $way: $(state)"
    [ "$(find "$root/var/lib/dpkg" -name 'websms*.websms' -o -path '*tmp.ci/*')" = '' ] || fail "$way leaves files behind"
done
rm -r "${root:?}/folder"

cp -p "$root.good" "$root/etc/asterisk/websms.conf"
echo '; mine' >>"$root/etc/asterisk/websms.conf"
cp "$root/etc/asterisk/websms.conf" "$root.mine"
touch "$root/var/spool/websms/waiting"
inside dpkg --force-confdef --force-confold -i /next.deb
cmp "$root/etc/asterisk/websms.conf" "$root.mine" || fail "the upgrade lost the configuration"
[ -e "$root/etc/asterisk/websms.conf.dpkg-dist" ] || fail "the new sample is not beside it"
[ -e "$root/var/spool/websms/waiting" ] || fail "the upgrade lost the queue"
! grep -q 'not to be found' "$root.log" || fail "preinst does not find the package"
# Without /proc the package file is not to be found. Then the upgrade fails after it, until the faults are mended.
printf '%s\n' '[websms]' 'auth_method = nonsense' >>"$root/etc/asterisk/websms.conf"
! PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" dpkg -i /next.deb >"$root.log" 2>&1 || fail "an upgrade with faults does not fail"
grep -q 'not to be found' "$root.log" || fail "nobody says that the package was not found"
grep -q ': fault: .*auth_method' "$root.log" || fail "the faults are not named"
cp "$root.mine" "$root/etc/asterisk/websms.conf"
inside dpkg --configure websms
expect /etc/asterisk/websms.conf "640 root:asterisk"

inside dpkg -r websms
gone /usr/lib/websms
gone /usr/bin/websms
cmp "$root/etc/asterisk/websms.conf" "$root.mine" || fail "removing took the configuration"
[ -e "$root/var/spool/websms/waiting" ] || fail "removing took the queue"

inside dpkg -P websms
gone /etc/asterisk/websms.conf
gone /var/spool/websms
gone /var/spool/asterisk/staging

# A websmsd that was started by hand ends with the package, and does not make its queue again.
inside dpkg -i /one.deb
chroot "$root" install -d -m 0700 -o asterisk -g asterisk /var/spool/asterisk/outgoing
cp "$(dirname "$0")/purge.sh" "$root/purge.sh"
inside sh /purge.sh
gone /var/spool/websms
gone /usr/lib/websms

# Where Asterisk is another user's and runs, and a configuration is there that only root can read.
chroot "$root" useradd --system pbx
chroot "$root" install -d -m 0755 -o pbx -g pbx /var/spool/asterisk/outgoing
chroot "$root" install -D -m 0600 /dev/null /etc/asterisk/websms.conf
cp "$root.mine" "$root/etc/asterisk/websms.conf"
inside dpkg --force-confdef --force-confold -i /one.deb
cmp "$root/etc/asterisk/websms.conf" "$root.mine" || fail "installing lost the configuration"
expect /etc/asterisk/websms.conf "640 root:asterisk"
expect /var/spool/asterisk/outgoing "755 pbx:pbx"
inside setpriv --reuid=asterisk --regid=asterisk --clear-groups test -r /etc/asterisk/websms.conf
inside dpkg -r websms
expect /var/spool/asterisk/outgoing "755 pbx:pbx"
inside dpkg -P websms

# Where the folder of the configuration is Asterisk's, as Debian's own asterisk package makes it.
chroot "$root" install -d -m 0755 -o asterisk -g asterisk /etc/asterisk
inside dpkg -i /one.deb
expect /etc/asterisk/websms.conf "640 root:asterisk"
inside dpkg -P websms
chroot "$root" install -d -m 0755 -o asterisk -g asterisk /etc/asterisk
chroot "$root" install -m 0600 /dev/null /root/secret
chroot "$root" setpriv --reuid=asterisk --regid=asterisk --clear-groups ln -s /root/secret /etc/asterisk/websms.conf
inside dpkg --force-confdef --force-confold -i /one.deb
expect /root/secret "600 root:root"
grep -q 'asterisk cannot read /etc/asterisk/websms.conf' "$root.log" || fail "nobody said that Asterisk cannot read the configuration"
rm -rf "${root:?}" "${root:?}.mine" "${root:?}.log" "${root:?}.good" "${root:?}.err"
