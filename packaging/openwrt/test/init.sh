#!/bin/sh
# The init script, run with stubs of what procd gives it, and what a package runs after it was installed, under whatever shell
# runs this.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir "$root/bin"
calls=$root/calls

expect() {
    [ "$2" = "$3" ] || { printf 'init.sh: %s:\n   found %s\n  wanted %s\n' "$1" "$2" "$3" >&2; exit 1; }
}

# Programs: websmsd and jsonfilter answer for a configuration that moves two folders; chown and chmod are noted only.
cat >"$root/bin/websmsd" <<EOF
#!/bin/sh
echo '{"astqueue":{"stagingdir":"$root/mnt/usb/staging/"},"queue":{"dir":"$root/etc/websms/queue"}}'
EOF
cat >"$root/bin/jsonfilter" <<EOF
#!/bin/sh
case "\$*" in
    "-q -e @['astqueue']['stagingdir']") echo "$root/mnt/usb/staging/" ;;
    "-q -e @['queue']['dir']") [ -e "$root/bare" ] || echo "$root/etc/websms/queue" ;;
esac
EOF
for name in chown chmod; do
    printf '#!/bin/sh\necho "%s $*" >>%s\n' "$name" "$calls" >"$root/bin/$name"
done
# shellcheck disable=SC2016  # for the new file's shell
printf '#!/bin/sh\nexec /bin/mkdir "$@"\n' >"$root/bin/mkdir"
/bin/chmod +x "$root"/bin/*
PATH=$root/bin:$PATH

# procd's functions, each of which writes down how it was called.
for name in procd_open_instance procd_set_param procd_close_instance procd_send_signal; do
    eval "$name() { echo \"$name \$*\" >>\"\$calls\"; }"
done

# The script with its paths below the scratch root.
sed -e "s|/usr/sbin/websmsd|$root/bin/websmsd|; s|/etc/|$root/etc/|g; s|/var/spool|$root/var/spool|g" \
    "$here/../websmsd.init" >"$root/websmsd"
mkdir -p "$root/etc/asterisk"
# What an attacker who is Asterisk might leave: a link in place of a folder, to something of root's.
mkdir -p "$root/var/spool/asterisk" "$root/secret"
ln -s "$root/secret" "$root/var/spool/asterisk/outgoing"
# shellcheck source=/dev/null
. "$root/websmsd"

expect 'after the network, before Asterisk' "$((START > 20 && START < 99))" 1
expect 'USE_PROCD' "$USE_PROCD" 1

start_service
expect 'procd' "$(grep procd "$calls")" "procd_open_instance 
procd_set_param command $root/bin/websmsd -c $root/etc/asterisk/websms.conf
procd_set_param user asterisk
procd_set_param group asterisk
procd_set_param no_new_privs 1
procd_set_param respawn 3600 5 0
procd_set_param stdout 1
procd_set_param stderr 1
procd_close_instance "
expect 'owners' "$(grep '^ch' "$calls")" "chown root:asterisk $root/etc/asterisk/websms.conf
chmod 0640 $root/etc/asterisk/websms.conf
chown -h asterisk:asterisk $root/var/spool/asterisk
chown -h asterisk:asterisk $root/var/spool/asterisk/outgoing
chown -h asterisk:asterisk $root/mnt/usb/staging
chown -h asterisk:asterisk $root/etc/websms/queue"
expect 'mode of the staging folder' "$(stat -c %a "$root/mnt/usb/staging")" 700
expect 'mode of the queue' "$(stat -c %a "$root/etc/websms/queue")" 700

# Once more: what is there stays as it is.
: >"$calls"
touch "$root/etc/websms/queue/kept"
start_service
expect 'a waiting message' "$(ls "$root/etc/websms/queue")" kept

# A configuration that names no folder: those that the program takes by itself, not the sample's.
: >"$calls"
: >"$root/bare"
start_service
expect 'the queue of a configuration without one' "$(tail -n +3 "$calls" | sed -n '4p')" "chown -h asterisk:asterisk $root/var/spool/websms"
expect 'its mode' "$(stat -c %a "$root/var/spool/websms")" 700

# A folder of another user's is left alone.
/bin/chown 65534 "$root/var/spool/asterisk"
: >"$calls"
start_service
expect "another user's spool" "$(grep -c "chown -h asterisk:asterisk $root/var/spool/asterisk\$" "$calls" || true)" 0

: >"$calls"
reload_service
expect 'reload' "$(cat "$calls")" 'procd_send_signal websmsd * HUP'

# After the installation. The service notes what is asked of it, and `off` stands for an operator who switched it off.
mkdir -p "$root/lib" "$root/etc/init.d"
echo 'group_exists() { :; }; user_exists() { :; }' >"$root/lib/functions.sh"
cat >"$root/etc/init.d/websmsd" <<EOF
#!/bin/sh
echo "\$1" >>$calls
[ "\$1" = enabled ] || exit 0
[ ! -e "$root/off" ]
EOF
/bin/chmod +x "$root/etc/init.d/websmsd"
sed -e "s|/etc/|$root/etc/|g; s|\$IPKG_INSTROOT/lib|$root/lib|" "$here/../postinst" >"$root/postinst"
# after WANTED COMMAND…: what the service was asked.
after() {
    wanted=$1
    shift
    : >"$calls"
    "$@"
    expect "$*" "$(grep -v '^ch' "$calls" | tr '\n' ' ')" "$wanted"
}
after 'enable enabled restart ' env IPKG_INSTROOT= sh "$root/postinst" configure
after 'enable enabled restart ' env IPKG_INSTROOT= sh "$root/postinst" 1.0.0-r1
touch "$root/off"
after 'enabled ' env IPKG_INSTROOT= PKG_UPGRADE=1 sh "$root/postinst" configure
after 'enabled ' env IPKG_INSTROOT= sh "$root/postinst" 1.0.1-r1 1.0.0-r1
