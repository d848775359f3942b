# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC1090,SC2034,SC2086
# What the hooks of this folder have in common; see docs/hooks.md. Settings, changed by
# /etc/clinch/hooks.conf (shell, NAME=VALUE):
wait=60                         # seconds, for the staple
strict=no                       # yes: also for certificates that are not must-staple
import=                         # a folder: copy certificates there, without the key, for clinch
state=                          # where it is not that of the configuration
config=/etc/clinch/clinch.yaml
options=                        # more for `clinch once`
reload=                         # what makes the servers take the new certificate

# cron knows /usr/bin and /bin alone.
PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin

conf=${CLINCH_HOOKS_CONF:-/etc/clinch/hooks.conf}
[ ! -r "$conf" ] || . "$conf"

# The state belongs to user clinch, so that no file of root's may get into it.
once() {
    set -- clinch once $options "$@"
    if [ "$(id -u)" = 0 ] && id clinch >/dev/null 2>&1; then
        set -- setpriv --reuid=clinch --regid=clinch --init-groups "$@"
    fi
    "$@"
}

# gate PATH: fails when a certificate there that must have a staple has none at the end of `wait`.
gate() {
    set -- --wait "$wait" "$1"
    [ "$strict" = no ] || set -- --strict "$@"
    # Its proxy, issuers and control socket, but neither its other certificates nor its servers.
    [ ! -e "$config" ] || set -- -c "$config" --only "$@"
    [ -z "$state" ] || set -- --state "$state" "$@"
    once "$@"
}

# take PATH: the gate for a certificate that is in its place; then staples go to the servers, where no
# daemon has done that already, and the servers are reloaded.
take() {
    path=$1
    # No `set -e` is relied on: it sleeps inside of conditions.
    [ -z "$import" ] || path=$(clinch import --to "$import" "$path") || return 1
    gate "$path" || return 1
    # Other certificates may be in trouble; that is no reason to keep this one back.
    [ ! -e "$config" ] || once -c "$config" || true
    [ -z "$reload" ] || sh -c "$reload"
}

# early PATH: the gate for a certificate that is not in its place yet.
early() {
    if [ -z "$import" ]; then
        gate "$1"
        return
    fi
    # Its path is where nobody but root may read, and its name is gone tomorrow.
    folder=$(mktemp -d)
    chmod 755 "$folder"
    code=0
    path=$(clinch import --to "$folder/certs" "$1") && gate "$path" || code=$?
    rm -rf "$folder"
    return $code
}
