#!/bin/sh
# The passwords come from .env as they are; the configuration takes only their digests.
set -eu
digest() {
    printf '%s\n' "$1" | caddy hash-password
}
PROXY_ADMIN_DIGEST=$(digest "$PROXY_ADMIN_PASSWORD")
PROXY_VIEWER_DIGEST=$(digest "$PROXY_VIEWER_PASSWORD")
export PROXY_ADMIN_DIGEST PROXY_VIEWER_DIGEST
unset PROXY_ADMIN_PASSWORD PROXY_VIEWER_PASSWORD
exec caddy run --config /etc/caddy/Caddyfile
