#!/bin/sh
# usage: fakeroot SHELL init.sh
# The init script, run with stubs of what OpenWrt gives it, and what a package runs after it was installed. All paths stand below
# a scratch folder; fakeroot remembers owners, so that neither the script nor this test changes one in truth.
set -eu
[ -n "${FAKEROOTKEY:-}" ] || { echo 'init.sh: to be run under fakeroot' >&2; exit 2; }
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "${root:?}"' EXIT
box=$root/box calls=$root/calls log=$root/log conf=/etc/asterisk/websms.conf
failures=0

expect() {
    [ "$2" != "$3" ] || return 0
    printf 'init.sh: %s:\n   found %s\n  wanted %s\n' "$1" "$2" "$3" >&2
    failures=$((failures + 1))
}
# said NAME PATTERN: that a line of the log matches.
said() { grep -q -e "$2" "$log" || expect "$1: the log" "$(cat "$log")" "$2"; }
owner() { stat -c '%a %u:%g' "$box$1" 2>&1 | sed "s|$root||"; }

# ---- Stubs -----------------------------------------------------------------------------------------

mkdir "$root/bin" "$root/applets"
# stub NAME, with its text on the standard input.
stub() {
    { echo '#!/bin/sh'; cat; } >"$root/bin/$1"
    chmod +x "$root/bin/$1"
}
stub websmsd <<EOF
case "\$*" in
    "-c $box/etc/asterisk/websms.conf --dump-config") echo '{}' ;;
    "-c $box/etc/asterisk/websms.conf --check") cat "$root/faults" 2>/dev/null && exit 2 ;;
    *) exit 3 ;;
esac
exit 0
EOF
# The files staging and queue hold what the configuration says.
stub jsonfilter <<EOF
cat >/dev/null
case "\$*" in
    "-q -e @['astqueue']['stagingdir']") cat "$root/staging" ;;
    "-q -e @['queue']['dir']") cat "$root/queue" ;;
esac 2>/dev/null
EOF
stub chown <<'EOF'
link=
if [ "$1" = -h ]; then link=-h; shift; fi
case $1 in
    root:asterisk) shift; exec /bin/chown $link 0:385 "$@" ;;
    asterisk:asterisk) shift; exec /bin/chown $link 385:385 "$@" ;;
