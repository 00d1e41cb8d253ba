#!/bin/sh
# Installs what builds and runs the image without Docker, for `make image-test`.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "make image-test needs buildah, debootstrap and runc, and knows Debian's packages only." >&2
    exit 1
fi
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
root env DEBIAN_FRONTEND=noninteractive apt-get -q update
root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends buildah debootstrap runc openssl
