#!/bin/bash
# usage: openrc.sh BINARY CACHE      (as root, after packaging/debian/test/install.sh, whose scratch Debian it copies)
# The service under a real OpenRC, Debian's 0.45.2: one that misspells no_new_privs and was built without libcap. It is
# started, and asked to reload, restart and start with a faulty configuration.
set -euo pipefail

# This part runs in the scratch system, without a network and with processes of its own.
if [ "$1" = inside ]; then
    fail() { echo "openrc.sh: $*" >&2; exit 1; }
    # asks WANTED COMMAND: the status that rc-service gives.
    asks() {
        local status=0
        rc-service websmsd "$2" >/log 2>&1 || status=$?
        [ "$status" = "$1" ] || { cat /log >&2; fail "$2 gives $status, not $1"; }
    }
    daemon() { pgrep -x websmsd || true; }
    pgrep() { for it in /proc/[0-9]*; do [ "$(cat "$it/comm" 2>/dev/null)" != "$2" ] || echo "${it#/proc/}"; done; }

    mount -t proc proc /proc
    mount -t tmpfs tmpfs /run
    # OpenRC makes these folders when the system starts.
    mkdir -p /run/lock /run/openrc/{starting,started,stopping,inactive,wasinactive,failed,hotplugged,daemons,options,exclusive,scheduled,tmp}
    echo default >/run/openrc/softlevel
    adduser --system --group --quiet --home /var/lib/asterisk --no-create-home asterisk

    asks 0 start
    for _ in {1..100}; do
        pid=$(daemon)
        [ -z "$pid" ] || ! grep -q '^Uid:.0' "/proc/$pid/status" || pid=
        [ -z "$pid" ] || break
        sleep 0.1
    done
    [ -n "$pid" ] || { cat /log >&2; fail "websmsd does not run, or runs as root"; }
    grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail "websmsd may get new privileges"
    [ "$(stat -c '%a %U' /var/spool/websms)" = '700 asterisk' ] || fail "the queue is not asterisk's"
    asks 0 reload

    cp -p /etc/asterisk/websms.conf /good.conf
    printf '%s\n' '[websms]' 'auth_method = nonsense' >>/etc/asterisk/websms.conf
    for command in reload restart; do
        asks 1 "$command"
        grep -q ': fault: ' /log || fail "$command names no fault"
        [ "$(daemon)" = "$pid" ] || fail "$command with faults has ended what ran"
    done
    asks 0 stop
    asks 1 start
    [ -z "$(daemon)" ] || fail "it runs with faults"
    cp -p /good.conf /etc/asterisk/websms.conf
    asks 0 start
    asks 0 restart
    asks 0 stop
    exit
fi

binary=$1 base=$2/debian root=$2/openrc-scratch
here=$(cd "$(dirname "$0")/.." && pwd)
[ -e "$base/complete" ] || { echo "openrc.sh: no scratch Debian: run packaging/debian/test/install.sh first" >&2; exit 1; }
rm -rf "${root:?}"
cp -a --reflink=auto "$base" "$root"
mkdir "$root/debs"
(cd "$root/debs" && apt-get -qq download openrc librc1 libeinfo1 2>/dev/null)
for deb in "$root"/debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$root"; done
# OpenRC reads all scripts there; those of others would only add warnings.
find "$root/etc/init.d" -type f -delete
touch "$root/etc/insserv.conf"
install -D "$binary" "$root/usr/lib/websms/websms"
ln -s ../lib/websms/websms "$root/usr/sbin/websmsd"
install "$here/websmsd" "$root/etc/init.d/websmsd"
# Nothing in the scratch system provides a network.
sed -i '/need net/d' "$root/etc/init.d/websmsd"
install -D -m 0600 "$here/../websms.conf" "$root/etc/asterisk/websms.conf"
cp "$0" "$root/openrc.sh"
unshare --mount --pid --uts --net --fork --kill-child chroot "$root" /bin/bash /openrc.sh inside
rm -rf "${root:?}"
