#!/bin/bash
# usage: upgrade.sh IPK APK ALPINE-APK CACHE      (as root, after packaging/debian/test/install.sh: copies its scratch Debian)
# The packages' own scripts on an upgrade, with and without faults in the configuration, under busybox. Debian 12
# has neither opkg nor apk: stand-ins do what those do, in their order (opkg_install.c of opkg-lede; database.c
# of apk-tools, which goes on where pre-upgrade fails).
set -euo pipefail

if [ "$1" != inside ]; then
    root=$4/upgrade-scratch base=$4/debian
    [ -e "$base/complete" ] || { echo "upgrade.sh: no scratch Debian: run packaging/debian/test/install.sh first" >&2; exit 1; }
    rm -rf "${root:?}"
    cp -a --reflink=auto "$base" "$root"
    cp "$1" "$root/websms.ipk"
    cp "$2" "$root/openwrt.apk"
    cp "$3" "$root/alpine.apk"
    mkdir "$root/bb"
    cp "$(command -v busybox)" "$root/bb/busybox"
    cp "$0" "$root/upgrade.sh"
    unshare --mount --pid --net --fork --kill-child --mount-proc="$root/proc" chroot "$root" /bin/bash /upgrade.sh inside
    rm -rf "${root:?}"
    exit
fi

# ---- Inside ----------------------------------------------------------------------------------------

fail() { echo "upgrade.sh: $*" >&2; cat /log >&2; exit 1; }
program=/usr/lib/websms/websms conf=/etc/asterisk/websms.conf
adduser --system --group --quiet --home /var/lib/asterisk --no-create-home asterisk
mkdir -p /var/spool/asterisk /lib/functions
/bb/busybox --install -s /bb
ln -sf /bb/busybox /bin/sh
PATH=/bb:/usr/sbin:/usr/bin:/sbin:/bin

# OpenWrt's own parts. The service is asked for things, and notes in /asked what it did.
echo 'group_exists() { :; }; user_exists() { :; }' >/lib/functions.sh
cat >/etc/rc.common <<'EOF'
initscript=$1 action=$2
. "$initscript"
restart() { stop_service && start_service && echo restarted >>/asked; }
stop() { stop_service && echo stopped >>/asked; }
enable() { :; }
enabled() { :; }
disable() { echo disabled >>/asked; }
logger() { echo "$*" >&2; }
jsonfilter() { :; }
uci() { :; }
procd_open_instance() { :; }
procd_set_param() { :; }
procd_close_instance() { :; }
$action
EOF

# opkg install PACKAGE
cat >/bb/opkg <<'EOF'
#!/bb/sh
dir=/tmp/opkg-1/websms-1
rm -rf /tmp/opkg-1
mkdir -p "$dir"
[ -z "$FEED" ] || { cp /websms.ipk /tmp/opkg-1/ && set -- upgrade /tmp/opkg-1/websms.ipk; }
tar -xzOf "$2" ./control.tar.gz | tar -xz -C "$dir"
export PKG_UPGRADE=0 PKG_ROOT=/
if [ -e /info/control ]; then
    PKG_UPGRADE=1
    sh -c "/info/prerm upgrade 1.0.1-1" || exit 255
    sh -c "$dir/preinst upgrade 1.0.0-1" || { echo ' * opkg_install_pkg: Aborting installation of websms.'; exit 255; }
    cp -p /etc/asterisk/websms.conf /kept.conf
else
    sh -c "$dir/preinst install" || exit 255
