#!/bin/sh
# Installs Debian's Prometheus and promtool for the tests, without a service that would run beside them.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "Install Prometheus 2.40 or later (prometheus and promtool); the tests of the alerts are skipped without." >&2
    exit 0
fi
root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
# systemd starts no masked service, now or at boot; `systemctl unmask prometheus` gives it back.
if [ ! -e /etc/systemd/system/prometheus.service ]; then
    root mkdir -p /etc/systemd/system
    root ln -s /dev/null /etc/systemd/system/prometheus.service
fi
# Without systemd the package would start its init script; this forbids it for as long as the installation lasts.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | root tee "$policy" >/dev/null
    root chmod 755 "$policy"
    trap 'root rm -f "$policy"' EXIT
fi
root env DEBIAN_FRONTEND=noninteractive apt-get -q update
root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends prometheus