esac
EOF
stub id <<'EOF'
[ "$*" != '-u asterisk' ] || echo 385
EOF
stub logger <<EOF
[ "\$*" = "-s -t websmsd -p daemon.warn \$6" ] && echo "\$6" | sed 's|$box||g' >>$log
EOF
# /disk is a device of its own.
stub df <<EOF
[ "\$1" = -P ] || exit 1
shift
echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'
for path; do
    case \$(cd "\$path" && pwd -P)/ in
        $box/disk/*) echo '/dev/sda1           7559368   12 7152316   1% /disk' ;;
        *)           echo "overlayfs:/overlay    58176  \$\$ 56404   1% /" ;;
    esac
done
EOF
stub uci <<EOF
[ "\$*" = '-q show fstab' ] || exit 1
echo "fstab.@global[0].anon_mount='1'"
echo "fstab.@mount[0]=mount"
echo "fstab.@mount[0].target='$box/srv/stick'"
echo "fstab.@mount[0].enabled='1'"
EOF
# Under busybox its own tools, as on a router.
case $(readlink "/proc/$$/exe") in
    *busybox)
        for applet in chmod grep ls mkdir readlink sed uniq wc; do ln -s "$(command -v busybox)" "$root/applets/$applet"; done
        ;;
esac
PATH=$root/bin:$root/applets:$PATH

# procd's functions, each of which writes down how it was called.
for name in procd_open_instance procd_set_param procd_close_instance procd_send_signal; do
    eval "$name() { echo \"$name \$*\" >>\"\$calls\"; }"
done

below() { sed -e "s#\(/etc\|/mnt\|/tmp\|/var\)\>#$box\1#g; s#/usr/sbin/websmsd#$root/bin/websmsd#g" "$1"; }
below "$here/../websmsd.init" >"$root/websmsd"
# shellcheck source=/dev/null
. "$root/websmsd"

# fresh: a router that boots with the package's own configuration.
fresh() {
    rm -rf "${box:?}" "${root:?}/staging" "${root:?}/faults"
    mkdir -p "$box/etc/asterisk" "$box/etc/websms/queue" "$box/tmp" "$box/mnt/usb" "$box/srv/stick" "$box/disk"
    ln -s tmp "$box/var"
    chmod 1777 "$box/tmp"
    mkdir "$box/tmp/spool"
    chmod 700 "$box/etc/websms/queue"
    (umask 077 && echo conf >"$box/etc/asterisk/websms.conf" && echo secret >"$box/secret")
    echo "$box/etc/websms/queue" >"$root/queue"
    : >"$log"
    : >"$calls"
}
# start: as rc.common runs it, which does not stop at what fails.
start() { action=start && set +e; start_service; set -e; }
# names STAGINGDIR DIR: what the configuration names.
names() { echo "$box$1" >"$root/staging"; echo "$box$2" >"$root/queue"; }
# asterisks PATH…: belong to Asterisk's user.
asterisks() { for path; do /bin/chown -h 385:385 "$box$path"; done; }

# ---- The usual -------------------------------------------------------------------------------------

expect 'after the network, before Asterisk' "$((START > 20 && START < 99))" 1
expect 'USE_PROCD' "$USE_PROCD" 1

fresh
start
expect 'procd' "$(cat "$calls")" "procd_open_instance 
procd_set_param command $root/bin/websmsd -c $box/etc/asterisk/websms.conf
procd_set_param user asterisk
procd_set_param group asterisk
procd_set_param no_new_privs 1
procd_set_param respawn 3600 5 0
procd_set_param stdout 1
procd_set_param stderr 1
procd_close_instance "
expect 'the configuration' "$(owner /etc/asterisk/websms.conf)" '640 0:385'
expect 'the queue' "$(owner /etc/websms/queue)" '700 385:385'
expect 'the spool' "$(owner /var/spool/asterisk)" '750 385:385'
expect 'what Asterisk and websmsd make themselves' "$(ls -A "$box/var/spool/asterisk")" ''
expect 'the folders above' "$(owner /tmp/spool)" '755 0:0'
expect 'nothing to say' "$(cat "$log")" ''

# Once more: what is there stays as it is.
touch "$box/etc/websms/queue/waiting"
mkdir "$box/secrets"
ln -s "$box/secrets" "$box/var/spool/asterisk/outgoing"
chmod 2770 "$box/var/spool/asterisk"
start
expect 'a waiting message' "$(ls "$box/etc/websms/queue")" waiting
expect 'the spool stays as it is' "$(owner /var/spool/asterisk)" '2770 385:385'
expect "where Asterisk's link leads" "$(owner /secrets)" '755 0:0'
expect 'again nothing to say' "$(cat "$log")" ''

# Without /var/spool, and a configuration that names no folder: that which the program takes by itself.
fresh
rmdir "$box/var/spool"
: >"$root/queue"
start
expect 'the queue of a configuration without one' "$(owner /var/spool/websms)" '700 385:385'
expect 'the folder above it' "$(owner /var/spool)" '755 0:0'

fresh
names //var/sms/a/./staging// /etc/websms/other
start
expect 'another folder below /var' "$(owner /var/sms/a/staging)" '700 385:385'
expect 'and those above it' "$(owner /var/sms) $(owner /var/sms/a)" '755 0:0 755 0:0'
expect 'a queue on the device of /etc' "$(owner /etc/websms/other)" '700 385:385'
expect 'nothing to say of them' "$(cat "$log")" ''

# The folder may be elsewhere, if root has laid the link.
fresh
mv "$box/etc/asterisk" "$box/srv/asterisk"
ln -s ../srv/asterisk "$box/etc/asterisk"
start
expect "the configuration behind root's link" "$(owner /srv/asterisk/websms.conf)" '640 0:385'

fresh
action=reload
reload_service
expect 'reload' "$(cat "$calls")" 'procd_send_signal websmsd * HUP'

# With faults each command fails, and neither is what runs stopped nor does procd hear of a service.
for action in start restart reload boot; do
    fresh
    printf '%s\n' "$box$conf:3: fault: no such key" "$box$conf:4: warning: no such name" >"$root/faults"
    case $action in
        restart) command=stop_service ;;
        reload) command=reload_service ;;
        *) command=start_service ;;
    esac
    ("$command" 2>/dev/null && echo 'goes on' >>"$calls") && expect "$action with faults" 'status 0' 'another'
    expect "$action with faults" "$(cat "$calls")" ''
    said "$action with faults" "^$conf has faults, so this is not done: $action$"
    said "$action with faults" "^$conf:3: fault: no such key$"
    expect "$action with faults: lines" "$(wc -l <"$log")" 2
done
action=stop
stop_service

# ---- What is not made ------------------------------------------------------------------------------

# not_made NAME STAGINGDIR DIR REASON…: nothing new stands outside /tmp, and the log says why.
not_made() {
    case=$1
    names "$2" "$3"
    before=$(cd "$box" && find . -path ./tmp -prune -o -print | sort)
    start
    expect "$case" "$(cd "$box" && find . -path ./tmp -prune -o -print | sort)" "$before"
    shift 3
    for reason; do said "$case" "$reason"; done
    expect "$case: lines in the log" "$(wc -l <"$log")" "$#"
}
fresh
not_made 'a stick that is not mounted' /mnt/usb/asterisk/staging /mnt/usb/queue \
    '^\[astqueue\] stagingdir /mnt/usb/asterisk/staging is not made, since /mnt/usb/asterisk is missing: mount .* or: mkdir -p /mnt/usb/asterisk/staging && chown asterisk:asterisk /mnt/usb/asterisk/staging$' \
    '^\[queue\] dir /mnt/usb/queue is not made, since it is neither below /var nor on the device of /etc: mount .* or: mkdir -p /mnt/usb/queue && chown '
fresh
not_made 'a stick elsewhere that is not mounted' /srv/stick/staging /srv/stick/queue 'stagingdir .* since it is not below /var: mount' 'dir /srv/stick/queue'
fresh
rmdir "$box/srv/stick"
not_made 'its mount point is missing too' /etc/websms/queue /srv/stick 'dir /srv/stick is not made'
fresh
not_made 'a stick that is mounted' /disk/staging /disk/queue 'stagingdir /disk/staging' 'dir /disk/queue'
fresh
not_made 'a staging folder on the device of /etc' /etc/websms/staging /etc/websms/queue 'since it is not below /var'
fresh
not_made 'a queue whose parent is missing' /etc/websms/queue /etc/sms/queue 'since /etc/sms is missing: '
fresh
echo file >"$box/srv/file"
not_made 'a file in the place of a folder' /var/spool/asterisk/staging /srv/file 'dir /srv/file is not made, since mkdir: .*exists'
not_made 'a file on the way' /var/spool/asterisk/staging /srv/file/queue 'dir /srv/file ' 'since /srv/file is no folder'

# ---- What others lay in the way --------------------------------------------------------------------

# left NAME PATH…: neither those nor the secret were touched, no folder was made that the configuration names, and the log has one
# line. Else a fault in the name of its place.
left() {
    case=$1
    names /var/theirs /etc/theirs
    shift
    before=$(for path in /secret "$@"; do owner "$path"; done)
    start
    expect "$case" "$(for path in /secret "$@"; do owner "$path"; done)" "$before"
    expect "$case: no folder" "$(ls -d "$box/var/theirs" "$box/etc/theirs" 2>/dev/null)" ''
    expect "$case: the queue all the same" "$(owner /etc/websms/queue) $(owner /var/spool/websms)" '700 385:385 700 385:385'
    expect "$case: lines in the log" "$(wc -l <"$log")" 1
}
kept="^$conf keeps its owner, and no folder is made that it names, since"
fresh
ln -sf "$box/secret" "$box$conf"
left 'a link at the configuration'
said 'a link at the configuration' "$kept it is no regular file: "
fresh
ln -f "$box/secret" "$box$conf"
left 'a hard link'
said 'a hard link' "$kept it has another name too (a hard link): "
fresh
rm "${box:?}$conf"
mkfifo -m 600 "$box$conf"
left 'a fifo' "$conf"
said 'a fifo' "$kept it is no regular file: "
fresh
asterisks /etc/asterisk "$conf"
left "all of it Asterisk's" "$conf"
said "all of it Asterisk's" "$kept /etc/asterisk belongs to user 385: "
fresh
asterisks "$conf"
left "Asterisk's own file" "$conf"
said "Asterisk's own file" "$kept it belongs to user 385: "
for mode in 602 620; do
    fresh
    chmod "$mode" "$box$conf"
    left "mode $mode" "$conf"
    said "mode $mode" "$kept others than root can write it: "
done
fresh
chmod 775 "$box/etc/asterisk"
left 'a folder that its group can write' "$conf"
fresh
mkdir "$box/srv/pbx" "$box/srv/pbx/asterisk"
mv "$box$conf" "$box/srv/pbx/asterisk/"
rmdir "$box/etc/asterisk"
asterisks /srv/pbx
ln -s "$box/srv/pbx/asterisk" "$box/etc/asterisk"
left "root's link that leads through Asterisk's folder" /srv/pbx/asterisk/websms.conf
said "root's link that leads through Asterisk's folder" "$kept /srv/pbx belongs to user 385: "
fresh
rm -r "${box:?}/etc/asterisk"
ln -s asterisk "$box/etc/asterisk"
left 'a link to itself'

# Whatever Asterisk's user lays below /tmp, root makes nothing where it leads.
fresh
rmdir "$box/tmp/spool"
ln -s "$box/srv" "$box/tmp/spool"
asterisks /tmp/spool
not_made "Asterisk's link in place of /var/spool" /var/spool/asterisk/staging /etc/websms/queue
fresh
mkdir "$box/tmp/spool/asterisk"
ln -s "$box/etc/websms" "$box/tmp/spool/asterisk/way"
asterisks /tmp/spool/asterisk /tmp/spool/asterisk/way
not_made "a link in the middle, in Asterisk's spool" /var/spool/asterisk/way/staging /var/spool/asterisk/way/other
fresh
ln -s "$box/etc/websms/other" "$box/tmp/staging"
asterisks /tmp/staging
not_made 'a link to nowhere at the end' /var/staging /etc/websms/queue 'stagingdir /var/staging is not made, since mkdir: .*exists'
fresh
mkdir "$box/var/open"
chmod 777 "$box/var/open"
not_made 'a folder where everybody may write' /var/open/staging /var/open/way/queue 'stagingdir .* since others than root can write in /tmp/open: give ' 'dir '
expect 'and nothing in it' "$(ls "$box/var/open")" ''

# ---- After the installation ------------------------------------------------------------------------

# The service notes what is asked of it, and `off` stands for an operator who switched it off.
mkdir "$root/lib"
echo 'group_exists() { :; }; user_exists() { :; }' >"$root/lib/functions.sh"
cat >"$root/asked" <<EOF
case \$0 in
    */init.d/websmsd)
        echo "\$1" >>$calls
        case \$1 in
            enabled) [ ! -e $root/off ] ;;
            restart) prepare ;;
        esac
        ;;