fi
mkdir -p /info
cp "$dir"/* /info/
rm -f /usr/lib/websms/websms
tar -xzOf "$2" ./data.tar.gz | tar -xz -C /
[ ! -e /kept.conf ] || mv /kept.conf /etc/asterisk/websms.conf
sh -c "/info/postinst configure"
EOF
# apk add PACKAGE: files come under names of their own and are moved over those of before.
cat >/bb/apk <<'EOF'
#!/bb/sh
rm -rf /exec /new
mkdir -p /exec /new
zcat "$2" | tar -x -C /new
mv /new/.p* /exec/
run() { [ ! -e "/exec/$1" ] || { chmod 755 "/exec/$1"; "/exec/$@"; }; }
failed=0 upgrade=0
if [ -e /usr/lib/websms/websms ]; then
    upgrade=1
    run .pre-upgrade 1.0.1-r1 1.0.0-r1 || failed=1
    rm -f /new/etc/asterisk/websms.conf
else
    run .pre-install 1.0.1-r1 || failed=1
fi
(cd /new && find . ! -type d) | while read -r file; do
    mkdir -p "/${file%/*}"
    mv -f "/new/$file" "/$file"
done
mkdir -p /etc/websms/queue
if [ "$upgrade" = 1 ]; then run .post-upgrade 1.0.1-r1 1.0.0-r1 || failed=1; else run .post-install 1.0.1-r1 || failed=1; fi
exit $failed
EOF
printf '#!/bb/sh\nexit 0\n' >/bb/rc-service
chmod 755 /bb/opkg /bb/apk /bb/rc-service
cp /bb/rc-service /bb/rc-update

# does STATUS COMMAND: with that status, or any other than 0 for `fails`.
does() {
    local status=0
    : >/asked
    sh -c "$2" >/log 2>&1 || status=$?
    [ "$1" = fails ] && [ "$status" != 0 ] || [ "$status" = "$1" ] || fail "$2 gives $status, not $1"
}
sum() { md5sum <"$program"; }
# Another program in its place stands for the version before.
older() {
    { printf '#!/bin/sh\nexit 0\n'; } >"$program.old"
    chmod 755 "$program.old"
    mv "$program.old" "$program"
    before=$(sum)
}
faulty() { cp -p "$conf" /good.conf; printf '%s\n' '[websms]' 'auth_method = nonsense' >>"$conf"; }

# ---- opkg ------------------------------------------------------------------------------------------

does 0 'opkg install /websms.ipk'
new=$(sum)
"$program" --version >/dev/null
older
faulty
for way in 'opkg install /websms.ipk' 'cd / && opkg install ./websms.ipk' 'cd / && opkg install websms.ipk'; do
    does fails "$way"
    grep -q 'Aborting installation' /log || fail "$way is not stopped by preinst"
    grep -q ': fault: .*auth_method' /log || fail "$way names no fault"
    [ "$(sum)" = "$before" ] || fail "$way has replaced the program"
    [ ! -s /asked ] || fail "$way has touched the service"
done
# From a feed: the package stands in opkg's own folder.
does fails 'FEED=1 opkg upgrade websms'
grep -q 'Aborting installation' /log || fail "an upgrade from a feed is not stopped"
cp -p /good.conf "$conf"
does 0 'opkg install /websms.ipk'
! grep -q 'not to be found' /log || fail "preinst does not find the package"
[ "$(sum)" = "$new" ] || fail 'the upgrade does not take place'
grep -qx restarted /asked || fail 'the service is not restarted'
[ ! -e /tmp/opkg-1/websms-1/websms ] || fail 'preinst leaves the program behind'

# ---- apk -------------------------------------------------------------------------------------------

for package in openwrt alpine; do
    rm -f "$program" "$conf"
    [ "$package" = openwrt ] || rm -f /etc/init.d/websmsd
    does 0 "apk add /$package.apk"
    chgrp asterisk "$conf"
    [ "$(sum)" = "$new" ] || fail "$package: the program is not installed"
    older
    faulty
    does fails "apk add /$package.apk"
    grep -q ': fault: .*auth_method' /log || fail "$package: an upgrade names no fault"
    [ "$(sum)" = "$before" ] || fail "$package: the program before is not back"
    [ "$(md5sum <"$program.new")" = "$new" ] || fail "$package: the new program is not kept"
    [ ! -s /asked ] || fail "$package: the service was touched"
    [ ! -e "$program.before" ] || fail "$package: the program before has two names"
    cp -p /good.conf "$conf"
    does 0 "apk add /$package.apk"
    [ "$(sum)" = "$new" ] || fail "$package: the upgrade does not take place"
    [ "$package" = alpine ] || grep -qx restarted /asked || fail "$package: the service is not restarted"
    [ "$(ls /usr/lib/websms)" = websms ] || fail "$package: other files stay: $(ls /usr/lib/websms)"
done
