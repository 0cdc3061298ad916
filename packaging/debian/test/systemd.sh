#!/bin/bash
# usage: systemd.sh DEB CACHE      (as root, after install.sh, whose scratch Debian it copies)
# The package under a real systemd, which runs in namespaces and in a control group of its own: started, and
# reloaded, restarted and upgraded with and without faults, killed, purged.
set -euo pipefail

deb=$1 base=$2/debian root=$2/systemd-scratch group=/sys/fs/cgroup/unified/websms-$$
fail() { echo "systemd.sh: $*" >&2; exit 1; }
[ -e "$base/complete" ] || fail "no scratch Debian: run packaging/debian/test/install.sh first"
# Where all of the groups are of version 2.
[ -e "$(dirname "$group")/cgroup.procs" ] || group=/sys/fs/cgroup/websms-$$
rm -rf "${root:?}"
cp -a --reflink=auto "$base" "$root"
cp "$deb" "$root/websms.deb"
# No devices can be made in here. The rest of the sandbox is that of the package.
install -D -m 0644 /dev/stdin "$root/etc/systemd/system/websmsd.service.d/scratch.conf" <<<$'[Service]\nPrivateDevices=no'

mkdir "$group"
(
    echo "$BASHPID" >"$group/cgroup.procs"
    # shellcheck disable=SC2016  # for the inner shell
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child bash -c '
        set -e
        mount --make-rprivate /
        mount --bind "$1" "$1"
        cd "$1"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        for folder in run tmp dev; do mount -t tmpfs tmpfs "$folder"; done
        for device in null zero full random urandom tty; do
            touch "dev/$device"
            mount --bind "/dev/$device" "dev/$device"
        done
        mkdir dev/shm
        pivot_root . .
        umount -l .
        exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target
    ' sh "$root" </dev/null >"$root.console" 2>&1
) &
outer=$!
end() {
    kill -KILL "$outer" 2>/dev/null || :
    wait "$outer" 2>/dev/null || :
    for _ in {1..50}; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.1
    done
    rm -rf "${root:?}" "${root:?}.console" "${root:?}.log"
}
trap end EXIT

# patiently COMMAND…: until it holds.
patiently() {
    for _ in {1..300}; do
        ! "$@" || return 0
        sleep 0.1
    done
    fail "$* does not come to hold: $(tail -n 5 "$root.console" "$root.log" 2>/dev/null)"
}
init() { pgrep -P "$outer" -x systemd; }
patiently init >/dev/null
inside() { nsenter -t "$(init)" -m -p -n -C -u -i -r -w env DEBIAN_FRONTEND=noninteractive "$@"; }
up() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]]; }
patiently up

# asks WANTED COMMAND…: 0, or `fails`.
asks() {
    local status=0
    inside "${@:2}" >"$root.log" 2>&1 || status=$?
    [ "$status" != 0 ] && status=fails
    [ "$status" = "$1" ] || { cat "$root.log" >&2; inside journalctl -u websmsd -n 5 --no-pager >&2; fail "${*:2} gives $status, not $1"; }
}
state() { inside systemctl show websmsd --property="$1" --value; }
is() { [ "$(state "$1")" = "$2" ] || fail "$1 is $(state "$1"), not $2"; }

conf=$root/etc/asterisk/websms.conf
asks 0 dpkg -i /websms.deb
cp -p "$conf" "$root/good.conf"
good() { cp -p "$root/good.conf" "$conf"; }
faulty() { printf '%s\n' '[websms]' 'auth_method = nonsense' >>"$conf"; }

asks 0 systemctl restart websmsd
is ActiveState active
main=$(state MainPID)
asks 0 systemctl reload websmsd
faulty
asks fails systemctl reload websmsd
is MainPID "$main"
# An upgrade with faults ends, and what runs is left.
asks fails dpkg -i /websms.deb
is MainPID "$main"

asks fails systemctl restart websmsd
is ActiveState failed
is NRestarts 0
inside systemctl --failed --no-legend | grep -q websmsd || fail 'systemctl --failed does not have it'
# Longer than it would wait before it starts again.
sleep 6
is ActiveState failed

good
asks 0 systemctl restart websmsd
# A crash is another thing.
asks 0 systemctl kill --signal=KILL websmsd
again() { [ "$(state NRestarts) $(state ActiveState)" = '1 active' ]; }
patiently again
main=$(state MainPID)
asks 0 dpkg -i /websms.deb
[ "$(state MainPID)" != "$main" ] || fail 'an upgrade does not restart it'
is ActiveState active
asks 0 dpkg -P websms
! grep -qsx websmsd "$(printf '/proc/%s/root/proc/' "$(init)")"[0-9]*/comm || fail 'it runs on without its package'
