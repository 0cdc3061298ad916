#!/bin/sh
# What OpenRC's script and the package's do to folders and to the configuration, with stubs of checkpath and install, under
# whatever shell runs this.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
trap 'rm -rf "${root:?}"' EXIT
calls=$root/calls
failures=0

expect() {
    [ "$2" != "$3" ] || return 0
    printf 'scripts.sh: %s:\n   found %s\n  wanted %s\n' "$1" "$2" "$3" >&2
    failures=$((failures + 1))
}
# As the real one, which opens no link and refuses a file with a second name.
checkpath() {
    echo "checkpath $*" >>"$calls"
    [ "$(find "$6" -maxdepth 0 -type f -links +1 2>/dev/null)" = '' ]
}
install() { echo "install $*" >>"$calls"; }
ewarn() { echo "ewarn $*" >>"$calls"; }
eerror() { echo "eerror $*" >>"$calls"; }
ebegin() { echo "ebegin $*" >>"$calls"; }
eend() { return "$1"; }
# supervise-daemon refuses the option that stands in `lacks`, and notes a signal; websmsd finds the faults that stand in `faults`.
mkdir "$root/bin"
cat >"$root/bin/supervise-daemon" <<EOF
#!/bin/sh
case "\$*" in
    *--help) [ "\$2" != "\$(cat "$root/lacks")" ] ;;
    *) echo "supervise-daemon \$*" >>"$calls" ;;
esac
EOF
cat >"$root/bin/websmsd" <<EOF
#!/bin/sh
[ "\$*" = '-c /my conf --check' ] || exit 3
! cat "$root/faults" 2>/dev/null || exit 2
EOF
chmod +x "$root/bin/supervise-daemon" "$root/bin/websmsd"
PATH=$root/bin:$PATH
: >"$root/lacks"
# runs COMMAND…: what it did, and its status where that is a failure.
runs() {
    : >"$calls"
    "$@" >/dev/null || echo "status $?" >>"$calls"
    cat "$calls"
}

for script in websmsd post-install; do
    sed -e "s|/var/spool|$root/var/spool|g; s|/etc/asterisk|$root/etc/asterisk|g; s|/usr/sbin|$root/bin|" "$here/$script" \
        >"$root/$script"
done
spool=$root/var/spool/asterisk conf=$root/etc/asterisk/websms.conf
mkdir -p "$root/var/spool" "$root/etc/asterisk"
# shellcheck disable=SC2034,SC2089,SC2090  # the script reads them, by eval
export RC_SVCNAME=websmsd command_args="-c '/my conf'"
# shellcheck source=/dev/null
. "$root/websmsd"
queue_made="checkpath -d -m 0700 -o asterisk:asterisk $root/var/spool/websms"
conf_owned="checkpath -f -m 0640 -o root:asterisk $conf"

expect 'nothing there: the spool, the queue, and no configuration' "$(runs start_pre)" \
    "checkpath -d -m 0750 -o asterisk:asterisk $spool
$queue_made"
expect 'the package, nothing there' "$(runs . "$root/post-install")" "install -d -m 0750 -o asterisk -g asterisk $spool"

# In a spool that is there Asterisk makes outgoing, and websmsd staging.
mkdir "$spool"
echo conf >"$conf"
expect "a spool that is there is somebody's" "$(runs start_pre)" "$queue_made
$conf_owned"
expect 'the package leaves it alone too' "$(runs . "$root/post-install")" ''
rmdir "${spool:?}"
ln -s "$root/elsewhere" "$spool"
expect "root's link to a disk that is not mounted" "$(runs start_pre)$(runs . "$root/post-install")" "$queue_made
$conf_owned"

# A link, a fifo or a file of two names is not touched. websmsd starts, and reports it.
ln "$conf" "$root/second"
expect 'a hard link' "$(runs start_pre)" "$queue_made
$conf_owned
ewarn $conf keeps its owner and mode"
ln -sf "$root/second" "$conf"
expect 'a link' "$(runs start_pre)" "$queue_made"
rm "${conf:?}"
mkfifo "$conf"
expect 'a fifo' "$(runs start_pre)" "$queue_made"

# limited OPTION: who starts websmsd, with which rights, where supervise-daemon lacks that option.
limited() {
    echo "$1" >"$root/lacks"
    (start_pre >/dev/null 2>&1 && echo "${command_user-root}, ${capabilities-all}, ${supervise_daemon_args-}")
}
expect 'OpenRC that can do all' "$(limited nothing)" 'asterisk:asterisk, ^cap_net_bind_service,  --no-new-privs'
expect 'OpenRC without libcap' "$(limited --capabilities)" 'root, all,  --no-new-privs'
expect 'OpenRC without no_new_privs' "$(limited --no-new-privs)" 'asterisk:asterisk, ^cap_net_bind_service, '
expect 'the variable that versions before 0.52 misspell' "${no_new_privs-}" ''

# With faults each command fails, and what runs is left alone.
echo nothing >"$root/lacks"
echo 'websms.conf:3: fault: no such key' >"$root/faults"
faulty='eerror websmsd: the configuration has faults
status 1'
expect 'start with faults' "$(runs start_pre 2>/dev/null)" "$queue_made
$faulty"
expect 'reload with faults' "$(runs reload 2>/dev/null)" "$faulty"
export RC_CMD=restart
expect 'restart with faults' "$(runs stop_pre 2>/dev/null)" "$faulty"
expect 'the faults' "$(checkconfig 2>&1 >/dev/null || :)" 'websms.conf:3: fault: no such key'
RC_CMD=stop
expect 'stop with faults' "$(runs stop_pre 2>/dev/null)" ''
rm "${root:?}/faults"
RC_CMD=restart
expect 'restart' "$(runs stop_pre 2>/dev/null)" ''
expect 'reload' "$(runs reload 2>/dev/null)" 'ebegin Reloading websmsd
supervise-daemon websmsd --signal HUP'

[ "$failures" = 0 ]
