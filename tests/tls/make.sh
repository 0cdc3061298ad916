#!/bin/sh
# Makes the certificates of this folder: a test authority, and servers that it vouches for, rightly and
# wrongly.
# usage: tests/tls/make.sh   (needs openssl; these keys guard nothing)
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.cnf" <<EOF
[ca]
default_ca = test
[test]
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
EOF
: >"$work/index"
echo 01 >"$work/serial"

sign() { # REQUEST OUT EXTENSIONS FROM TO OPTIONS…
    in=$1 out=$2 extensions=$3 from=$4 to=$5
    shift 5
    printf '%b\n' "$extensions" >"$work/ext"
    openssl ca -batch -notext -config "$work/ca.cnf" -in "$in" -out "$out" \
        -extfile "$work/ext" -startdate "$from" -enddate "$to" "$@"
}

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

authority() { # NAME
    key "$work/$1.key"
    openssl req -new -key "$work/$1.key" -subj "/CN=WebSMS test $1" -out "$work/csr"
    sign "$work/csr" "$1.pem" 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign' \
        20000101000000Z 20991231235959Z -selfsign -keyfile "$work/$1.key"
}

server() { # NAME SAN FROM TO
    openssl req -new -key server.key -subj "/CN=$1" -out "$work/csr"
    sign "$work/csr" "$1.pem" "subjectAltName=$2\nextendedKeyUsage=serverAuth" \
        "$3" "$4" -cert ca.pem -keyfile "$work/ca.key"
}

here=IP:127.0.0.1,DNS:localhost
authority ca
authority stranger
key server.key
server good "$here" 20000101000000Z 20991231235959Z
server expired "$here" 20000101000000Z 20010101000000Z
server early "$here" 20980101000000Z 20991231235959Z
server misnamed DNS:other.example 20000101000000Z 20991231235959Z

# own: makes certificates with other names and times, which are valid only as a server's own certificate in
# ca_file.
own() { # NAME SAN FROM TO
    openssl req -new -key server.key -subj /CN=localhost -out "$work/csr"
    sign "$work/csr" "$1.pem" "basicConstraints=critical,CA:TRUE\nsubjectAltName=$2" \
        "$3" "$4" -selfsign -keyfile server.key
}
own own-expired "$here" 20000101000000Z 20010101000000Z
own own-misnamed DNS:other.example 20000101000000Z 20991231235959Z
own own-twin "$here" 20000101000000Z 20991231235959Z

# openssl makes this by itself when it is asked for a certificate: an authority that calls itself a server.
openssl req -x509 -new -key server.key -subj /CN=localhost -addext "subjectAltName=$here" -days 27000 -out authority.pem
