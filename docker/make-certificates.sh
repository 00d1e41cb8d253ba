#!/bin/sh
# Makes an authority and the certificates that compose.secure.yaml wants, into the folder given, for 90 days.
# For a trial: whoever has an authority of his own takes its certificates, under the same names.
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
command -v openssl >/dev/null || { echo "openssl is not installed" >&2; exit 1; }
[ ! -e "$1/ca.key" ] || { echo "$1 has an authority already; remove the folder to make another" >&2; exit 1; }
umask 077
mkdir -p "$1"
cd "$1"

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }

new_key ca
openssl req -x509 -new -key ca.key -subj "/CN=Wirefuse trial authority" -days 90 \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" -out ca.crt

signed() { # NAME EXTENSIONS
    new_key "$1"
    printf '%s\n' "basicConstraints=CA:FALSE" "$2" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=wirefuse-$1" |
        openssl x509 -req -CA ca.crt -CAkey ca.key -days 90 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm "$1.ext"
}

# The broker is a client of itself: it is its own controller.
signed kafka "extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:kafka,DNS:localhost"
cat kafka.key kafka.crt >kafka.pem
for role in administrator operator producer dedup entities incidents sink; do
    signed "$role" "extendedKeyUsage=clientAuth"
done
# Compose mounts each file by itself, and the containers' users are not this one: the folder keeps others out.
chmod 644 ./*.crt ./*.key ./*.pem
chmod 600 ca.key
