#!/bin/sh
# What OpenRC's script and the package's do to folders and to the configuration, with stubs of checkpath and install, under
# whatever shell runs this.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
calls=$root/calls

expect() {
    [ "$2" = "$3" ] || { printf 'scripts.sh: %s:\n   found %s\n  wanted %s\n' "$1" "$2" "$3" >&2; exit 1; }
}
checkpath() { echo "checkpath $*" >>"$calls"; }
install() { echo "install $*" >>"$calls"; }

for script in websmsd post-install; do
    sed -e "s|/var/spool|$root/var/spool|g; s|/etc/asterisk|$root/etc/asterisk|g" "$here/$script" >"$root/$script"
done
spool=$root/var/spool/asterisk
mkdir -p "$root/var/spool" "$root/etc/asterisk"
# shellcheck source=/dev/null
. "$root/websmsd"

: >"$calls"
start_pre
expect 'nothing there: all folders, and no configuration' "$(cat "$calls")" "checkpath -d -m 0750 -o asterisk:asterisk $spool
checkpath -d -m 0750 -o asterisk:asterisk $spool/outgoing
checkpath -d -m 0700 -o asterisk:asterisk $spool/staging
checkpath -d -m 0700 -o asterisk:asterisk $root/var/spool/websms"

: >"$calls"
# shellcheck source=/dev/null
. "$root/post-install" >/dev/null
expect 'the package, nothing there' "$(cat "$calls")" "install -d -m 0750 -o asterisk -g asterisk $spool
install -d -m 0750 -o asterisk -g asterisk $spool/outgoing
install -d -m 0700 -o asterisk -g asterisk $spool/staging"

mkdir -p "$spool/outgoing" "$spool/staging"
touch "$root/etc/asterisk/websms.conf"
: >"$calls"
start_pre
expect "a spool that is there is somebody's" "$(cat "$calls")" "checkpath -d -m 0700 -o asterisk:asterisk $root/var/spool/websms
checkpath -f -m 0640 -o root:asterisk $root/etc/asterisk/websms.conf"
: >"$calls"
# shellcheck source=/dev/null
. "$root/post-install" >/dev/null
expect 'the package leaves it alone too' "$(cat "$calls")" ''
