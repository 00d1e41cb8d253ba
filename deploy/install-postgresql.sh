#!/bin/sh
# Installs Debian's PostgreSQL server for the tests, without a cluster that would run beside them.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "Install a PostgreSQL server (initdb and postgres); the tests of the PostgreSQL sink are skipped without." >&2
    exit 0
fi
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
root mkdir -p /etc/postgresql-common
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo "create_main_cluster = false" | root tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
root env DEBIAN_FRONTEND=noninteractive apt-get -q update
root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends postgresql