esac
EOF
below "$here/../postinst" | sed "s|\$IPKG_INSTROOT/lib|$root/lib|" >"$root/postinst"
# after WANTED COMMAND…: what the service was asked.
after() {
    fresh
    [ ! -e "$root/link" ] || ln -sf "$box/secret" "$box$conf"
    mkdir "$box/etc/init.d"
    { echo "#!/bin/sh"; cat "$root/websmsd" "$root/asked"; } >"$box/etc/init.d/websmsd"
    chmod +x "$box/etc/init.d/websmsd"
    wanted=$1
    shift
    "$@"
    expect "$*" "$(tr '\n' ' ' <"$calls")" "$wanted"
    expect "$*: the queue" "$(owner /etc/websms/queue)" '700 385:385'
}
after 'enable enabled restart ' env IPKG_INSTROOT= sh "$root/postinst" configure
expect 'the configuration' "$(owner "$conf")" '640 0:385'
after 'enable enabled restart ' env IPKG_INSTROOT= sh "$root/postinst" 1.0.0-r1
touch "$root/off"
after 'enabled ' env IPKG_INSTROOT= PKG_UPGRADE=1 sh "$root/postinst" configure
expect 'the configuration of a service that is off' "$(owner "$conf")" '640 0:385'
touch "$root/link"
after 'enabled ' env IPKG_INSTROOT= sh "$root/postinst" 1.0.1-r1 1.0.0-r1
expect 'where a link at the configuration leads' "$(owner /secret)" '600 0:0'

[ "$failures" = 0 ]
