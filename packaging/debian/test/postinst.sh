#!/bin/sh
# usage: fakeroot SHELL postinst.sh
# Runs the script that follows the installation, with stubs of what belongs to the system. All paths stand below a scratch folder;
# fakeroot remembers owners, so that neither the script nor this test changes one in truth.
set -eu
[ -n "${FAKEROOTKEY:-}" ] || { echo 'postinst.sh: to be run under fakeroot' >&2; exit 2; }
umask 022
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "${root:?}"' EXIT
box=$root/box
failures=0

expect() {
    [ "$2" != "$3" ] || return 0
    printf 'postinst.sh: %s:\n   found %s\n  wanted %s\n' "$1" "$2" "$3" >&2
    failures=$((failures + 1))
}
owner() { stat -c '%a %u:%g' "$box$1" 2>&1 | sed "s|$root||"; }

# stub NAME, with its text on the standard input. The user asterisk has the number 385.
mkdir "$root/bin"
stub() {
    { echo '#!/bin/sh'; cat; } >"$root/bin/$1"
    chmod +x "$root/bin/$1"
}
stub getent <<'EOF'
[ "$*" = 'passwd asterisk' ]
EOF
stub chown <<'EOF'
link=
if [ "$1" = -h ]; then link=-h; shift; fi
case $1 in
    root:asterisk) shift; exec /bin/chown $link 0:385 "$@" ;;
    asterisk:asterisk) shift; exec /bin/chown $link 385:385 "$@" ;;
esac
EOF
stub install <<'EOF'
[ "$1 $2 $4 $5 $6 $7" = '-d -m -o asterisk -g asterisk' ] || exit 1
mkdir -p -m "$3" "$8" && /bin/chown 385:385 "$8"
EOF
# Asterisk's user reads what is its own or its group's.
stub setpriv <<'EOF'
[ "$1 $2 $3 $4 $5" = '--reuid=asterisk --regid=asterisk --init-groups test -r' ] || exit 1
case $(stat -L -c '%u:%g' "$6" 2>/dev/null) in 385:* | *:385) ;; *) exit 1 ;; esac
EOF
stub websmsd <<EOF
[ "\$*" = --check ] || exit 3
! cat "$root/faults" 2>/dev/null || exit 2
EOF
PATH=$root/bin:$PATH

sed "s#\(/etc\|/run\|/var\)\>#$box\1#g" "$here/../postinst" >"$root/postinst"
conf=/etc/asterisk/websms.conf
# fresh: the files are unpacked.
fresh() {
    rm -rf "${box:?}"
    mkdir -p "$box/etc/asterisk" "$box/var/spool"
    mkdir -m 700 "$box/var/spool/websms"
    (umask 077 && echo conf >"$box$conf" && echo secret >"$box/secret")
}
# asterisks PATH…: belong to Asterisk's user.
asterisks() { for path; do /bin/chown -h 385:385 "$box$path"; done; }
# configure [VERSION]: the script runs; `told` becomes whether it told that Asterisk cannot read the configuration.
configure() {
    told=no
    sh -e "$root/postinst" configure "${1:-}" >"$root/out" || expect "postinst configure $*" "status $?" 'status 0'
    ! grep -q '^websms: the user asterisk cannot read' "$root/out" || told=yes
}

fresh
configure
expect 'the configuration' "$(owner $conf), told: $told" '640 0:385, told: no'
expect 'the queue' "$(owner /var/spool/websms)" '700 385:385'
expect 'the spool' "$(owner /var/spool/asterisk)" '750 385:385'
expect 'what Asterisk and websmsd make themselves' "$(ls -A "$box/var/spool/asterisk")" ''

# A configuration of root's that was there before.
fresh
chmod 644 "$box$conf"
configure
expect 'a configuration that everybody could read' "$(owner $conf)" '640 0:385'

