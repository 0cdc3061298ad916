#!/bin/sh
# usage: purge.sh      (in the scratch Debian)
# Purges the package while a websmsd that was started by hand runs, and writes to the queue.
set -eu
setpriv --reuid=asterisk --regid=asterisk --clear-groups websmsd -l 127.0.0.1:8080 &
pid=$!
for _ in $(seq 100); do
    [ -z "$(ls /var/spool/websms)" ] || break
    sleep 0.1
done
[ "$(cat "/proc/$pid/comm")" = websmsd ] || { echo 'purge.sh: websmsd does not run' >&2; exit 1; }
dpkg -P websms
! kill -0 "$pid" 2>/dev/null || { sleep 1; ! kill -0 "$pid" 2>/dev/null; } || { echo 'purge.sh: websmsd runs on' >&2; exit 1; }
