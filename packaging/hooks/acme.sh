#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A reload command for acme.sh: the staple of the new certificate first, then the servers.
#   acme.sh --install-cert -d NAME --key-file ... --fullchain-file /etc/nginx/tls/shop.pem \
#           --reloadcmd '/usr/share/clinch/hooks/acme.sh /etc/nginx/tls/shop.pem'
# Without the file it takes the one that acme.sh keeps, which only its own user can read: `import`
# in /etc/clinch/hooks.conf. acme.sh has put the new certificate into its place already: servers keep
# the old one until somebody reloads them, so leave the reload to `reload` there.
set -eu
. "$(dirname "$(readlink -f "$0")")/gate.sh"

path=${1:-${CERT_FULLCHAIN_PATH:?is set by acme.sh}}
if ! take "$path"; then
    echo "clinch: no staple for ${Le_Domain:-$path}; servers were not reloaded" >&2
    exit 1
fi