# A configuration that others than root can have written may name any program, which root would run.
for written in 'a file of its own' 'its group can write' 'others can write' 'Asterisk can write'; do
    fresh
    case $written in
        'its group can write') chmod 660 "$box$conf" ;;
        'others can write') chmod 646 "$box$conf" ;;
        'Asterisk can write') chown root:asterisk "$box$conf" && chmod 660 "$box$conf" ;;
        *) asterisks $conf ;;
    esac
    before=$(owner $conf)
    configure
    expect "a configuration before: $written" "$(owner $conf)" "$before"
    expect "a configuration before: $written: told" "$(grep -c '^websms: others than root can have written' "$root/out")" 1
done

# Debian's own asterisk package was there before: it owns the folder, and dpkg has set the owner of the file.
fresh
asterisks /etc/asterisk
chown root:asterisk "$box$conf"
chmod 640 "$box$conf"
configure
expect 'the usual order' "$(owner $conf), told: $told" '640 0:385, told: no'

# A spool that is there is somebody's.
fresh
mkdir -m 755 "$box/var/spool/asterisk"
configure
expect 'a spool of root' "$(owner /var/spool/asterisk) $(ls -A "$box/var/spool/asterisk")" '755 0:0 '
fresh
mkdir "$box/secrets" "$box/var/spool/asterisk"
ln -s "$box/secrets/new" "$box/var/spool/asterisk/outgoing"
asterisks /var/spool/asterisk /var/spool/asterisk/outgoing
configure
expect "where a link in Asterisk's spool leads" "$(ls -A "$box/secrets")" ''
fresh
ln -s "$box/elsewhere" "$box/var/spool/asterisk"
configure
expect "root's link to a disk that is not mounted" "$(ls -d "$box/elsewhere" 2>/dev/null)" ''

# left NAME PATH…: neither those nor the secret are touched, and the operator is told.
left() {
    case=$1
    shift
    before=$(for path in /secret "$@"; do owner "$path"; done)
    configure
    expect "$case" "$(for path in /secret "$@"; do owner "$path"; done)" "$before"
    expect "$case: told" "$told" yes
}
fresh
asterisks /etc/asterisk
ln -sf "$box/secret" "$box$conf"
left "a link in Asterisk's folder"
fresh
ln -sf "$box/secret" "$box$conf"
left "root's own link"
fresh
ln -f "$box/secret" "$box$conf"
left 'a hard link'
fresh
rm "${box:?}$conf"
mkfifo -m 600 "$box$conf"
left 'a fifo' $conf
fresh
asterisks /etc/asterisk
left "a file in Asterisk's folder" $conf
fresh
chmod 775 "$box/etc/asterisk"
left 'a folder that its group can write' $conf
fresh
mv "$box/etc/asterisk" "$box/pbx"
asterisks /pbx
ln -s ../pbx "$box/etc/asterisk"
left "root's link to Asterisk's folder" /pbx/websms.conf
fresh
rm -r "${box:?}/etc/asterisk"
configure
expect 'no folder' "told: $told" 'told: yes'

# The folder may be elsewhere, if it is root's.
fresh
mv "$box/etc/asterisk" "$box/pbx"
ln -s ../pbx "$box/etc/asterisk"
configure
expect "root's link to root's folder" "$(owner /pbx/websms.conf), told: $told" '640 0:385, told: no'

# An upgrade leaves the operator's choice.
fresh
configure 1.0.0-1
expect 'an upgrade' "$(owner $conf) $(cat "$root/out")" '600 0:0 '

# With faults it fails, and dpkg says so; what runs is not restarted.
echo 'websms.conf:3: fault: no such key' >"$root/faults"
status=0
sh -e "$root/postinst" configure 1.0.0-1 >"$root/out" 2>&1 || status=$?
expect 'an upgrade with faults' "$status $(sed -n '2p' "$root/out")" '1 websms.conf:3: fault: no such key'
fresh
configure
expect 'a first installation does not ask' "$told" no

[ "$failures" = 0 ]
